package manage

import (
	"encoding"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// apiPath is where the description of the API is.
const apiPath = "/v1/openapi.json"

// object is one of JSON.
type object = map[string]any

// describe makes the description of the API, OpenAPI 3.1, of its routes.
func describe(routes []*route, version string) object {
	d := describer{schemas: object{}}
	paths := object{}
	for _, t := range routes {
		p, ok := paths[t.path].(object)
		if !ok {
			p = object{}
			paths[t.path] = p
		}
		p[strings.ToLower(t.method)] = d.operation(t)
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "weir", "version": version, "license": object{"name": "Apache 2.0", "identifier": "Apache-2.0"},
			"description": "Operates a network probe. What goes wrong is said as RFC 9457 has it.",
		},
		"jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
		"servers":           []any{object{"url": "/"}},
		"paths":             paths,
		"components": object{
			"schemas": d.schemas,
			"securitySchemes": object{
				"token":       object{"type": "http", "scheme": "bearer", "description": "From /v1/login or /v1/tokens."},
				"certificate": object{"type": "mutualTLS", "description": "Whose common name is that of a user."},
			},
		},
	}
}

type describer struct{ schemas object }

// inPath matches the parameters of a path.
var inPath = regexp.MustCompile(`\{(\w+)\}`)

func (d *describer) operation(t *route) object {
	o := object{
		"operationId": operationID(t), "summary": t.doc, "responses": object{},
		"tags": []any{strings.Split(t.path, "/")[2]},
	}
	o["x-weir-role"] = t.who.String()
	if o["security"] = []any{}; t.who != Anyone {
		o["security"] = []any{object{"token": []any{}}, object{"certificate": []any{}}}
	}
	var params []any
	of := map[string]bool{}
	for _, m := range inPath.FindAllStringSubmatch(t.path, -1) {
		of[m[1]] = true
	}
	for _, p := range t.query {
		where := "query"
		if of[p.name] {
			where = "path"
		}
		params = append(params, object{
			"name": p.name, "in": where, "required": of[p.name], "description": p.doc,
			"schema": object{"type": p.kind},
		})
	}
	if params != nil {
		o["parameters"] = params
	}
	if t.in != nil {
		o["requestBody"] = object{"required": true, "content": d.content(t.in)}
	}
	responses := object{"default": object{"description": "What went wrong.", "content": object{
		"application/problem+json": object{"schema": d.schema(reflect.TypeFor[Problem]())},
	}}}
	if t.out == nil {
		responses["204"] = object{"description": "Done."}
	} else {
		responses["200"] = object{"description": "Done.", "content": d.content(t.out)}
	}
	o["responses"] = responses
	return o
}

// operationID names an operation by its method and path: getConfigHistoryVersion.
func operationID(t *route) string {
	id := strings.ToLower(t.method)
	for _, word := range strings.FieldsFunc(t.path,
		func(c rune) bool { return strings.ContainsRune("/{}-.", c) }) {
		if word != "v1" {
			id += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return id
}

func (d *describer) content(body any) object {
	if m, ok := body.(media); ok {
		kind := object{"type": "string"}
		if m == octets || m == archive {
			kind = object{}
		}
		return object{string(m): object{"schema": kind}}
	}
	return object{"application/json": object{"schema": d.schema(reflect.TypeOf(body))}}
}

// schema describes a Go type as encoding/json writes it (JSON Schema 2020-12).
func (d *describer) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[Role]():
		return object{"type": "string", "enum": []any{"read", "operate", "admin"}}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem())
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		return d.named(t)
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": d.schema(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	}
	return object{"type": "integer"}
}

// named describes a struct once and refers to it.
func (d *describer) named(t reflect.Type) object {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if pkg := t.PkgPath(); !strings.HasSuffix(pkg, "/manage") {
		last := pkg[strings.LastIndex(pkg, "/")+1:]
		name = strings.ToUpper(last[:1]) + last[1:] + name
	}
	ref := object{"$ref": "#/components/schemas/" + name}
	if _, done := d.schemas[name]; done {
		return ref
	}
	properties, required := object{}, []any{}
	s := object{"type": "object", "properties": properties, "additionalProperties": false}
	d.schemas[name] = s
	d.members(t, properties, &required)
	if len(required) > 0 {
		s["required"] = required
	}
	return ref
}

func (d *describer) members(t reflect.Type, properties object, required *[]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && key == "":
			d.members(f.Type, properties, required)
			continue
		case key == "-" || !f.IsExported():
			continue
		}
		property := d.schema(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			property["description"] = doc
		}
		if low, high, ok := strings.Cut(f.Tag.Get("range"), ".."); ok {
			property["minimum"], _ = strconv.Atoi(low)
			property["maximum"], _ = strconv.Atoi(high)
		}
		properties[key] = property
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, key)
		}
	}
}

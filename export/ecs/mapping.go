package ecs

import (
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/json"
)

// own is the object of what the Elastic Common Schema has no place for.
const own = "weir"

// Path returns where the value of f is in a document: its path in the Elastic Common Schema, or
// else its label in lower case below "weir".
func Path(f *flow.Field) string {
	if f.ECS != "" {
		return f.ECS
	}
	return own + "." + strings.ToLower(f.Key())
}

// place is a path of the schema where the type of the field alone does not say how a value is
// indexed or written.
type place struct {
	path string
	typ  string    // Elasticsearch type
	form json.Form // nil: as the type of the field says
}

// places are the paths whose type in the schema is not the natural one of the field.
var places = [...]place{
	{"network.iana_number", "keyword", json.Quoted},
	{"network.vlan.id", "keyword", json.Quoted},
	{"network.inner.vlan.id", "keyword", json.Quoted},
	{"observer.ingress.interface.id", "keyword", json.Quoted},
	{"observer.egress.interface.id", "keyword", json.Quoted},
	{"network.direction", "keyword", direction},
	{"network.protocol", "keyword", json.Lower},
	{"network.application", "keyword", json.Lower},
	{"dns.id", "keyword", json.Quoted},
	{"dns.header_flags", "keyword", json.List(';', nil)},
	{"dns.answers.data", "keyword", json.List(';', answer)},
	{"http.version", "keyword", httpVersion},
	{"tls.version", "keyword", tlsVersion},
	{"tls.cipher", "keyword", tlsCipher},
	{"tls.client.supported_ciphers", "keyword", json.List(',', nil)},
	{"tls.server.x509.alternative_names", "keyword", json.List(',', nil)},
	{"tls.resumed", "boolean", json.Boolean},
	{"tls.server.hash.sha1", "keyword", json.Upper},
	{"tls.server.hash.sha256", "keyword", json.Upper},
	{"tls.client.hash.sha256", "keyword", json.Upper},
	{"tls.server.x509.serial_number", "keyword", json.Upper},
	{"tls.client.x509.serial_number", "keyword", json.Upper},
	{"url.original", "wildcard", nil},
}

// placeOf returns how the value of f is indexed and written.
func placeOf(f *flow.Field) place {
	path := Path(f)
	if point, _, ok := strings.Cut(path, ".geo.location."); ok {
		return place{point + ".geo.location", "geo_point", location}
	}
	for _, p := range places {
		if p.path == path {
			return p
		}
	}
	return place{path, natural(f, path), formOf(f, path)}
}

// natural returns the Elasticsearch type that holds every value of the field's type.
func natural(f *flow.Field, path string) string {
	switch f.Type {
	case flow.Float64:
		return "double"
	case flow.IPv4Address, flow.IPv6Address:
		return "ip"
	case flow.String, flow.OctetArray, flow.MACAddress, flow.ApplicationID:
		return "keyword"
	}
	switch {
	case isTime(f.Type):
		return "date"
	case f.Scale > 1:
		return "double"
	case f.Type == flow.Unsigned64 && strings.HasPrefix(path, own+"."):
		return "unsigned_long"
	}
	return "long"
}

func isTime(t flow.Type) bool {
	return t >= flow.DateTimeSeconds && t <= flow.SysUpTimeMilliseconds
}

// Type returns the Elasticsearch type of the value of f in a document.
func Type(f *flow.Field) string { return placeOf(f).typ }

// Properties returns the "properties" of the mappings of an index template for documents that may
// have any of the fields, as a value for encoding/json: objects are map[string]any. What documents
// have beyond their fields is among them.
func Properties(fields []*flow.Field) map[string]any {
	root := map[string]any{}
	for _, f := range fields {
		p := placeOf(f)
		put(root, p.path, p.typ)
		if other := otherName(p.path); other != "" {
			put(root, other, p.typ)
		}
	}
	for i := range members {
		put(root, members[i].path, members[i].typ)
	}
	return root
}

// put puts the type of a path into a tree of properties.
func put(root map[string]any, path, typ string) {
	names := strings.Split(path, ".")
	last := len(names) - 1
	for _, name := range names[:last] {
		child, _ := root[name].(map[string]any)
		if child == nil {
			child = map[string]any{"properties": map[string]any{}}
			root[name] = child
		}
		root = child["properties"].(map[string]any)
	}
	leaf := map[string]any{"type": typ}
	if typ == "keyword" {
		leaf["ignore_above"] = 1024 // as in the schema: longer ones are kept but not indexed
	}
	root[names[last]] = leaf
}

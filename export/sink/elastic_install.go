package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/ecs"
)

// Object is a JSON object.
type Object = map[string]any

// ElasticSchema is what a server has to know of records before the first comes.
type ElasticSchema struct {
	Name     string `json:"name"`     // of the policy and of the template
	Policy   Object `json:"policy"`   // life cycle, for PUT _ilm/policy/NAME or PUT _plugins/_ism/policies/NAME
	Template Object `json:"template"` // index template with its mappings, for PUT _index_template/NAME
}

// Elastic returns what a server has to know of the records for a target of elasticsearch:// or
// opensearch://.
func Elastic(target string, o *Options) (ElasticSchema, error) {
	s, place, err := Find(target)
	if err != nil {
		return ElasticSchema{}, err
	}
	_, stream, err := streams(place)
	if err != nil {
		return ElasticSchema{}, err
	}
	return elasticSchema(stream, o, strings.HasPrefix(s.Name, "opensearch")), nil
}

// elasticSchema is Elastic for a data stream with kindMark where the kind stands.
func elasticSchema(stream string, o *Options, open bool) ElasticSchema {
	e := o.Elastic
	e.fill()
	s := ElasticSchema{Name: strings.ReplaceAll(stream, kindMark, "all")}
	pattern := strings.ReplaceAll(stream, kindMark, "*")
	index := Object{
		"number_of_shards": e.Shards, "number_of_replicas": e.Replicas, "codec": "best_compression",
		"mapping": Object{"ignore_malformed": true, "total_fields": Object{"limit": 4000}},
	}
	if open {
		s.Policy = stateManagement(&e, pattern)
	} else {
		s.Policy = lifeCycle(&e)
		index["lifecycle"] = Object{"name": s.Name}
	}
	s.Template = Object{
		"index_patterns": []string{pattern}, "data_stream": Object{}, "priority": 300,
		"template": Object{
			"settings": Object{"index": index},
			"mappings": mappings(o),
		},
		"_meta": Object{"description": "What weir exports."},
	}
	return s
}

// minutes writes a time as both products read it.
func minutes(d time.Duration) string { return strconv.Itoa(int(d/time.Minute)) + "m" }

// lifeCycle is a policy of Elasticsearch's index life cycle management.
func lifeCycle(e *ElasticOptions) Object {
	return Object{"policy": Object{"phases": Object{
		"hot": Object{"actions": Object{"rollover": Object{
			"max_age": minutes(e.Rollover), "max_primary_shard_size": "50gb",
		}}},
		"delete": Object{"min_age": minutes(e.Delete), "actions": Object{"delete": Object{}}},
	}}}
}

// stateManagement is a policy of OpenSearch's index state management.
func stateManagement(e *ElasticOptions, pattern string) Object {
	return Object{"policy": Object{
		"description": "Life cycle of what weir exports.", "default_state": "hot",
		"states": []Object{
			{"name": "hot", "actions": []Object{{"rollover": Object{
				"min_index_age": minutes(e.Rollover), "min_primary_shard_size": "50gb",
			}}}, "transitions": []Object{{
				"state_name": "delete", "conditions": Object{"min_rollover_age": minutes(e.Delete)},
			}}},
			{"name": "delete", "actions": []Object{{"delete": Object{}}}, "transitions": []Object{}},
		},
		"ism_template": []Object{{"index_patterns": []string{pattern}, "priority": 300}},
	}}
}

// settings returns the settings of the index template.
func (s *ElasticSchema) settings() Object {
	return s.Template["template"].(Object)["settings"].(Object)["index"].(Object)
}

// mappings says how each field is indexed. Strings it does not know are keywords.
func mappings(o *Options) Object {
	properties := Object{"@timestamp": Object{"type": "date"}}
	if o.Format == "ecs" {
		properties = ecs.Properties(o.Fields)
	} else {
		for _, f := range both(o.Fields) {
			properties[f.Key()] = labelType(f)
		}
	}
	return Object{
		"properties": properties,
		"dynamic_templates": []Object{{"strings": Object{
			"match_mapping_type": "string", "mapping": Object{"type": "keyword", "ignore_above": 1024},
		}}},
	}
}

// labelType says how the value of a field in labelled JSON is indexed.
func labelType(f *flow.Field) Object {
	switch f.Type {
	case flow.IPv4Address, flow.IPv6Address:
		return Object{"type": "ip"}
	case flow.String, flow.OctetArray, flow.MACAddress, flow.ApplicationID:
		return Object{"type": "keyword", "ignore_above": 1024}
	case flow.DateTimeSeconds, flow.SysUpTimeMilliseconds:
		return Object{"type": "date", "format": "epoch_second"}
	case flow.DateTimeMilliseconds:
		return Object{"type": "date", "format": "epoch_millis"}
	case flow.Unsigned64:
		if f.Scale <= 1 {
			return Object{"type": "unsigned_long"}
		}
	}
	if f.Type == flow.Float64 || f.Scale > 1 {
		return Object{"type": "double"}
	}
	return Object{"type": "long"}
}

// InstallElastic puts what a server has to know of records there, for the target of an exporter.
func InstallElastic(ctx context.Context, target string, o Options) error {
	s, place, err := Find(target)
	if err != nil {
		return err
	}
	k, err := s.Open(place, o)
	if err != nil {
		return err
	}
	defer k.Close()
	e, ok := k.(*elastic)
	if !ok {
		return fmt.Errorf("%s has no index templates; name one of elasticsearch:// or opensearch://", target)
	}
	return e.install(ctx)
}

// install puts the life cycle and the template there, in the place of older ones.
func (k *elastic) install(ctx context.Context) error {
	s := elasticSchema(k.name, &k.o, k.open)
	policy := k.installILM
	if k.open {
		policy = k.installISM
	}
	if err := policy(ctx, &s); err != nil {
		return err
	}
	return k.installTemplate(ctx, &s)
}

// installTemplate puts the template there. Where a server is too old for a type, or comes without
// it, fields have the one that is nearest.
func (k *elastic) installTemplate(ctx context.Context, s *ElasticSchema) error {
	for _, types := range [][2]string{{}, {"unsigned_long", "long"}, {"wildcard", "keyword"}} {
		if types[0] != "" {
			retype(s.Template, types[0], types[1])
		}
		a, err := k.put(ctx, "/_index_template/"+s.Name, nil, s.Template)
		switch {
		case err != nil:
			return err
		case a.status == http.StatusOK:
			return nil
		case !strings.Contains(a.reason(), "No handler for type"):
			return a.error()
		}
	}
	return fmt.Errorf("server has none of the types that fields need; use Elasticsearch 7.9, OpenSearch 1.0 or newer")
}

// retype gives fields of one type another.
func retype(o Object, from, to string) {
	if o["type"] == from {
		o["type"] = to
	}
	for _, member := range o {
		if child, ok := member.(Object); ok {
			retype(child, from, to)
		}
	}
}

// installILM puts the policy there. Servers without index life cycle management have that of data
// streams, which rolls over by itself and deletes.
func (k *elastic) installILM(ctx context.Context, s *ElasticSchema) error {
	a, err := k.put(ctx, "/_ilm/policy/"+s.Name, nil, s.Policy)
	switch {
	case err != nil:
		return err
	case a.unknown():
		delete(s.settings(), "lifecycle")
		keep := Object{"data_retention": minutes(k.o.Elastic.Delete)}
		s.Template["template"].(Object)["lifecycle"] = keep
	case a.status != http.StatusOK:
		return a.error()
	}
	return nil
}

// installISM puts the policy there, in the place of the one whose version it asks for first.
// Without the plugin there is no life cycle, and indices are kept until somebody deletes them.
func (k *elastic) installISM(ctx context.Context, s *ElasticSchema) error {
	path := "/_plugins/_ism/policies/" + s.Name
	a, err := k.do(ctx, call{method: http.MethodGet, path: path})
	if err != nil || a.unknown() {
		return err
	}
	query := url.Values{}
	if a.status == http.StatusOK {
		var old struct {
			SeqNo int `json:"_seq_no"`
			Term  int `json:"_primary_term"`
		}
		if err := json.Unmarshal(a.body, &old); err != nil {
			return fmt.Errorf("policy %s: %w", s.Name, err)
		}
		query = url.Values{"if_seq_no": {strconv.Itoa(old.SeqNo)}, "if_primary_term": {strconv.Itoa(old.Term)}}
	}
	a, err = k.put(ctx, path, query, s.Policy)
	if err == nil && a.status != http.StatusOK && a.status != http.StatusCreated {
		err = a.error()
	}
	return err
}

// unknown reports whether the server has no such interface.
func (a *answer) unknown() bool {
	return a.status == http.StatusGone ||
		a.status == http.StatusBadRequest && strings.Contains(string(a.body), "no handler found")
}

// put sends an object.
func (k *elastic) put(ctx context.Context, path string, query url.Values, o Object) (answer, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	return k.do(ctx, call{method: http.MethodPut, path: path, query: query, kind: "application/json", body: body})
}

package enrich

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

var _ egress.Stage = (*Services)(nil)

// hostSchema has fields of host names, whoever declares them in the program.
func hostSchema(t *testing.T, labels ...string) (*flow.Schema, map[string]*flow.Field) {
	t.Helper()
	fields, byLabel := []*flow.Field{}, map[string]*flow.Field{}
	for i, label := range labels {
		e := flow.Element{Label: label, ID: uint16(9000 + i), PEN: flow.Weir}
		f := &flow.Field{Element: e, Type: flow.String}
		fields, byLabel[label] = append(fields, f), f
	}
	s, err := flow.Compile(append(flow.All(), fields)...)
	if err != nil {
		t.Fatal(err)
	}
	return s, byLabel
}

func TestServices(t *testing.T) {
	schema, hosts := hostSchema(t, "DNS_QUERY", "HTTP_HOST", "TLS_SERVER_NAME")
	known, err := KnownServices(app.ServiceFile{Path: "own", Text: "Intranet Web - intra.example\n"})
	if err != nil {
		t.Fatal(err)
	}
	stages := []egress.Stage{NewServices(schema, known), Names{}}
	for _, c := range []struct {
		name  string
		app   uint16
		how   flow.Confidence
		hosts map[string]string
		want  string
	}{
		{"by content", 91, flow.ByContent, map[string]string{"TLS_SERVER_NAME": "www.youtube.com"},
			"YouTube Media 124; 91 TLS Web 6"},
		{"a port that suggests nothing", 0, 0, map[string]string{"DNS_QUERY": "www.youtube.com"},
			"YouTube Media 124; 124 YouTube Media 5"},
		{"a port that suggests another", 91, flow.ByPort, map[string]string{"HTTP_HOST": "youtu.be:80"},
			"YouTube Media 124; 124 YouTube Media 5"},
		{"a service that is a protocol", 91, flow.ByPort, map[string]string{"TLS_SERVER_NAME": "a.teamviewer.com"},
			"TeamViewer RemoteAccess 148; 148 TeamViewer RemoteAccess 5"},
		{"the first that is known", 7, flow.ByContent, map[string]string{"TLS_SERVER_NAME": "example.org",
			"HTTP_HOST": "x.github.com", "DNS_QUERY": "youtube.com"}, "Github Collaborative 203; 7 HTTP Web 6"},
		{"of the user, without a number", 91, flow.ByPort, map[string]string{"DNS_QUERY": "a.intra.example."},
			"Intranet Web -; 91 TLS Web 1"},
		{"unknown", 91, flow.ByPort, map[string]string{"DNS_QUERY": "example.org"}, "- - -; 91 TLS Web 1"},
		{"no name", 91, flow.ByPort, nil, "- - -; 91 TLS Web 1"},
	} {
		var a flow.Attrs
		for label, host := range c.hosts {
			a.Text(hosts[label], host)
		}
		r := flow.Record{}
		r.Hot.Application, r.Confidence = c.app, c.how
		v := flow.View{Record: &r, Attrs: a.All()}
		for _, s := range stages {
			s.Enrich(&v, &a)
		}
		v.Attrs = a.All()
		got := texts(&v, flow.ServiceName, flow.ServiceCategory, flow.ServiceNumber) + "; " + texts(&v,
			schema.Named("L7_PROTO"), flow.AppName, flow.AppCategory, schema.Named("L7_CONFIDENCE"))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func texts(v *flow.View, fields ...*flow.Field) string {
	var all []string
	for _, f := range fields {
		text := "-"
		if x, ok := v.Value(f); ok {
			text = string(f.Text(nil, x))
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// Fields that nobody declares are no mistake.
func TestServicesWithoutFields(t *testing.T) {
	schema, _ := hostSchema(t)
	known, err := KnownServices()
	if err != nil {
		t.Fatal(err)
	}
	var a flow.Attrs
	NewServices(schema, known).Enrich(&flow.View{Record: &flow.Record{}}, &a)
	if len(a.All()) != 0 {
		t.Error("attributes of a flow without a name")
	}
}

func TestServicesAllocations(t *testing.T) {
	schema, hosts := hostSchema(t, "TLS_SERVER_NAME")
	known, err := KnownServices()
	if err != nil {
		t.Fatal(err)
	}
	var host, a flow.Attrs
	host.Text(hosts["TLS_SERVER_NAME"], "www.youtube.com")
	v := flow.View{Record: &flow.Record{}, Attrs: host.All()}
	s := NewServices(schema, known)
	if n := testing.AllocsPerRun(100, func() {
		a.Reset()
		s.Enrich(&v, &a)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if len(a.All()) == 0 {
		t.Error("nothing was found")
	}
}

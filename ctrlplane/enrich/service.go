package enrich

import (
	"github.com/weir-probe/weir/configs"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Services says what is offered under the host name that a flow or a transaction asks for.
//
// The application stays the protocol that was recognised by content. Where none was, a service
// that has a number takes the place of what the port suggests, found by name.
type Services struct {
	known *app.Services
	hosts []*flow.Field
}

// hostLabels are the fields that hold host names, the one that counts most first.
var hostLabels = [...]string{"TLS_SERVER_NAME", "QUIC_SERVER_NAME", "HTTP_HOST", "DNS_QUERY"}

// NewServices returns a stage that finds services by what fields of the schema hold. Those that
// the schema does not have are never present.
func NewServices(schema *flow.Schema, known *app.Services) *Services {
	s := &Services{known: known}
	for _, label := range hostLabels {
		if f := schema.Named(label); f != nil && f.Type == flow.String {
			s.hosts = append(s.hosts, f)
		}
	}
	return s
}

// KnownServices compiles the list that comes with the program and then, in their order, those
// of the user, which replace what it says.
func KnownServices(own ...app.ServiceFile) (*app.Services, error) {
	builtin := app.ServiceFile{Path: "configs/services.txt", Text: configs.Services}
	return app.CompileServices(append([]app.ServiceFile{builtin}, own...)...)
}

// Enrich implements egress.Stage. It must come before Names, and may change the record.
func (s *Services) Enrich(v *flow.View, a *flow.Attrs) {
	x := s.find(v)
	if x == nil {
		return
	}
	a.Text(flow.ServiceName, x.Name)
	a.Text(flow.ServiceCategory, x.Category)
	if x.Number == 0 {
		return
	}
	a.Uint(flow.ServiceNumber, uint64(x.Number))
	if v.Confidence >= flow.ByName {
		return
	}
	v.Hot.Application, v.Confidence = x.Number, flow.ByName
	if app.ByNumber(x.Number) == nil {
		a.Text(flow.AppName, x.Name)
		a.Text(flow.AppCategory, x.Category)
	}
}

// find returns the service of the first host name that is known.
func (s *Services) find(v *flow.View) *app.Service {
	for _, f := range s.hosts {
		if host, ok := v.Value(f); ok {
			if x, ok := s.known.Match(host.B); ok {
				return x
			}
		}
	}
	return nil
}

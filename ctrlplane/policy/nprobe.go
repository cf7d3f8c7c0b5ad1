package policy

import (
	"maps"
	"os"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// protocol is one that nProbe's scripts have a function and a global table for. The function is called
// for each transaction.
type protocol struct {
	function, table string
	dissectors      []*app.Dissector // whose transactions they are; the first has the fields
}

// kinds returns the events that the function is called for.
func (p protocol) kinds() (all []egress.Kind) {
	for i, d := range app.All {
		if slices.Contains(p.dissectors, d) {
			all = append(all, egress.EventsOf(i))
		}
	}
	return all
}

// protocols are those of nProbe's manual.
var protocols = []protocol{
	{"checkDHCPFlow", "dhcp", []*app.Dissector{&app.DHCP}},
	{"checkDNSFlow", "dns", []*app.Dissector{&app.DNS}},
	{"checkFTPFlow", "ftp", []*app.Dissector{&app.FTP}},
	{"checkGTPV1Flow", "gtpv1", []*app.Dissector{&app.GTP}},
	{"checkHTTPFlow", "http", []*app.Dissector{&app.HTTP, &app.HTTP2}},
	{"checkIMAPFlow", "imap", []*app.Dissector{&app.IMAP}},
	{"checkPOPFlow", "pop", []*app.Dissector{&app.POP3}},
	{"checkRADIUSFlow", "radius", []*app.Dissector{&app.RADIUS}},
	{"checkSIPFlow", "sip", []*app.Dissector{&app.SIP}},
	{"checkSMTPFlow", "smtp", []*app.Dissector{&app.SMTP}},
}

// common are the keys that every table of nProbe has.
var common = []string{
	"nprobe.pid", "flow.id", "flow.from", "flow.to", "flow.sport", "flow.dport", "flow.duration", "flow.beginTime",
	"flow.endTime", "flow.l7_proto", "flow.protocol",
}

// particular are keys of a protocol that are called otherwise than the field.
var particular = map[string]string{
	"dns.as": "SRC_AS", "dns.clientcountry": "SRC_IP_COUNTRY", "dns.clientcity": "SRC_IP_CITY",
	"dns.answers": "DNS_RESPONSE",
}

// keys returns the keys of the table of a protocol that depend on it, and the labels of their fields.
func (p protocol) keys(schema *flow.Schema) (keys, labels []string) {
	for _, key := range slices.Sorted(maps.Keys(particular)) {
		label := particular[key]
		if strings.HasPrefix(key, p.table+".") && schema.Named(label) != nil {
			keys, labels = append(keys, key), append(labels, label)
		}
	}
	for _, f := range p.dissectors[0].Fields {
		word, rest, _ := strings.Cut(strings.ToLower(f.Label), "_")
		if rest == "" || !slices.Contains([]string{p.table, p.dissectors[0].Name, "gtp"}, word) {
			word, rest = p.table, strings.ToLower(f.Label)
		}
		key := p.table + "." + rest
		if word != "" && !slices.Contains(keys, key) {
			keys, labels = append(keys, key), append(labels, f.Label)
		}
	}
	return keys, labels
}

// legacy implements dns["flow.from"], and dns.query for dns["dns.query"]. What nobody knows is nil, as in a table.
func (r *record) legacy(p protocol) lua.LGFunction {
	keys, labels := p.keys(r.m.program.schema)
	return func(L *lua.LState) int {
		key := L.CheckString(2)
		if r.view == nil {
			L.RaiseError("%s is only there while %s is called", p.table, p.function)
		}
		L.Push(r.legacyValue(L, p, key, keys, labels))
		return 1
	}
}

func (r *record) legacyValue(L *lua.LState, p protocol, key string, keys, labels []string) lua.LValue {
	v := r.view
	switch key {
	case "nprobe.pid":
		return lua.LNumber(os.Getpid())
	case "flow.id":
		return lua.LNumber(flowID(v))
	case "flow.from", "dns.dns_client":
		return lua.LString(address(v, v.Src).String())
	case "flow.to":
		return lua.LString(address(v, v.Dst).String())
	case "flow.sport":
		return lua.LNumber(v.SrcPort)
	case "flow.dport":
		return lua.LNumber(v.DstPort)
	case "flow.duration":
		return lua.LNumber((max(v.Last, v.First) - v.First) / 1e9)
	case "flow.beginTime":
		return lua.LNumber(v.First / 1e9)
	case "flow.endTime":
		return lua.LNumber(v.Last / 1e9)
	case "flow.protocol":
		return lua.LNumber(v.Proto)
	case "flow.l7_proto":
		return r.member(L, "L7_PROTO")
	}
	for _, k := range []string{key, p.table + "." + key} {
		if i := slices.Index(keys, k); i >= 0 {
			return r.member(L, labels[i])
		}
	}
	return lua.LNil
}

// flowID returns a number that tells flows apart and that Lua can hold.
func flowID(v *flow.View) (id uint64) {
	for _, b := range v.ID[:] {
		id = (id ^ uint64(b)) * 1099511628211
	}
	return id >> 11
}

// member returns the value of a field.
func (r *record) member(L *lua.LState, label string) lua.LValue {
	f := r.m.program.schema.Named(label)
	if f == nil {
		return lua.LNil
	}
	r.access(f, label)(L)
	x := L.Get(-1)
	L.Pop(1)
	return x
}

// legacyNext implements pairs(dns).
func (r *record) legacyNext(p protocol) lua.LGFunction {
	keys, labels := p.keys(r.m.program.schema)
	all := slices.Concat(common, keys)
	if p.table == "dns" {
		all = append(all, "dns.dns_client")
	}
	return func(L *lua.LState) int {
		r.lent(L)
		i := 0
		if key, ok := L.Get(2).(lua.LString); ok {
			i = slices.Index(all, string(key)) + 1
		}
		for ; i < len(all); i++ {
			r.m.budget.work(L, 1)
			if x := r.legacyValue(L, p, all[i], keys, labels); x != lua.LNil {
				L.Push(lua.LString(all[i]))
				L.Push(x)
				return 2
			}
		}
		L.Push(lua.LNil)
		return 1
	}
}

package condition

import (
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/exporttest"
)

func schema(t testing.TB) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record is a TCP flow from 10.1.0.3 to 192.0.2.3:443 with an application.
func record(name string) *flow.View {
	v := exporttest.Flow(3)
	var a flow.Attrs
	a.Text(flow.AppName, name)
	v.Attrs = slices.Clone(a.All())
	return v
}

func TestHolds(t *testing.T) {
	s, v, six := schema(t), record("TLS"), exporttest.Flow(2)
	for _, c := range []struct {
		text      string
		want, on6 bool
	}{
		{`L4_DST_PORT == 443`, true, true},
		{`l4_dst_port == 443 and destinationTransportPort != 80`, true, true},
		{`L4_DST_PORT == 443 && IN_BYTES > 5020 || false`, true, false},
		{`not (L4_DST_PORT == 443)`, false, false},
		{`!(L4_DST_PORT < 443) and L4_DST_PORT <= 443 and L4_DST_PORT >= 443 and not (L4_DST_PORT > 443)`, true, true},
		{`L7_PROTO_NAME in ["DNS", "TLS"]`, true, false},
		{`L7_PROTO_NAME not in ["DNS", "QUIC"]`, true, true},
		{`L7_PROTO_NAME in []`, false, false},
		{`L7_PROTO_NAME == "TLS"`, true, false},
		{`L7_PROTO_NAME != "DNS"`, true, false}, // nothing compares with what is absent
		{`L7_PROTO_NAME == nil`, false, true},
		{`nil != L7_PROTO_NAME`, true, false},
		{`(L7_PROTO_NAME ?? "none") == "none"`, false, true},
		{`(L7_PROTO_NAME ?? APPLICATION_NAME) == "TLS"`, true, false},
		{`L7_PROTO_NAME == APPLICATION_NAME`, true, false},
		{`lower(L7_PROTO_NAME) == lower(APPLICATION_NAME) and upper(L7_PROTO_NAME) != lower(L7_PROTO_NAME)`, true, false},
		{`lower(L7_PROTO_NAME) contains "ls"`, true, false},
		{`L7_PROTO_NAME contains "ls"`, false, false},
		{`L7_PROTO_NAME startsWith "T" and L7_PROTO_NAME endsWith "LS" and len(L7_PROTO_NAME) == 3`, true, false},
		{`L7_PROTO_NAME matches "^(?i)t.s$"`, true, false},
		{`IPV4_SRC_ADDR in cidr("10.0.0.0/8")`, true, false},
		{`IPV4_SRC_ADDR in cidr("11.0.0.0/8", "10.1.0.3/32")`, true, false},
		{`IPV4_SRC_ADDR in cidr("11.0.0.0/8")`, false, false},
		{`IPV6_SRC_ADDR in cidr("2001:db8::/32")`, false, true},
		{`IPV4_SRC_ADDR == "10.1.0.3"`, true, false},
		{`"10.1.0.3" == IPV4_SRC_ADDR`, true, false},
		{`IPV4_SRC_ADDR in ["10.1.0.3", "10.1.0.4"] and IPV4_SRC_ADDR != IPV4_DST_ADDR`, true, false},
		{`IPV6_SRC_ADDR == "2001:db8::0:2"`, false, true},
		{`IN_SRC_MAC == "02:00:00:00:00:01"`, true, false},
		{`L4_DST_PORT in 400..443 and L4_DST_PORT not in 0..442`, true, true},
		{`L4_DST_PORT in [53, 443, 853]`, true, true},
		{`L4_DST_PORT in [-1, 53, 0.5]`, false, false},
		{`IN_BYTES > 2 * OUT_BYTES + 1`, true, true},
		{`IN_BYTES / IN_PKTS < 1000.5 and IN_PKTS % 2 == 0 and -IN_PKTS < 0`, true, false},
		{`IN_PKTS > -1 and IN_PKTS != 0.5`, true, true},
		{`RETRANSMITTED_IN_PKTS > 0`, true, false},
		{`FLOW_START_MILLISECONDS > 1700000000000 and FLOW_START_MILLISECONDS < 1800000000000`, true, true},
		{`SRC_VLAN == 42`, false, false},
		{`SRC_VLAN != 42`, false, false},
		{`not (SRC_VLAN == 42)`, true, true},
		{`RECORD_KIND == "flow"`, true, true},
		{`DNS_QUERY contains "x" or true`, true, true},
	} {
		k, err := Compile(c.text, s)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := k.Holds(v); got != c.want {
			t.Errorf("%s is %t of a flow over IPv4", c.text, got)
		}
		if got := k.Holds(six); got != c.on6 {
			t.Errorf("%s is %t of a flow over IPv6", c.text, got)
		}
		if n := testing.AllocsPerRun(10, func() { k.Holds(v) }); n > 0 && !strings.Contains(c.text, "matches") {
			t.Errorf("%s allocates %v times", c.text, n)
		}
	}
}

// Every mistake is told in one line, with what to do.
func TestMistakes(t *testing.T) {
	s := schema(t)
	for text, want := range map[string]string{
		`L4_DST_PRT == 53`:                  "field L4_DST_PRT is unknown; nearest are L4_DST_PORT",
		`L4_DST_PORT == "53"`:               "compares a number with a string; write numbers without quotes",
		`L4_DST_PORT`:                       "is neither true nor false; compare",
		`L4_DST_PORT = 53`:                  "cannot be read",
		`L4_DST_PORT == 53 and`:             "in column",
		``:                                  "cannot be read",
		`IPV4_SRC_ADDR == "10.0.0"`:         `"10.0.0" is not an IP address; write`,
		`IPV4_SRC_ADDR in cidr("10.0.0.0")`: `has "10.0.0.0", which is not a network; write`,
		`IPV4_SRC_ADDR in cidr(1)`:          "not a string; write it in quotes",
		`L4_DST_PORT in cidr("10.0.0.0/8")`: "does not look for an address in networks",
		`IN_SRC_MAC == "x"`:                 `"x" is not a MAC address`,
		`L7_PROTO_NAME matches "("`:         "has no regular expression",
		`L4_DST_PORT matches "5"`:           "does not look for a string",
		`L7_PROTO_NAME matches DNS_QUERY`:   "does not look for a string",
		`L4_DST_PORT in ["a"]`:              "has a list that is wrong",
		`L4_DST_PORT in [IN_PKTS]`:          "not all constant",
		`L7_PROTO_NAME in "a".."b"`:         "range",
		`L7_PROTO_NAME > "a"`:               "puts in order what has none",
		`L4_DST_PORT in DST_PORTS`:          "names nothing to be in",
		`nil == nil`:                        "asks nothing",
		`IN_PKTS > nil`:                     "asks nothing",
		`L7_PROTO_NAME + "a" == "b"`:        "not a number",
		`all([1,2], # > 0)`:                 "is neither true nor false",
		`now() > 1`:                         "is no value",
		`IN_PKTS ** 2 > 1`:                  "calculate with",
		`len(IN_PKTS) > 1`:                  "is no value",
		`exec("x") == 1`:                    "is no value",
		strings.Repeat("a", longest+1):      "octets; write",
	} {
		_, err := Compile(text, s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", text, err, want)
			continue
		}
		if strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "; ") != 1 {
			t.Errorf("%.40s: not one line with one thing to do: %v", text, err)
		}
	}
}

// Only what is looked at is named, each once.
func TestFields(t *testing.T) {
	k, err := Compile(`IN_BYTES > 1 and octetDeltaCount < 9 and RETRANSMITTED_IN_PKTS > 0 or L4_DST_PORT == 1`,
		schema(t))
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, f := range k.Fields() {
		labels = append(labels, f.Label)
	}
	if got := strings.Join(labels, " "); got != "IN_BYTES RETRANSMITTED_IN_PKTS L4_DST_PORT" {
		t.Errorf("fields are %s", got)
	}
	if k.Blocks() != flow.BlockTCP || k.String() == "" {
		t.Errorf("blocks are %b", k.Blocks())
	}
}

// FuzzCompile has no expression panic, and what compiles is decided about any record.
func FuzzCompile(f *testing.F) {
	s := schema(f)
	for _, text := range []string{
		`L4_DST_PORT == 53 and IN_BYTES > 1000`, `IPV4_SRC_ADDR in cidr("10.0.0.0/8")`, `not (a ?? 1 == 2)`,
		`L7_PROTO_NAME matches "x" or lower(DNS_QUERY) contains "y"`, `IN_PKTS in [1, -2, 3.5]`,
		`-(-(-IN_PKTS)) % 0 > 1..2`,
	} {
		f.Add(text)
	}
	v := record("\xffTLS\x00")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Compile(text, s)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q has an error of several lines: %v", text, err)
			}
			return
		}
		if first := k.Holds(v); k.Holds(v) != first {
			t.Errorf("%q is decided in two ways", text)
		}
	})
}

// BenchmarkHolds is what a filter of three conditions costs a record that passes it.
func BenchmarkHolds(b *testing.B) {
	s, v := schema(b), record("TLS")
	for _, c := range []struct{ name, text string }{
		{"three", `L4_DST_PORT == 443 and IN_BYTES > 1000 and L7_PROTO_NAME in ["DNS", "TLS"]`},
		{"network", `IPV4_SRC_ADDR in cidr("10.0.0.0/8")`},
		{"regexp", `L7_PROTO_NAME matches "^T.S$"`},
	} {
		k, err := Compile(c.text, s)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !k.Holds(v) {
					b.Fatal("does not hold")
				}
			}
		})
	}
}

package flow

import (
	"slices"
	"strings"
	"testing"
)

func keys(fields []*Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Key())
	}
	return strings.Join(names, " ")
}

func TestTemplate(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct{ text, fields, four, six string }{
		{"%IPV4_SRC_ADDR %IN_BYTES", "IPV4_SRC_ADDR IN_BYTES", "IPV4_SRC_ADDR IN_BYTES", "IPV6_SRC_ADDR IN_BYTES"},
		{"IPV4_SRC_ADDR,in_bytes,\n\tIn_Pkts", "IPV4_SRC_ADDR IN_BYTES IN_PKTS",
			"IPV4_SRC_ADDR IN_BYTES IN_PKTS", "IPV6_SRC_ADDR IN_BYTES IN_PKTS"},
		{"sourceIPv6Address octetDeltaCount %octetDeltaCount %SRC_TO_DST_BYTES", "IPV6_SRC_ADDR IN_BYTES",
			"IPV4_SRC_ADDR IN_BYTES", "IPV6_SRC_ADDR IN_BYTES"},
		{"%IPV6_SRC_ADDR %IPV4_SRC_ADDR", "IPV6_SRC_ADDR IPV4_SRC_ADDR", "IPV4_SRC_ADDR", "IPV6_SRC_ADDR"},
		{"%PROTOCOL %IPV6_FLOW_LABEL %ICMP_TYPE", "PROTOCOL IPV6_FLOW_LABEL ICMP_TYPE",
			"PROTOCOL ICMP_TYPE", "PROTOCOL IPV6_FLOW_LABEL ICMP_IPV6_TYPE_CODE"},
		{"%IN_PKTS @V5@", "IN_PKTS " + strings.Replace(strings.ReplaceAll(strings.Join(splitNames(DefaultV5), " "),
			"%", ""), "IN_PKTS ", "", 1), "", ""},
		{"@default@", strings.ReplaceAll(strings.Join(splitNames(DefaultNProbe), " "), "%", ""), "", ""},
	} {
		tpl, err := s.Template(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := keys(tpl.Fields); got != c.fields {
			t.Errorf("%s: fields are\n%s, want\n%s", c.text, got, c.fields)
		}
		if got := keys(tpl.Version(4)); c.four != "" && got != c.four {
			t.Errorf("%s: for IPv4 %s, want %s", c.text, got, c.four)
		}
		if got := keys(tpl.Version(6)); c.six != "" && got != c.six {
			t.Errorf("%s: for IPv6 %s, want %s", c.text, got, c.six)
		}
	}
}

func TestTemplateMistakes(t *testing.T) {
	s := compiled(t)
	for text, want := range map[string][]string{
		" \n,":                        {"template is empty: name fields, as %IN_BYTES, or a macro, as @DEFAULT@"},
		"%IN_BYTE":                    {"template field %IN_BYTE is unknown, nearest are IN_BYTES"},
		"%IPV4_SRC_ADRR %L4_SCR_PORT": {"%IPV4_SRC_ADRR is unknown, nearest are IPV4_SRC_ADDR", "L4_SRC_PORT"},
		"zzzzzzzzzz":                  {"template field zzzzzzzzzz is unknown"},
		"%GTPV1_RAI_MCC %IN_PKTS":     {"field %GTPV1_RAI_MCC is nProbe's but not measured here: leave it out"},
		"%gtpv1_rai_mcc":              {"template field %gtpv1_rai_mcc is nProbe's but not measured here"},
		"@SUPER@":                     {"template macro @SUPER@ is unknown, there are @FULL@ @DEFAULT@ @NTOPNG@"},
		"a,%b @c@":                    {"field a is", "field %b is", "macro @c@ is"},
		"octetDeltaCont":              {"nearest are IN_BYTES"},
	} {
		tpl, err := s.Template(text)
		if err == nil {
			t.Errorf("%q gave %s", text, keys(tpl.Fields))
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q does not say %q", text, err, w)
			}
		}
	}
	small, err := Compile(linkFields)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := small.Template("@V5@"); err == nil || !strings.Contains(err.Error(), "%IPV4_SRC_ADDR") {
		t.Errorf("a macro over a schema without its fields gave %v", err)
	}
	if _, err := Compile(All()...); err != nil { // number the fields as the other tests expect
		t.Fatal(err)
	}
}

func TestTemplateBlocks(t *testing.T) {
	s := compiled(t)
	for text, want := range map[string]Block{
		DefaultNProbe:                         BlockLink, // interfaces
		"%IN_BYTES %COMMUNITY_ID":             0,
		"%SRC_VLAN":                           BlockLink,
		"%TCP_FLAGS":                          0,
		"%TCP_WIN_SCALE_IN %SRC_FRAGMENTS":    BlockTCP | BlockSizes,
		"%DURATION_OUT":                       BlockTiming,
		"%SRC_TO_DST_AVG_THROUGHPUT":          0,
		"%SRC_TO_DST_MAX_THROUGHPUT":          BlockRate,
		"%SERVER_NW_LATENCY_MS %TUNNEL_DEPTH": BlockLatency | BlockOuter,
		"@FULL@":                              AllBlocks,
	} {
		tpl, err := s.Template(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := tpl.Blocks(); got != want {
			t.Errorf("%s needs %#b, want %#b", text, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"ab", "ba", 2},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q are %d steps, want %d", c.a, c.b, got, c.want)
		}
	}
	if n := compiled(t).Nearest("IN_BYTEZ"); len(n) == 0 || n[0] != "IN_BYTES" || len(n) > 3 || !slices.Equal(n,
		compiled(t).Nearest("in_bytez")) {
		t.Errorf("nearest to IN_BYTEZ are %v", n)
	}
}

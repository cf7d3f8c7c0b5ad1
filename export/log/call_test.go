package log_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/log"
)

// follows reports whether a field has a higher number than another, nProbe's before ours. The IPv6
// twins, whose numbers are ours, share columns of nProbe's.
func follows(f, before *flow.Field) bool {
	if strings.Contains(f.Label+before.Label, "IPV6") {
		return true
	}
	return before.PEN == f.PEN && before.ID < f.ID || before.PEN > f.PEN
}

// The lines of the log of calls are pinned; its columns exist, each once, in the order of their
// numbers.
func TestCall(t *testing.T) {
	s := schema(t)
	f, err := log.Call.New(export.FormatOptions{Template: log.Call.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	var before []*flow.Field
	for i, c := range log.Call.Columns {
		for _, label := range strings.Fields(c.Fields) {
			f := s.Named(label)
			if f == nil || f.Label != label || slices.Contains(before, f) {
				t.Fatalf("column %s asks for %s, which does not exist or has a column", c.Name, label)
			}
			if i > 7 && !follows(f, before[len(before)-1]) {
				t.Errorf("column %s is not behind that of a lesser number", label)
			}
			before = append(before, f)
		}
	}
	got := lines(t, f, []*flow.View{
		event(t, s, 4, map[string]any{
			"SIP_CALL_ID": "1-1966@10.0.2.20", "SIP_CALLING_PARTY": "sip:sipp@10.0.2.20",
			"SIP_INVITE_TIME": 1480171979 * second, "SIP_RESPONSE_CODE": 200, "CALL_OUTCOME": "completed",
			"CALL_DURATION_USEC": 8_499_343_000, "RTP_IN_JITTER": 6179, "RTP_IN_MOS": 441, "RTP_IN_PKTS": 425,
			"SIP_UAC":              "a\tb\nc",
			"SIP_REGISTER_MAX_RRD": 16_384_000,
		}),
		event(t, s, 6, map[string]any{"SIP_REGISTER_NUM_OK": 1}),
	})
	golden(t, "call.log", got)
	for _, line := range strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")[3:] {
		if n := strings.Count(line, "\t") + 1; n != len(log.Call.Columns) {
			t.Errorf("a line has %d cells of %d", n, len(log.Call.Columns))
		}
	}
}

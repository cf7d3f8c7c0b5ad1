package collect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// reports are what a collector says of its exporters.
func (b *bench) reports(news bool) (all []string) {
	var a flow.Attrs
	b.c.Report(news, &a, func() {
		v := flow.View{Record: &flow.Record{}, Attrs: a.All()}
		var said []string
		for _, f := range flow.OfStatistics() {
			if x, ok := v.Value(f); ok && f.Key() != "OBSERVATION_TIME_MILLISECONDS" {
				said = append(said, f.Key()+" "+string(f.Text(nil, x)))
			}
		}
		all = append(all, strings.Join(said, ", "))
	})
	return all
}

// Each exporter has statistics, and that it falls silent or sends again is told once, at once.
func TestReport(t *testing.T) {
	b := newBench(t, nil)
	two := set(256, 192, 0, 2, 1, 192, 0, 2, 2)
	b.take(ipfixMessage(0, aTemplate, two), second)
	b.take(ipfixMessage(12, two), second)
	const want = "STATISTICS_OF collector, STATISTICS_NAME test, COLLECTED_MESSAGES_TOTAL 2, COLLECTED_BYTES_TOTAL 68, " +
		"COLLECTED_RECORDS_TOTAL 4, COLLECTED_LOST_TOTAL 10, COLLECTED_TEMPLATES 1, COLLECTED_LAST_MILLISECONDS 1000, " +
		"COLLECTED_SILENT %d, EXPORTER_IPV4_ADDRESS 192.0.2.1, OBSERVATION_DOMAIN_ID 1"
	check := func(news bool, silent ...int) {
		t.Helper()
		var all []string
		for _, n := range silent {
			all = append(all, fmt.Sprintf(want, n))
		}
		if got := b.reports(news); fmt.Sprint(got) != fmt.Sprint(all) {
			t.Errorf("got\n%q, want\n%q", got, all)
		}
	}
	check(false, 0)
	check(true)
	b.c.look(time.Unix(1, 0).Add(6 * time.Minute))
	check(true, 1)
	check(true)
	check(false, 1)
	b.take(ipfixMessage(14), 400*second)
	if got := b.reports(true); len(got) != 1 || !strings.Contains(got[0], "COLLECTED_SILENT 0") {
		t.Errorf("that it sends again is told as %q", got)
	}
}

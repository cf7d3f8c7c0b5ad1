package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzSyslog(f *testing.F) { fuzzPieces(f, &Syslog) }

func syslogSamples() []conversation {
	old := "<34>Oct 11 22:14:15 mymachine su: 'su root' failed"
	now := "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 ID47 - hello"
	counted := fmt.Sprintf("%d %s%d %s", len(now), now, len(now), now)
	lines := says("lines", 6, flow.Forward, []byte(old+"\n"+now+"\n<13>hello\n"))
	counts := says("counted", 6, flow.Forward, []byte(counted))
	datagram := says("a datagram", 17, flow.Forward, []byte(old))
	datagram.dstPort = 514
	return []conversation{lines, counts, datagram, says("of logger", 17, flow.Forward,
		[]byte("<13>Nov 25 23:00:00 root: hi"))}
}

// TestSyslogSays holds what is said of messages, and what is none.
func TestSyslogSays(t *testing.T) {
	want := []string{
		"auth.crit mymachine su  51, local4.notice 192.0.2.1 myproc ID47 75, user.notice    10",
		"local4.notice 192.0.2.1 myproc ID47 74, local4.notice 192.0.2.1 myproc ID47 74",
		"auth.crit mymachine su  50", "user.notice  root  28",
	}
	for i, c := range syslogSamples() {
		for _, x := range []*conversation{&c, shredded(&c)} {
			var got []string
			if !c.stream() {
				x = &c
			}
			for _, e := range drive(x, &Syslog).events {
				f := e.Fields
				got = append(got, fmt.Sprintf("%s.%s %s %s %s %s", f["SYSLOG_FACILITY"], f["SYSLOG_SEVERITY"],
					f["SYSLOG_HOSTNAME"], f["SYSLOG_APP_NAME"], f["SYSLOG_MSG_ID"], f["SYSLOG_MESSAGE_BYTES"]))
			}
			if s := strings.Join(got, ", "); s != want[i] {
				t.Errorf("%s: %q, want %q", c.name, s, want[i])
			}
		}
	}
	for _, said := range []string{"<34>hello", "<192>1 - - - - - -", "<1>", "<html>", "220 hello", "12 <x>",
		"<34>1 x y z"} {
		for _, proto := range []uint8{6, 17} {
			x := says(said, proto, flow.Forward, []byte(said))
			if o := drive(&x, &Syslog); len(o.messages) > 0 {
				t.Errorf("%q is taken for syslog", said)
			}
		}
	}
}

// TestSyslogOracle compares facilities and severities with what tshark says.
func TestSyslogOracle(t *testing.T) {
	const stream = "tshark reads syslog over UDP alone"
	at := func(names []string, field string) func(m *heard) (string, bool) {
		return func(m *heard) (string, bool) {
			i := slices.Index(names, m.Fields[field])
			return strconv.Itoa(i), i >= 0
		}
	}
	dbCompare(t, &Syslog, dbCaptures(t, "syslog", ""), []dbJudge{
		{"syslog.facility", at(syslogFacilities[:], "SYSLOG_FACILITY"), nil},
		{"syslog.level", at(syslogSeverities[:], "SYSLOG_SEVERITY"), nil},
	}, map[string]string{
		"rsyslog.pcap syslog.facility 1": stream,
		"rsyslog.pcap syslog.facility 2": stream, "rsyslog.pcap syslog.level 2": stream,
		"rsyslog.pcap syslog.level 4": stream, "rsyslog.pcap syslog.level 5": stream,
	})
}

package log_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/log"
)

// The columns of the log of DHCP are the published ones. Of one no type is published.
func TestDHCPHeader(t *testing.T) {
	f, err := os.Open("../../../shared/reference/dump_headers.tsv")
	if err != nil {
		t.Skip("the published headers are not there")
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, l := range lines[1:] {
		if l[0] == "dhcp" && l[3] == "" {
			want = append(want, l[2]+"[ascii:10]")
		} else if l[0] == "dhcp" {
			want = append(want, l[2]+"["+l[3]+"]")
		}
	}
	format, err := log.DHCP.New(export.FormatOptions{Template: log.DHCP.Template(schema(t))})
	if err != nil {
		t.Fatal(err)
	}
	header := "#\n# " + strings.Join(want, "\t") + "\n#\n"
	if got := string(format.Open()(nil, nil)); got != header || len(want) != 10 {
		t.Errorf("the log begins with\n%swant\n%s", got, header)
	}
}

// The lines of the log of DHCP are pinned.
func TestDHCP(t *testing.T) {
	s := schema(t)
	f, err := log.DHCP.New(export.FormatOptions{Template: log.DHCP.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	mac := []byte{2, 0, 0, 0, 1, 0x10}
	golden(t, "dhcp.log", lines(t, f, []*flow.View{
		event(t, s, 4, map[string]any{
			"TRANSACTION_RESPONSE_START": 1481220355 * second, "DHCP_MESSAGE": "Offer", "DHCP_MESSAGE_TYPE": 2,
			"DHCP_SERVER_IP": []byte{192, 0, 2, 1}, "DHCP_CLIENT_MAC": mac, "DHCP_CLIENT_IP": []byte{192, 0, 2, 100},
			"DHCP_TRANSACTION_ID": 0xf8494a18, "DHCP_LEASE_TIME": 3600, "DHCP_REMOTE_ID": "far",
		}),
		event(t, s, 4, map[string]any{
			"TRANSACTION_REQUEST_START": 1481220356 * second, "DHCP_MESSAGE": "Request", "DHCP_MESSAGE_TYPE": 3,
			"DHCP_REPLY": "ACK", "DHCP_REPLY_TYPE": 5, "DHCP_CLIENT_NAME": "printer-7", "DHCP_TRANSACTION_ID": 0x1d,
			"DHCP_SUBSCRIBER_ID": "alice",
		}),
		event(t, s, 6, map[string]any{"DHCP_MESSAGE": "BOOTP", "DHCP_SERVER_ID": "00010001"}),
	}))
}

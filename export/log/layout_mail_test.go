package log_test

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/log"
)

// The logs of mail and files show what their fields say; no field of them is misspelt.
func TestMailAndFiles(t *testing.T) {
	s := schema(t)
	for _, l := range []*log.Layout{log.SMTP, log.IMAP, log.POP3, log.FTP} {
		for _, c := range l.Columns {
			for _, label := range strings.Fields(c.Fields) {
				if s.Named(label) == nil {
					t.Errorf("%v: column %s: there is no %s", l.Records, c.Name, label)
				}
			}
		}
	}
	f, err := log.FTP.New(export.FormatOptions{Template: log.FTP.Template(s), Size: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "ftp.log", lines(t, f, []*flow.View{
		event(t, s, 4, map[string]any{
			"TRANSACTION_REQUEST_START": 1481220355 * second, "TRANSACTION_RESPONSE_END": 1481220356 * second,
			"TRANSACTION_LATENCY_USEC": 1_500_000, "TRANSACTION_STATE": "complete", "FLOW_USER_NAME": "ann",
			"FTP_COMMAND": "RETR", "FTP_ARGUMENT": "a file", "FTP_COMMAND_RET_CODE": 150, "FTP_REPLY_TEXT": "Opening",
			"FTP_DATA_LISTENER": "server", "FTP_DATA_PORT": 2000,
		}),
	}))
}

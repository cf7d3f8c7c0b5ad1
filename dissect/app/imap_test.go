package app

import (
	"fmt"
	"strings"
	"testing"
)

func FuzzIMAP(f *testing.F) { fuzzPieces(f, &IMAP) }

// imapSamples are what the recorded captures do not have.
func imapSamples() []conversation {
	all := []conversation{
		talkHTTP("literals and pipelining", "<* OK IMAP4rev1 ready", ">a LOGIN {3}", "<+ go", ">bob {6}", "<+ go",
			">secret", "<a OK done", ">b SELECT INBOX", ">c FETCH 1 BODY[HEADER]", "<* 3 EXISTS",
			"<b OK [READ-WRITE] done",
			"<* 1 FETCH (BODY[HEADER] {50}", "<Subject: hello", "<From: x@y.z", "<Message-ID: <i@j>", "<", "<)",
			"<* 2 FETCH (FLAGS ())",
			"<c OK fetched", ">d APPEND Sent {16+}", ">Subject: s", ">", ">hi", ">e LOGOUT", "<d OK done",
			"<* BYE bye",
			"<e OK bye"),
		talkHTTP("a literal that is refused", "<* OK IMAP4rev1 ready", ">a LOGIN bob {6}", "<a NO not so",
			`>b AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=`, "<b OK yes", ">c IDLE", "<+ idling", "<* 5 EXISTS", ">DONE",
			"<c OK done", `>d STATUS "a \"box\"" (MESSAGES)`, `<* STATUS "a \"box\"" (MESSAGES 2)`, "<d OK done"),
		talkHTTP("compression", "<* PREAUTH IMAP4 hello", ">a COMPRESS DEFLATE", "<a OK go on"),
		talkHTTP("a client by itself", ">0001 capability", ">0002 noop"),
	}
	for i := range all {
		all[i].dstPort = 143
	}
	return all
}

// TestIMAPEvents holds what transactions there are, and what they say; and that no secret is among it.
func TestIMAPEvents(t *testing.T) {
	want := [][]string{
		{"notice", "transaction LOGIN OK bob", "transaction SELECT OK bob INBOX 3",
			"transaction FETCH OK bob INBOX 'hello' 2",
			"transaction APPEND OK bob Sent 's'", "transaction LOGOUT OK bob"},
		{"notice", "transaction LOGIN NO bob", "transaction AUTHENTICATE OK ann", "transaction IDLE ann",
			"transaction DONE OK ann", `transaction STATUS OK ann a "box"`},
		{"notice", "transaction COMPRESS OK"},
		{"unanswered CAPABILITY", "unanswered NOOP"},
	}
	for i, c := range imapSamples() {
		for _, y := range []*conversation{&c, shredded(&c)} {
			var got []string
			for _, e := range drive(y, &IMAP).events {
				f := e.Fields
				s := e.Kind
				for _, x := range [][2]string{{"", "IMAP_COMMAND"}, {"", "IMAP_STATUS"}, {"", "IMAP_LOGIN"},
					{"", "IMAP_MAILBOX"}, {"'", "MAIL_SUBJECT"}, {"", "IMAP_MESSAGES"}, {"", "IMAP_FETCHED"}} {
					if v, ok := f[x[1]]; ok {
						s += " " + x[0] + v + x[0]
					}
				}
				got = append(got, s)
				if strings.Contains(fmt.Sprint(f), "secret") || strings.Contains(fmt.Sprint(f), "AGFu") {
					t.Errorf("%s: a secret in %v", c.name, f)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want[i]) {
				t.Errorf("%s:\n%q\nwant\n%q", c.name, got, want[i])
			}
		}
	}
}

// TestIMAPFlaws holds what is said of what should not be, and that it does not end the dissection.
func TestIMAPFlaws(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no command", ">\x01\x02", imapFlawCommand}, {"a name that is none", ">a \x01b", imapFlawCommand},
		{"no response", "<hello", imapFlawReply}, {"too many commands", ">" + strings.Repeat("a NOOP\r\n",
			20) + "|", imapFlawAhead},
		{"a long line", ">a FETCH " + strings.Repeat("1,", imapUnit) + "1 FLAGS", ""},
	} {
		x := talkHTTP(c.name, "<* OK IMAP4 ready", ">a NOOP", "<a OK done", c.line)
		for _, y := range []*conversation{&x, shredded(&x)} {
			o, flaw := drive(y, &IMAP), ""
			for _, m := range o.messages {
				if flaw == "" {
					flaw = m.Flaw
				}
			}
			if flaw != c.want || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: flaw %q, want %q; %v, rejected by %v", c.name, flaw, c.want, o.faults, o.rejected)
			}
		}
	}
}

// TestIMAPRefuses holds what is not IMAP on ports that say nothing.
func TestIMAPRefuses(t *testing.T) {
	for _, said := range []string{"GET LOGIN HTTP/1.1", "a LOGIN b c", "LIST", "USER bob", "* OK", "x y z",
		"1 NOOP"} {
		x := talkHTTP(said, ">"+said)
		if o := drive(&x, &IMAP); len(o.messages) > 0 {
			t.Errorf("%q is taken for IMAP", said)
		}
	}
}

// TestIMAPOracle compares commands, users, mailboxes and how they ended with what tshark says.
func TestIMAPOracle(t *testing.T) {
	const literal = "tshark takes the lines of a literal for commands"
	const request = "tshark takes what is behind + for a status"
	dbCompare(t, &IMAP, dbCaptures(t, "imap", "imap"), []dbJudge{
		{"imap.request.command", func(m *heard) (string, bool) {
			v, ok := m.Fields["IMAP_COMMAND"]
			return strings.TrimPrefix(v, "UID "), ok && v != "DONE"
		}, func(s string) (string, bool) { return strings.ToUpper(s), true }},
		{"imap.request.username", func(m *heard) (string, bool) {
			return m.Fields["IMAP_LOGIN"], m.Fields["IMAP_COMMAND"] == "LOGIN" && m.Fields["IMAP_LOGIN"] != ""
		}, func(s string) (string, bool) { return strings.Trim(s, `"`), true }},
		{"imap.response.status", dbSays("IMAP_STATUS", ""), nil},
	}, map[string]string{
		"dovecot.pcap imap.request.command BOB":                                          literal,
		"dovecot.pcap imap.request.command <0@EXAMPLE.ORG>":                              literal,
		"dovecot.pcap imap.request.command <1@EXAMPLE.ORG>":                              literal,
		"dovecot.pcap imap.request.command <2@EXAMPLE.ORG>":                              literal,
		"dovecot.pcap imap.request.command =?UTF-8?B?R3LDVMOFZQ==?=":                     literal,
		"dovecot.pcap imap.request.command ALICE@EXAMPLE.COM":                            literal,
		"dovecot.pcap imap.request.username {5+}":                                        "tshark does not look into the literal",
		"dovecot.pcap imap.response.status idling":                                       request,
		"dovecot.pcap imap.response.status OK":                                           request,
		"dovecot.pcap imap.response.status PDY4MDAzMDIwNDAzNTQzMjEuMTc5NTY0NzM3NUB2bT4=": request,
		"dovecot.pcap imap.response.status PDY0ODI3Njg5NDYwMTEzMjAuMTc5NTY0NzM3NUB2bT4=": request,
	})
}

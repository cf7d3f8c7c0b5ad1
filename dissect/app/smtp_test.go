package app

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzSMTP(f *testing.F) { fuzzPieces(f, &SMTP) }

// smtpSamples are what the recorded captures do not have.
func smtpSamples() []conversation {
	all := []conversation{
		talkHTTP("pipelining, a refused recipient and two mails",
			"<220 mx.example ESMTP", ">EHLO client.example", "<250-mx.example", "<250 PIPELINING",
			">MAIL FROM:<a@b.example> SIZE=12", ">RCPT TO:<c@d.example>", ">RCPT TO:<x@d.example>", ">DATA",
			"<250 ok", "<250 ok", "<550 no such user", "<354 go on", ">Subject: s", ">", ">..", ">.", "<250 queued",
			">mail from:<>", ">rcpt to:c@d.example", "<250 ok", "<250 ok", ">data", "<354 go on", ">.",
			"<250-queued", "<250 as 2", ">QUIT", "<221 bye"),
		talkHTTP("a refused sender", "<220 mx.example ESMTP", ">HELO c", "<250 hello",
			">MAIL FROM:<a@b.example>", ">RCPT TO:<c@d.example>", ">DATA", "<550 not you", "<503 no", "<503 no",
			">RSET", "<250 ok"),
		talkHTTP("chunks", "<220 mx.example ESMTP", ">EHLO c", "<250 CHUNKING", ">MAIL FROM:<a@b.example>",
			"<250 ok", ">RCPT TO:<c@d.example>", "<250 ok", ">BDAT 5", ">hello|", "<250 ok", ">BDAT 2 LAST", ">yo|",
			"<250 queued"),
		talkHTTP("logins", "<220 mx.example ESMTP", ">EHLO c", "<250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2",
			">AUTH PLAIN AGFubgBzZWNyZXQ=", "<535 no", ">AUTH PLAIN", "<334 ", ">AGFubgBzZWNyZXQ=", "<235 yes",
			">AUTH LOGIN", "<334 VXNlcm5hbWU6", ">Ym9i", "<334 UGFzc3dvcmQ6", ">c2VjcmV0", "<235 yes",
			">MAIL FROM:<a@b.example>", "<250 ok", ">RSET", "<250 ok"),
		talkHTTP("more recipients than the list has room for", "<220 mx.example ESMTP", ">EHLO c", "<250 ok",
			">MAIL FROM:<a@b.example>", ">RCPT TO:<"+strings.Repeat("c", 250)+"@d.example>",
			">RCPT TO:<e@f.example>", ">RCPT TO:<"+strings.Repeat("g", 255)+">", ">DATA",
			"<250 ok", "<250 ok", "<550 no", "<250 ok", "<354 go on", ">Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
			"> =?ISO-8859-1?B?IGF1cyBL9mxu?= und", ">\tanderswo", ">From: a@b.example",
			">Message-ID: <1@b.example>", ">",
			">Subject: of the body", ">.", "<250 queued"),
		talkHTTP("a header in a chunk", "<220 mx.example ESMTP", ">EHLO c", "<250 CHUNKING",
			">MAIL FROM:<a@b.example>", "<250 ok", ">RCPT TO:<c@d.example>", "<250 ok",
			">BDAT 35 LAST", ">Received: x", "> y", ">Subject: s", ">", ">hi", "<250 queued", ">QUIT", "<221 bye"),
	}
	for i := range all {
		all[i].dstPort = 25
	}
	return all
}

// TestSMTPSecrets holds that of logins nothing but the user is said, in clear or as it was sent.
func TestSMTPSecrets(t *testing.T) {
	users := 0
	for _, c := range smtpSamples() {
		o := drive(&c, &SMTP)
		for _, m := range o.messages {
			for k, v := range m.Fields {
				if strings.Contains(v, "secret") || strings.Contains(v, "c2VjcmV0") || strings.Contains(v, "AGFu") {
					t.Errorf("%s: %s is %q", c.name, k, v)
				}
			}
			if m.Fields["SMTP_USER"] != "" && m.Role != roles[Part] {
				users++
			}
		}
	}
	if users == 0 {
		t.Error("nobody logged in")
	}
}

// TestSMTPUser holds how the user is found in what mechanisms have.
func TestSMTPUser(t *testing.T) {
	for _, c := range []struct{ mechanism, response, want string }{
		{"PLAIN", "AGFubgBzZWNyZXQ=", "ann"},
		{"plain", "Ym9iAGFubgBzZWNyZXQ=", "ann"},
		{"PLAIN", "YW5u", ""},
		{"LOGIN", "Ym9i", "bob"},
		{"CRAM-MD5", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw", "tim"},
		{"XOAUTH2", "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5AQE=", "someuser@example.com"},
		{"LOGIN", "*", ""}, {"LOGIN", "!!!!", ""}, {"NTLM", "Ym9i", ""},
	} {
		var dst [63]byte
		if n := saslUser(dst[:], []byte(c.response), saslOf([]byte(c.mechanism))); string(dst[:n]) != c.want {
			t.Errorf("%s %s: user %q, want %q", c.mechanism, c.response, dst[:n], c.want)
		}
	}
}

// TestSMTPEvents holds what transactions there are, and what they say.
func TestSMTPEvents(t *testing.T) {
	want := [][]string{
		{"notice 220", "transaction EHLO 250",
			"transaction MAIL 250 <a@b.example> to c@d.example,x@d.example -1 18 's'",
			"transaction MAIL 250 <> to c@d.example 0", "transaction QUIT 221"},
		{"notice 220", "transaction HELO 250", "transaction MAIL 550 <a@b.example> to c@d.example",
			"transaction RSET 250"},
		{"notice 220", "transaction EHLO 250", "transaction MAIL 250 <a@b.example> to c@d.example 7"},
		{"notice 220", "transaction EHLO 250", "transaction AUTH 535", "transaction AUTH 235",
			"transaction AUTH 235", "transaction MAIL 250 <a@b.example>"},
		{"notice 220", "transaction EHLO 250", "transaction RCPT 250 <a@b.example> to " + strings.Repeat("c",
			250) + "@d.ex",
			"transaction RCPT 250 <a@b.example> to " + strings.Repeat("g", 255),
			"transaction MAIL 250 <a@b.example> to e@f.example -1 155 'Grüße aus Köln und anderswo'"},
		{"notice 220", "transaction EHLO 250", "transaction MAIL 250 <a@b.example> to c@d.example 35 's'",
			"transaction QUIT 221"},
	}
	for i, c := range smtpSamples() {
		var got []string
		for _, e := range drive(&c, &SMTP).events {
			f := e.Fields
			s := strings.TrimSpace(fmt.Sprintf("%s %s", e.Kind, f["SMTP_COMMAND"])) + " " + f["SMTP_REPLY_CODE"]
			if from, ok := f["SMTP_MAIL_FROM"]; ok {
				s += " <" + from + ">"
			}
			for _, x := range [][2]string{{" to ", "SMTP_RCPT_TO"}, {" -", "SMTP_RCPT_REFUSED"}, {" ",
				"SMTP_MAIL_BYTES"}} {
				if v, ok := f[x[1]]; ok {
					s += x[0] + v
				}
			}
			if subject, ok := f["MAIL_SUBJECT"]; ok {
				s += " '" + subject + "'"
			}
			got = append(got, s)
		}
		if fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, want[i])
		}
	}
}

// TestSMTPFlaws holds what is said of what should not be, and that it does not end the dissection.
func TestSMTPFlaws(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no command", ">\x01\x02", smtpFlawCommand}, {"no reply", "<hello", smtpFlawReply},
		{"a code beyond all", "<999 x", smtpFlawReply}, {"a chunk without length", ">BDAT x", smtpFlawChunk},
		{"too many commands", ">" + strings.Repeat("NOOP\r\n", 200) + "|", smtpFlawAhead},
		{"a long line", ">NOOP " + strings.Repeat("x", mailMaxLine), smtpFlawLong},
		{"a sender without address", ">RSET|\r\n>MAIL", ""},
	} {
		x := talkHTTP(c.name, "<220 mx.example ESMTP", ">EHLO c", "<250 ok", ">MAIL FROM:<a@b.example>",
			"<250 ok", c.line)
		x.dstPort = 25
		for _, y := range []*conversation{&x, shredded(&x)} {
			o, flaw := drive(y, &SMTP), ""
			for _, m := range o.messages {
				if flaw == "" {
					flaw = m.Flaw
				}
			}
			if c.want != "" && flaw != c.want || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: flaw %q, want %q; %v, rejected by %v", c.name, flaw, c.want, o.faults, o.rejected)
			}
		}
	}
}

// TestSMTPContent holds that the end of a mail is found wherever a segment ends, and nowhere else.
func TestSMTPContent(t *testing.T) {
	for size := 2*mailUnit - 20; size < 2*mailUnit+20; size++ {
		body := bytes.Repeat([]byte("x.\r\n..\r\n. \r\n"), size/12+1)[:size]
		body[size-1] = 'y'
		x := talkHTTP("mail", "<220 mx.example ESMTP", ">EHLO c", "<250 ok", ">MAIL FROM:<a@b.example>", "<250 ok",
			">DATA", "<354 go", ">"+string(body)+"|", ">", ">.", "<250 queued", ">QUIT", "<221 bye")
		o, events := drive(&x, &SMTP), 0
		for _, e := range o.events {
			if e.Fields["SMTP_COMMAND"] == "MAIL" && e.Fields["SMTP_MAIL_BYTES"] == fmt.Sprint(size+2) {
				events++
			}
		}
		if events != 1 || len(o.events) != 4 {
			t.Errorf("%d octets: %d mails of that size, %d events of 4", size, events, len(o.events))
		}
	}
}

// TestSMTPOracle compares greetings, senders, recipients and codes with what tshark says.
func TestSMTPOracle(t *testing.T) {
	path := func(s string) (string, bool) {
		before, s, ok := strings.Cut(s, ":")
		address, _ := mailPath([]byte(s))
		return string(address), ok && (strings.EqualFold(before, "from") || strings.EqualFold(before, "to"))
	}
	dbCompare(t, &SMTP, dbCaptures(t, "smtp", "smtp"), []dbJudge{
		{"smtp.response.code", dbSays("SMTP_REPLY_CODE", ""), nil},
		{"smtp.req.parameter", func(m *heard) (string, bool) {
			if to, ok := dbList("SMTP_RCPT_TO")(m); ok {
				return to, true
			}
			return dbSays("SMTP_MAIL_FROM", "")(m)
		}, path},
	}, map[string]string{
		"aiosmtpd.pcap smtp.response.code 250": "tshark tells of each line of a reply that is in a segment of its own",
	})
}

// TestSMTPElsewhere holds that nothing is taken for SMTP in captures that have none.
func TestSMTPElsewhere(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.pcap*"))
	asked := 0
	for _, file := range files {
		if ext := filepath.Ext(file); ext != ".pcap" && ext != ".pcapng" || filepath.Base(filepath.Dir(file)) == "smtp" {
			continue
		}
		for _, c := range conversations(t, file) {
			asked++
			o := drive(c, &SMTP)
			if at25 := c.dstPort == 25 || c.dstPort == 587; len(o.messages) > 0 && !at25 {
				t.Errorf("%s %s: %+v", filepath.Base(file), c.name, o.messages[0])
			}
		}
	}
	if t.Logf("asked %d times", asked); asked == 0 {
		t.Error("nothing was asked")
	}
}

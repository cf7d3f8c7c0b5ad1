package app

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func FuzzPOP3(f *testing.F) { fuzzPieces(f, &POP3) }

// pop3Samples are what the recorded captures do not have.
func pop3Samples() []conversation {
	all := []conversation{
		talkHTTP("apop", "<+OK ready <1896.697170952@mx.example>", ">APOP ann c4c9334bac560ecc979e58001b3e22fb",
			"<+OK 1 message",
			">STAT", "<+OK 1 12", ">UIDL 1", "<+OK 1 x", ">UIDL", "<+OK", "<1 x", "<.", ">TOP 1 0", "<+OK",
			"<no header", "<..", "<.",
			">RETR 1", "<+OK 12 octets", "<.", ">AUTH", "<+OK list", "<PLAIN", "<.", ">QUIT", "<+OK"),
		talkHTTP("pipelining", "<+OK POP3", ">user bob", ">pass secret", ">stat", ">list", ">quit", "<+OK",
			"<+OK", "<+OK 2 30",
			"<+OK", "<1 10", "<2 20", "<.", "<+OK bye"),
		talkHTTP("auth", "<+OK POP3", ">AUTH LOGIN", "<+ VXNlcm5hbWU6", ">Ym9i", "<+ UGFzc3dvcmQ6", ">c2VjcmV0",
			"<-ERR no",
			">AUTH PLAIN AGFubgBzZWNyZXQ=", "<+OK", ">STAT", "<+OK 0 0"),
	}
	for i := range all {
		all[i].dstPort = 110
	}
	strange := talkHTTP("elsewhere, by the answer to USER", ">USER bob|", "<+OK hello", "<+OK", ">",
		">PASS secret", "<+OK in", ">STAT",
		"<+OK 1 2")
	strange.dstPort = 1110
	return append(all, strange)
}

// TestPOP3Events holds what transactions there are, and what they say; and that no secret is among it.
func TestPOP3Events(t *testing.T) {
	want := [][]string{
		{"notice +OK", "transaction APOP +OK ann", "transaction STAT +OK ann 1 12", "transaction UIDL +OK ann",
			"transaction UIDL +OK ann 1",
			"transaction TOP +OK ann 15", "transaction RETR +OK ann 0", "transaction AUTH +OK",
			"transaction QUIT +OK ann"},
		{"notice +OK", "transaction USER +OK bob", "transaction PASS +OK bob", "transaction STAT +OK 2 30",
			"transaction LIST +OK 2",
			"transaction QUIT +OK"},
		{"notice +OK", "transaction AUTH -ERR bob", "transaction AUTH +OK ann", "transaction STAT +OK ann 0 0"},
		{"notice +OK", "notice USER bob", "transaction PASS +OK bob", "transaction STAT +OK bob 1 2"},
	}
	for i, c := range pop3Samples() {
		for _, y := range []*conversation{&c, shredded(&c)} {
			var got []string
			for _, e := range drive(y, &POP3).events {
				f := e.Fields
				s := e.Kind
				if _, ok := f["POP_GREETING"]; ok {
					s += " +OK"
				}
				for _, x := range []string{"POP_COMMAND", "POP_STATUS", "POP_USER", "POP_MESSAGES", "POP_MAILDROP_BYTES",
					"POP_MAIL_BYTES"} {
					if v, ok := f[x]; ok {
						s += " " + v
					}
				}
				got = append(got, s)
				if strings.Contains(fmt.Sprint(f), "secret") || strings.Contains(fmt.Sprint(f), "AGFu") ||
					strings.Contains(fmt.Sprint(f), "c4c9") {
					t.Errorf("%s: a secret in %v", c.name, f)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want[i]) {
				t.Errorf("%s:\n%q\nwant\n%q", c.name, got, want[i])
			}
		}
	}
}

// TestPOP3Flaws holds what is said of what should not be, and that it does not end the dissection.
func TestPOP3Flaws(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no command", ">\x01\x02", popFlawCommand}, {"no response", "<hello", popFlawReply},
		{"too many commands", ">" + strings.Repeat("NOOP\r\n", 200) + "|", popFlawAhead},
		{"a long line", ">NOOP " + strings.Repeat("x", mailMaxLine), popFlawLong},
	} {
		x := talkHTTP(c.name, "<+OK POP3", ">NOOP", "<+OK", c.line)
		for _, y := range []*conversation{&x, shredded(&x)} {
			o, flaw := drive(y, &POP3), ""
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

// TestPOP3Refuses holds what is not POP3 on ports that say nothing.
func TestPOP3Refuses(t *testing.T) {
	for _, said := range []string{"<+OK", "<+OK\r\n+OK", "<+PONG", ">USER bob", ">CAPA x", ">QUIT",
		"<+OK hello"} {
		x := talkHTTP(said, said)
		if o := drive(&x, &POP3); len(o.messages) > 0 {
			t.Errorf("%q is taken for POP3", said)
		}
	}
}

// TestPOP3Oracle compares commands, users and how they ended with what tshark says.
func TestPOP3Oracle(t *testing.T) {
	const first = "tshark reads no more than the first line of a segment"
	command := func(s string) (string, bool) { return strings.ToUpper(s), len(s) <= 4 } // not base64
	dbCompare(t, &POP3, dbCaptures(t, "pop3", "pop3"), []dbJudge{
		{"pop.request.command", dbSays("POP_COMMAND", ""), command},
		{"pop.response.indicator", func(m *heard) (string, bool) {
			if _, ok := m.Fields["POP_GREETING"]; ok {
				return "+OK", true
			}
			v, ok := m.Fields["POP_STATUS"]
			return v, ok
		}, nil},
	}, map[string]string{
		"dovecot.pcap pop.request.command LIST": first, "dovecot.pcap pop.request.command QUIT": first,
		"dovecot.pcap pop.request.command TOP": first, "dovecot.pcap pop.request.command RETR": first,
		"dovecot.pcap pop.response.indicator +OK": first,
	})
	ours, theirs := 0, 0
	for _, file := range dbCaptures(t, "pop3", "pop3") {
		out, err := exec.Command("tshark", "-r", file, "-Y", `pop.request.command == "USER"`,
			"-T", "fields", "-e", "pop.request.parameter").Output()
		if err != nil {
			t.Fatal(err)
		}
		users := strings.Fields(string(out))
		theirs += len(users)
		for _, c := range conversations(t, file) {
			for _, m := range drive(c, &POP3).messages {
				if m.Fields["POP_COMMAND"] == "USER" && slices.Contains(users, m.Fields["POP_USER"]) {
					ours++
				}
			}
		}
	}
	if t.Logf("%d of %d users as tshark says", ours, theirs); ours != theirs || ours == 0 {
		t.Error("users differ")
	}
}

package app

import (
	"fmt"
	"strings"
	"testing"
)

func FuzzFTP(f *testing.F) { fuzzPieces(f, &FTP) }

// ftpSamples are what the recorded captures do not have.
func ftpSamples() []conversation {
	all := []conversation{
		talkHTTP("active", "<220-welcome", "<221 is not the end of it", "<  220 neither", "<220 FTP",
			">USER bob", "<331 password?",
			">PASS secret", "<230-hello", "< 230 x", "<230 in", ">PORT 192,0,2,10,4,1", "<200 ok", ">STOR a file",
			"<150 go on",
			">NOOP", "<200 ok", "<226 done", ">EPRT |2|2001:db8::1|1025| ", "<200 ok", ">LIST", "<125 now",
			"<426 broken",
			">ABOR", "<226 ok", ">SITE CHPASSWD secret", "<500 no", ">QUIT", "<221 bye"),
		talkHTTP("passive", "<220 ready", ">user ann", "<230 in", ">PASV", "<227 Entering (192,0,2,1,1,0)", ">EPSV",
			"<229 ok (|||2000|)", ">RETR x", "<550 no", ">RETR y", "<150 here", "<226 done", ">AUTH TLS", "<534 no"),
	}
	for i := range all {
		all[i].dstPort = 21
	}
	return all
}

// TestFTPEvents holds what transactions there are, and what they say; and that no secret is among it.
func TestFTPEvents(t *testing.T) {
	want := [][]string{
		{"notice 220", "transaction USER 331 bob", "transaction PASS 230 bob",
			"transaction PORT 200 bob 192,0,2,10,4,1 192.0.2.10 1025 client",
			"transaction STOR 150 bob a file 192.0.2.10 1025 client", "transaction NOOP 200 bob",
			"notice STOR 226 bob a file 192.0.2.10 1025 client",
			"transaction EPRT 200 bob  2 2001:db8::1 1025  2001:db8::1 1025 client",
			"transaction LIST 125 bob 2001:db8::1 1025 client", "notice LIST 426 bob 2001:db8::1 1025 client",
			"transaction ABOR 226 bob", "transaction SITE 500 bob", "transaction QUIT 221 bob"},
		{"notice 220", "transaction USER 230 ann", "transaction PASV 227 ann 192.0.2.1 256 server",
			"transaction EPSV 229 ann 2000 server", "transaction RETR 550 ann x 2000 server",
			"transaction RETR 150 ann y 2000 server", "notice RETR 226 ann y 2000 server",
			"transaction AUTH 534 ann TLS"},
		{"notice 220", "notice USER bob", "transaction PASS 230 bob", "transaction SYST 215 bob"},
	}
	strange := talkHTTP("elsewhere, by the answer to USER", "<220 hello", ">USER bob", "<331 password?",
		">PASS secret",
		"<230 in", ">SYST", "<215 UNIX")
	strange.dstPort = 2121
	for i, c := range append(ftpSamples(), strange) {
		for _, y := range []*conversation{&c, shredded(&c)} {
			var got []string
			for _, e := range drive(y, &FTP).events {
				f, s := e.Fields, e.Kind
				for _, x := range []string{"FTP_COMMAND", "FTP_COMMAND_RET_CODE", "FTP_LOGIN", "FTP_ARGUMENT",
					"FTP_DATA_ADDRESS",
					"FTP_DATA_PORT", "FTP_DATA_LISTENER"} {
					if v, ok := f[x]; ok {
						s += " " + v
					}
				}
				if got = append(got, s); strings.Contains(fmt.Sprint(f), "secret") {
					t.Errorf("%s: a secret in %v", c.name, f)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want[i]) {
				t.Errorf("%s:\n%q\nwant\n%q", c.name, got, want[i])
			}
		}
	}
}

// TestFTPFlaws holds what is said of what should not be, and that it does not end the dissection.
func TestFTPFlaws(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no command", ">\x01\x02", ftpFlawCommand}, {"no reply", "<hello", ftpFlawReply}, {"a code beyond all",
			"<999 x", ftpFlawReply},
		{"too many commands", ">" + strings.Repeat("NOOP\r\n", 200) + "|", ftpFlawAhead},
		{"a long line", ">NOOP " + strings.Repeat("x", mailMaxLine), ftpFlawLong},
		{"five numbers", ">PORT 1,2,3,4,5", ftpFlawPlace}, {"a large number", ">PORT 1,2,3,4,5,256", ftpFlawPlace},
		{"no port", ">EPRT |1|192.0.2.1|| ", ftpFlawPlace}, {"no address", ">EPRT |1|x|5| ", ftpFlawPlace},
	} {
		x := talkHTTP(c.name, "<220 FTP", ">NOOP", "<200 ok", c.line)
		for _, y := range []*conversation{&x, shredded(&x)} {
			o, flaw := drive(y, &FTP), ""
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

// TestFTPRefuses holds what is not FTP on ports that say nothing.
func TestFTPRefuses(t *testing.T) {
	for _, said := range []string{"<220 hello", "<220 mail ESMTP ftp", "<220 hello\r\n250 x", "<200 ftp",
		">USER bob", ">FEATURE", ">LIST"} {
		x := talkHTTP(said, said)
		if o := drive(&x, &FTP); len(o.messages) > 0 {
			t.Errorf("%q is taken for FTP", said)
		}
	}
}

// TestFTPOracle compares commands, codes and endpoints with what tshark says.
func TestFTPOracle(t *testing.T) {
	const back = "the connection goes back from TLS to clear (CCC), where nobody looks any more"
	endpoint := func(field string, commands ...string) func(m *heard) (string, bool) {
		return func(m *heard) (string, bool) {
			v, ok := m.Fields[field]
			named := m.Fields["FTP_COMMAND"] // in a response there is none: of PASV and EPSV
			for _, c := range commands {
				if named == c && (named != "" || m.Role == roles[Response]) {
					return v, ok
				}
			}
			return "", false
		}
	}
	dbCompare(t, &FTP, dbCaptures(t, "ftp", "ftp"), []dbJudge{
		{"ftp.request.command", func(m *heard) (string, bool) {
			v, ok := m.Fields["FTP_COMMAND"]
			return v, ok && m.Role == roles[Request]
		}, nil},
		{"ftp.response.code", dbSays("FTP_COMMAND_RET_CODE", ""), nil},
		{"ftp.active.cip", endpoint("FTP_DATA_ADDRESS", "PORT"), nil},
		{"ftp.active.port", endpoint("FTP_DATA_PORT", "PORT"), nil},
		{"ftp.eprt.port", endpoint("FTP_DATA_PORT", "EPRT"), nil},
	}, map[string]string{
		"nDPI__ftp-start-tls.pcap ftp.request.command PASV": back,
		"nDPI__ftp-start-tls.pcap ftp.request.command STOR": back,
		"nDPI__ftp-start-tls.pcap ftp.response.code 227":    back,
		"nDPI__ftp-start-tls.pcap ftp.response.code 150":    back,
		"vsftpd.pcap ftp.response.code 211":                 "tshark tells of the last line of a reply that is in a segment of its own",
	})
}

package app

import (
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// sshSamples are what the recorded handshakes do not have.
func sshSamples() []conversation {
	old := says("protocol 1", 6, flow.Forward, []byte("SSH-1.5-1.2.27\r\n"))
	old.turns = append(old.turns, turn{dir: flow.Reverse, octets: []byte("SSH-1.99-OpenSSH_3.9\n")})
	greeted := says("greeted", 6, flow.Reverse, []byte("Welcome.\r\nBehave.\r\nSSH-2.0-x y z\r\n"))
	greeted.dstPort = 22
	return []conversation{old, greeted}
}

// offer returns a key exchange message of ten lists, the first ones as given.
func offer(lists ...string) []byte {
	b := append([]byte{sshKexInit}, make([]byte, 16)...)
	for i := range 10 {
		l := ""
		if i < len(lists) {
			l = lists[i]
		}
		b = append(b, 0, 0, byte(len(l)>>8), byte(len(l)))
		b = append(b, l...)
	}
	b = append(b, make([]byte, 5+4)...) // guess, reserved, padding
	return append([]byte{0, 0, byte((len(b) + 1) >> 8), byte(len(b) + 1), 4}, b...)
}

// TestSSHChoice chooses the client's first that the server has, whoever speaks first.
func TestSSHChoice(t *testing.T) {
	client := append([]byte("SSH-2.0-c\r\n"),
		offer("k1,k2,k3", "h1", "c1,chacha20-poly1305@openssh.com", "c2", "m1", "m1,m2", "", "zlib,none")...)
	server := append([]byte("SSH-2.0-s\r\n"),
		offer("k3,k2", "h2", "chacha20-poly1305@openssh.com,c9", "c2", "m1", "m3,m2,m1", "none", "none,zlib")...)
	want := map[string]string{
		"SSH_CLIENT_VERSION": "SSH-2.0-c", "SSH_SERVER_VERSION": "SSH-2.0-s", "SSH_KEX": "k2",
		"SSH_CLIENT_CIPHER": "chacha20-poly1305@openssh.com", "SSH_SERVER_CIPHER": "c2",
		"SSH_SERVER_MAC": "m1", "SSH_SERVER_COMPRESSION": "zlib",
		// printf 'k1,k2,k3;c1,chacha20-poly1305@openssh.com;m1;' | md5sum, and the server's alike
		"HASSH_CLIENT": "b74729b442838bc608376268078effc5", "HASSH_SERVER": "9012d35c77331cce4dc6814386d51578",
	}
	for _, first := range []flow.Dir{flow.Forward, flow.Reverse} {
		c := conversation{proto: 6, turns: []turn{{dir: flow.Forward, octets: client},
			{dir: flow.Reverse, octets: server}}}
		if first == flow.Reverse {
			slices.Reverse(c.turns)
		}
		o := drive(&c, &SSH)
		if len(o.events) != 1 || !maps.Equal(o.events[0].Fields, want) || o.application != 92 {
			t.Errorf("direction %d first: %v of application %d, want %v", first, o.events, o.application, want)
		}
	}
}

// TestSSHRefuses holds what is no SSH, or no good SSH.
func TestSSHRefuses(t *testing.T) {
	long := "SSH-2.0-" + strings.Repeat("x", 300)
	lying := offer("k1", "h1")
	lying[4+1+1+16+1] = 0xff // length of the first list
	for _, c := range []struct {
		name     string
		said     string
		port     uint16
		dir      flow.Dir
		messages int
		flaw     string
	}{
		{"another protocol", "GET / HTTP/1.1\r\n", 22, flow.Forward, 0, ""},
		{"a greeting where SSH is not expected", "220 ready\r\nSSH-2.0-x\r\n", 21, flow.Reverse, 0, ""},
		{"a greeting of a client", "hello\r\nSSH-2.0-x\r\n", 22, flow.Forward, 0, ""},
		{"a greeting without end", strings.Repeat("x\n", 600) + "SSH-2.0-x\r\n", 22, flow.Reverse, 0, ""},
		{"a line without end", long, 22, flow.Forward, 0, ""},
		{"too long a line", long + "\n", 22, flow.Forward, 0, ""},
		{"a version of control characters", "SSH-2.0-\x01x\r\n", 22, flow.Forward, 0, ""},
		{"a version of the future", "SSH-3.0-x\r\n", 22, flow.Forward, 0, ""},
		{"no packet after the version", "SSH-2.0-x\r\nfoobar", 22, flow.Forward, 1, ""},
		{"a packet too short", "SSH-2.0-x\r\n\x00\x00\x00\x01\x04", 22, flow.Forward, 1, ""},
		{"a message out of place", "SSH-2.0-x\r\n\x00\x00\x00\x04\x01\x32ab", 22, flow.Forward, 1, ""},
		{"a list longer than the message", "SSH-2.0-x\r\n" + string(lying), 22, flow.Forward, 2,
			"a list of algorithms longer than its message"},
	} {
		talk := says(c.name, 6, c.dir, []byte(c.said))
		talk.dstPort = c.port
		o := drive(&talk, &SSH)
		flaw := ""
		for _, m := range o.messages {
			flaw += m.Flaw
		}
		if len(o.messages) != c.messages || flaw != c.flaw || flaw == "" && len(o.rejected) == 0 {
			t.Errorf("%s: %d messages, want %d; flaw %q; rejected by %v", c.name, len(o.messages), c.messages,
				flaw, o.rejected)
		}
		o = drive(shredded(&talk), &SSH)
		if len(o.messages) != c.messages {
			t.Errorf("%s, octet by octet: %d messages, want %d", c.name, len(o.messages), c.messages)
		}
	}
}

// TestSSHOracle compares with tshark's reading of the captures: every version string and every
// fingerprint, by stream.
func TestSSHOracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "ssh", "*.tshark.ssh.tsv"))
	seen, equal := 0, 0
	for _, file := range files {
		want := sharkSSH(t, file)
		got := map[string]map[string]string{}
		for _, c := range conversations(t, strings.TrimSuffix(file, ".tshark.ssh.tsv")) {
			if o := drive(c, &SSH); len(o.fields) > 0 {
				got[c.name] = o.fields
			}
		}
		for name, fields := range want {
			for label, value := range fields {
				seen++
				if got[name][label] == value {
					equal++
				} else {
					t.Errorf("%s: %s: %s is %q, tshark says %q", filepath.Base(file), name, label,
						got[name][label], value)
				}
			}
		}
		for name := range got {
			// Where the port is not 22 tshark does not look; nDPI does, see below.
			if want[name] == nil && !strings.HasSuffix(name, ":8000 / 6") {
				t.Errorf("%s: %s is no SSH to tshark", filepath.Base(file), name)
			}
		}
	}
	if seen == 0 {
		t.Error("nothing compared")
	}
	t.Logf("%d of %d values equal in %d captures", equal, seen, len(files))
}

// TestSSHFingerprints compares with what nDPI says of its own capture. It does not look where
// tshark does, and it calls the server's version "Hostname/SNI" in one flow and the client's in
// the other, so these are left out.
func TestSSHFingerprints(t *testing.T) {
	file := filepath.Join(corpus(t), "ssh", "nDPI__ssh.pcap")
	b, err := os.ReadFile(file + ".ndpi.out")
	if err != nil {
		t.Skip(err)
	}
	want := regexp.MustCompile(`TCP (\S+) <-> (\S+) .*HASSH-C: (\w+).*HASSH-S: (\w+)`).
		FindAllStringSubmatch(string(b), -1)
	talks := map[string]*conversation{}
	for _, c := range conversations(t, file) {
		talks[c.name] = c
	}
	for _, w := range want {
		c := talks[w[1]+" > "+w[2]+" / 6"]
		if c == nil {
			t.Errorf("no conversation %s > %s", w[1], w[2])
			continue
		}
		got := drive(c, &SSH).fields
		for i, label := range []string{"HASSH_CLIENT", "HASSH_SERVER"} {
			if !strings.EqualFold(got[label], w[3+i]) {
				t.Errorf("%s: %s is %q, nDPI says %q", c.name, label, got[label], w[3+i])
			}
		}
	}
	if len(want) != 2 {
		t.Errorf("%d flows in nDPI's results", len(want))
	}
}

// TestSSHAlgorithms compares what is chosen with Zeek's ssh.log. Zeek gives a MAC even where
// the cipher needs none; here it is absent.
func TestSSHAlgorithms(t *testing.T) {
	file := filepath.Join(corpus(t), "ssh", "zeek__ssh__ssh_kex_curve25519.pcap")
	b, err := os.ReadFile(file + ".zeek.curve25519_kex.ssh.log")
	if err != nil {
		t.Skip(err)
	}
	var titles, row []string
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "#fields\t"); ok {
			titles = strings.Split(rest, "\t")
		} else if line != "" && line[0] != '#' {
			row = strings.Split(line, "\t")
		}
	}
	all := conversations(t, file)
	if len(all) != 1 || len(row) != len(titles) || len(row) == 0 {
		t.Fatalf("%d conversations; titles %q, row %q", len(all), titles, row)
	}
	got := drive(all[0], &SSH).fields
	for title, label := range map[string]string{
		"client": "SSH_CLIENT_VERSION", "server": "SSH_SERVER_VERSION", "cipher_alg": "SSH_CLIENT_CIPHER",
		"compression_alg": "SSH_CLIENT_COMPRESSION", "kex_alg": "SSH_KEX", "host_key_alg": "SSH_HOST_KEY",
	} {
		if want := row[slices.Index(titles, title)]; got[label] != want {
			t.Errorf("%s is %q, Zeek says %q", label, got[label], want)
		}
	}
	if mac, ok := got["SSH_CLIENT_MAC"]; ok {
		t.Errorf("a MAC beside a cipher that needs none: %q", mac)
	}
}

// hasshes are tshark's names of the fingerprints.
var hasshes = map[string]string{"CLIENT": "ssh.kex.hassh", "SERVER": "ssh.kex.hasshserver"}

// sharkSSH reads versions and fingerprints by the name of the conversation. The client is who
// connects to the lower port.
func sharkSSH(t *testing.T, file string) map[string]map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, title := range rows[0] {
		at[title] = i
	}
	all := map[string]map[string]string{}
	for _, row := range rows[1:] {
		src, dst := row[at["ip.src"]]+":"+row[at["tcp.srcport"]], row[at["ip.dst"]]+":"+row[at["tcp.dstport"]]
		side, name := "CLIENT", src+" > "+dst+" / 6"
		if len(row[at["tcp.srcport"]]) < len(row[at["tcp.dstport"]]) {
			side, name = "SERVER", dst+" > "+src+" / 6"
		}
		for label, title := range map[string]string{
			"SSH_" + side + "_VERSION": "ssh.protocol",
			"HASSH_" + side:            hasshes[side],
		} {
			if v := row[at[title]]; v != "" {
				if all[name] == nil {
					all[name] = map[string]string{}
				}
				all[name][label] = v
			}
		}
	}
	return all
}

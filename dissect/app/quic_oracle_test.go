package app

import (
	"io/fs"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/nic/capture"
)

// captureFiles returns the captures beside the module that can be read.
func captureFiles(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(corpus(t), func(path string, _ fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); ext != ".pcap" && ext != ".pcapng" && ext != ".cap" {
			return err
		}
		r, unreadable := capture.Open(path)
		if unreadable != nil { // one of another format is among the captures
			return err
		}
		r.Close()
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tshark prints fields of the packets of a capture that match, a packet per element.
func tshark(t *testing.T, file, filter string, fields ...string) (rows [][]string) {
	t.Helper()
	args := []string{"-n", "-r", file, "-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=;"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil && len(out) == 0 {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows
}

// quicOracle are the fields of tshark that are compared.
var quicOracle = append(slices.Clone(quicEnds), "tls.handshake.extensions_server_name", "gquic.tag.sni",
	"tls.handshake.extensions_alpn_str", "tls.handshake.ja3", "tls.handshake.ja3s", "tls.handshake.type",
	"tls.handshake.ciphersuite", "gquic.tag.uaid")

// oracleOf returns the values of those fields by our labels.
func oracleOf(r []string) map[string]string {
	cipher := ""
	if r[11] == "2" {
		cipher = r[12]
	}
	return map[string]string{
		"TLS_SERVER_NAME": firstOf(r[6], r[7]), "TLS_CLIENT_ALPN": strings.ReplaceAll(r[8], ";", ","),
		"JA3C_HASH": r[9], "JA3S_HASH": r[10], "TLS_CIPHER": cipher, "QUIC_USER_AGENT": r[13],
	}
}

// firstOf returns the first of the values that are not empty.
func firstOf(values ...string) string {
	for _, v := range values {
		v, _, _ = strings.Cut(v, ";")
		if v != "" {
			return v
		}
	}
	return ""
}

// TestQUICOracle compares versions, names, protocols, fingerprints and cipher suites of every
// connection that tshark finds with what is said here.
func TestQUICOracle(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil || testing.Short() {
		t.Skip("no tshark, or no time to start it for every capture")
	}
	compared, same := map[string]int{}, map[string]int{}
	for _, file := range captureFiles(t) {
		all := conversations(t, file)
		if !slices.ContainsFunc(all, func(c *conversation) bool { return c.proto == 17 }) {
			continue
		}
		want := map[string]map[string]string{} // by endpoints
		for _, r := range tshark(t, file, "quic || gquic", quicOracle...) {
			key := endsOf(r)
			if want[key] == nil {
				want[key] = map[string]string{}
			}
			for label, v := range oracleOf(r) {
				if v != "" && want[key][label] == "" {
					want[key][label] = v
				}
			}
		}
		for _, c := range all {
			w := want[pairOf(c.name)]
			if w == nil || c.proto != 17 {
				continue
			}
			delete(want, pairOf(c.name))
			got := readOf(c)
			for _, label := range quicLabels {
				if w[label] == "" && got[label] == "" {
					continue
				}
				if compared[label]++; got[label] == w[label] {
					same[label]++
				} else {
					t.Errorf("%s %s: %s is %q, tshark says %q", filepath.Base(file), c.name, label, got[label], w[label])
				}
			}
		}
		for key, w := range want {
			t.Errorf("%s: no conversation %s, of which tshark says %v", filepath.Base(file), key, w)
		}
	}
	for _, label := range quicLabels {
		t.Logf("%s: %d of %d as tshark says", label, same[label], compared[label])
	}
}

// quicLabels are the fields that are compared.
var quicLabels = []string{"TLS_SERVER_NAME", "TLS_CLIENT_ALPN", "JA3C_HASH", "JA3S_HASH", "TLS_CIPHER",
	"QUIC_USER_AGENT"}

// readOf returns what is said of the last attempt of a conversation, the cipher suite as tshark
// writes it.
func readOf(c *conversation) map[string]string {
	o := drive(c, &QUIC)
	got := o.fields
	for _, e := range o.events {
		got = e.Fields
	}
	if n := got["TLS_CIPHER"]; n != "" {
		got["TLS_CIPHER"] = "0x" + string(appendCode(nil, uint16(number(n))))
	}
	return got
}

// TestQUICOnly shows every datagram of every capture to QUIC, as if it were the first of its flow:
// what it accepts must be QUIC for tshark too.
func TestQUICOnly(t *testing.T) {
	_, err := exec.LookPath("tshark")
	flows, datagrams, accepted := 0, 0, 0
	for _, file := range captureFiles(t) {
		taken := map[string]int{}
		for _, c := range conversations(t, file) {
			if c.proto != 17 {
				continue
			}
			flows, datagrams = flows+1, datagrams+len(c.turns)
			for i := range c.turns {
				one := *c
				one.turns = c.turns[i : i+1]
				if o := drive(&one, &QUIC); len(o.messages) > 0 {
					accepted++
					taken[pairOf(c.name)]++
				}
			}
		}
		if len(taken) == 0 || err != nil {
			continue
		}
		for _, r := range tshark(t, file, "quic || gquic", quicEnds...) {
			delete(taken, endsOf(r))
		}
		if len(taken) > 0 {
			t.Errorf("%s: accepted of %v", filepath.Base(file), taken)
		}
	}
	t.Logf("%d of %d datagrams accepted, in %d flows", accepted, datagrams, flows)
}

// quicEnds are the fields of tshark that endsOf reads.
var quicEnds = []string{"ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport"}

// endsOf returns the two ends of a packet, whichever direction it goes.
func endsOf(r []string) string {
	return ends(net.JoinHostPort(firstOf(r[0], r[1]), r[2]), net.JoinHostPort(firstOf(r[3], r[4]), r[5]))
}

// pairOf does so for the name of a conversation.
func pairOf(name string) string {
	a, b, _ := strings.Cut(strings.TrimSuffix(name, " / 17"), " > ")
	return ends(a, b)
}

func ends(pair ...string) string {
	slices.Sort(pair)
	return strings.Join(pair, " ")
}

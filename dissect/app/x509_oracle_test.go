package app

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCertificateOracle has tshark find certificates in all captures and crypto/x509 read them.
func TestCertificateOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("tshark takes seconds")
	}
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.tshark.tls.tsv"))
	own, _ := filepath.Glob("testdata/*tls/*.pcap")
	j := newJudged(t)
	for _, file := range append(files, own...) {
		file = strings.TrimSuffix(file, ".tshark.tls.tsv")
		all := handshakes(t, file)
		seen := map[string]bool{}
		for _, x := range sharkFields(t, tshark, file) {
			leaf := x["tls.handshake.certificate"] + x["dtls.handshake.certificate"]
			leaf = strings.ReplaceAll(strings.FieldsFunc(leaf, func(c rune) bool { return c == ';' })[0], ":", "")
			der, err := hex.DecodeString(leaf)
			if err != nil {
				t.Fatal(err)
			}
			c, err := x509.ParseCertificate(der)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			flow, prefix := x.flow(true), "TLS_CERT_"
			if len(all[flow]) == 0 {
				flow, prefix = x.flow(false), "TLS_CLIENT_CERT_"
			}
			if !seen[flow+prefix] {
				seen[flow+prefix] = true
				j.certificate(file, flow, prefix, all[flow], c)
			}
		}
	}
}

func (j *judged) certificate(file, flow, prefix string, got map[string]string, c *x509.Certificate) {
	j.t.Helper()
	sum, old := sha256.Sum256(c.Raw), sha1.Sum(c.Raw)
	is := func(label, want string) {
		j.t.Helper()
		j.is(file, flow, prefix+label, got[prefix+label], want)
	}
	is("SHA256", hex.EncodeToString(sum[:]))
	is("SERIAL", hex.EncodeToString(c.SerialNumber.Bytes()))
	j.name(file, flow, prefix+"SUBJECT", got, c.RawSubject)
	j.name(file, flow, prefix+"ISSUER", got, c.RawIssuer)
	if prefix == "TLS_CERT_" {
		is("SHA1", hex.EncodeToString(old[:]))
		is("NAMES", namesOf(j.t, c))
		is("NOT_BEFORE", strconv.FormatInt(c.NotBefore.UnixMilli(), 10))
		is("NOT_AFTER", strconv.FormatInt(c.NotAfter.UnixMilli(), 10))
		is("SELF_SIGNED", strconv.FormatUint(boolean(bytes.Equal(c.RawIssuer, c.RawSubject)), 10))
		name, bits := keyOf(c)
		is("KEY", name)
		is("KEY_BITS", bits)
	}
}

// name compares a name with what Go makes of it, as far as it is said.
func (j *judged) name(file, flow, label string, got map[string]string, raw []byte) {
	j.t.Helper()
	is, want := got[label], folded(nameText(j.t, raw))
	if len(want) > mostText && len(is) > mostText-4 {
		want = want[:min(len(is), len(want))]
	}
	j.is(file, flow, label, is, want)
}

// sharkFields has tshark say which certificates are in a capture.
func sharkFields(t *testing.T, tshark, file string) (all []row) {
	columns := []string{"ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
		"udp.srcport", "udp.dstport", "tls.handshake.certificate", "dtls.handshake.certificate"}
	args := []string{"-r", file, "-T", "fields", "-E", "aggregator=;", "-E", "occurrence=a",
		"-Y", "tls.handshake.certificate or dtls.handshake.certificate"}
	for _, c := range columns {
		args = append(args, "-e", c)
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		x, values := row{}, strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for i, c := range columns {
			x[c] = values[i]
		}
		all = append(all, x)
	}
	return all
}

// TestZeekOracle compares server certificates with those that Zeek logs.
func TestZeekOracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.x509.log"))
	j := newJudged(t)
	for _, file := range files {
		capture := file[:strings.Index(file, ".zeek.")]
		byHash := map[string]map[string]string{}
		for _, fields := range handshakes(t, capture) {
			byHash[fields["TLS_CERT_SHA256"]] = fields
		}
		for _, x := range zeekLog(t, file) {
			got := byHash[x["fingerprint"]]
			if got == nil || x["host_cert"] != "T" {
				continue
			}
			is := func(label, want string) { j.is(file, x["fingerprint"], label, folded(got[label]), folded(want)) }
			is("TLS_CERT_SUBJECT", x["certificate.subject"])
			is("TLS_CERT_ISSUER", x["certificate.issuer"])
			is("TLS_CERT_SERIAL", strings.ToLower(x["certificate.serial"]))
			is("TLS_CERT_NOT_BEFORE", strings.Replace(x["certificate.not_valid_before"], ".000000", "000", 1))
			is("TLS_CERT_NOT_AFTER", strings.Replace(x["certificate.not_valid_after"], ".000000", "000", 1))
			is("TLS_CERT_KEY_BITS", x["certificate.key_length"])
		}
	}
}

// zeekLog reads a log of Zeek.
func zeekLog(t *testing.T, file string) (all []row) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var columns []string
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.Split(s.Text(), "\t")
		if line[0] == "#fields" {
			columns = line[1:]
		}
		if strings.HasPrefix(line[0], "#") || len(line) != len(columns) {
			continue
		}
		x := row{}
		for i, c := range columns {
			x[c] = line[i]
		}
		all = append(all, x)
	}
	return all
}

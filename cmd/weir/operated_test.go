package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/manage"
)

// openssl runs it in a directory.
func openssl(t *testing.T, dir, args string) {
	t.Helper()
	c := exec.Command("openssl", strings.Fields(args)...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Skipf("openssl %s: %v\n%s", args, err, out)
	}
}

// TestOperated has a probe that runs know people by their certificates, lock out who guesses passwords, show another
// certificate, and hand out what others need to help.
func TestOperated(t *testing.T) {
	s := newSite(t)
	const key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
	openssl(t, s.dir, "req -x509 "+key+" -subj /CN=authority -days 1 -out ca.pem -keyout ca.key")
	for _, name := range []string{"ann", "mallory"} {
		openssl(t, s.dir, "req -new "+key+" -subj /CN="+name+" -out "+name+".csr -keyout "+name+".key")
		openssl(t, s.dir, "x509 -req -in "+name+".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -out "+name+".pem")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s.commit(strings.Replace(s.meters("", ""), "[management]\n", "[management]\nlisten = \""+address+"\"\nclient_ca = \""+
		filepath.Join(s.dir, "ca.pem")+"\"\n", 1))
	s.ctl("user", "set", "ann", "--role", "operate")
	ask := func(method, path, body, certificate string) (status int, text []byte, shown string) {
		t.Helper()
		c := &tls.Config{InsecureSkipVerify: true}
		if certificate != "" {
			pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, certificate+".pem"), filepath.Join(s.dir, certificate+".key"))
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{pair}
		}
		h := http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
		q, err := http.NewRequest(method, "https://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		a, err := h.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, _ = io.ReadAll(a.Body)
		return a.StatusCode, text, manage.Fingerprint(a.TLS.PeerCertificates[0].Raw)
	}
	if status, text, _ := ask("GET", "/v1/whoami", "", "ann"); status != 200 || !strings.Contains(string(text), `"by":"certificate"`) {
		t.Errorf("ann is known as %d %s", status, text)
	}
	if status, text, _ := ask("GET", "/v1/whoami", "", "mallory"); status != 401 {
		t.Errorf("somebody who is no user: %d %s", status, text)
	}
	if status, _, _ := ask("GET", "/v1/users", "", "ann"); status != 403 {
		t.Errorf("an operator sees users: %d", status)
	}
	_, _, before := ask("GET", "/v1/openapi.json", "", "")
	s.ctl("certificate", filepath.Join(s.dir, "ca.pem"), filepath.Join(s.dir, "ca.key"))
	if _, _, after := ask("GET", "/v1/openapi.json", "", ""); after == before || !strings.Contains(s.ctl("system"), after) {
		t.Errorf("it shows %s, before %s", after, before)
	}
	locked := false
	for range 30 {
		status, _, _ := ask("POST", "/v1/login", `{"user":"ann","password":"wrong password"}`, "")
		locked = locked || status == 429
	}
	if !locked {
		t.Error("30 wrong passwords lock nobody out")
	}
	if out := s.ctl("audit"); !strings.Contains(out, "POST\u00a0/v1/login") || strings.Contains(out, "wrong password") {
		t.Errorf("audit log:\n%s", out)
	}
	bundle := filepath.Join(s.dir, "support.tgz")
	s.ctl("support", bundle)
	names := strings.Join(contents(t, bundle), " ")
	for _, want := range []string{"status.json", "log.txt", "metrics.txt", "config-"} {
		if !strings.Contains(names, want) {
			t.Errorf("the archive has %s", names)
		}
	}
	var host struct{ Host string }
	if err := json.Unmarshal([]byte(s.ctl("--json", "system")), &host); err != nil || host.Host == "" {
		t.Errorf("%+v, %v", host, err)
	}
}

// contents lists an archive.
func contents(t *testing.T, path string) (names []string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}

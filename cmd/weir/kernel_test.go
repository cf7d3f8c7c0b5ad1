package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// path is a client and a server with a router between them, each in a network namespace of its
// own, and delays on the way from either to the router.
type path struct{ client, router, server string }

const (
	clientAddress = "192.0.2.1"
	serverAddress = "198.51.100.1"
)

// newPath makes a path. It skips the test where the kernel cannot delay packets.
func newPath(t *testing.T) path {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	p := path{}
	for _, ns := range []*string{&p.client, &p.router, &p.server} {
		*ns = fmt.Sprintf("weir-%p", ns)
		ip(t, "netns add "+*ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", *ns).Run() })
		ip(t, "-n "+*ns+" link set lo up")
	}
	for _, side := range [][4]string{{p.client, "c0", clientAddress, "192.0.2.2"}, {p.server, "s0", serverAddress, "198.51.100.2"}} {
		ns, dev, own, via := side[0], side[1], side[2], side[3]
		ip(t, "link add "+dev+" netns "+ns+" type veth peer name r"+dev+" netns "+p.router)
		for _, args := range []string{
			"-n " + ns + " addr add " + own + "/24 dev " + dev, "-n " + ns + " link set " + dev + " up",
			"-n " + p.router + " addr add " + via + "/24 dev r" + dev, "-n " + p.router + " link set r" + dev + " up",
			"-n " + ns + " route add default via " + via,
		} {
			ip(t, args)
		}
	}
	p.run(t, p.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
	if out, err := p.in(p.client, "tc", "qdisc", "add", "dev", "c0", "root", "netem", "delay", "0ms").CombinedOutput(); err != nil {
		t.Skipf("this kernel has no netem (make vm-test runs the test under one that has): %s", out)
	}
	p.run(t, p.server, "tc", "qdisc", "add", "dev", "s0", "root", "netem", "delay", "0ms")
	return p
}

func (p path) in(ns string, command ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", ns}, command...)...)
}

func (p path) run(t *testing.T, ns string, command ...string) string {
	t.Helper()
	out, err := p.in(ns, command...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", command, err, out)
	}
	return string(out)
}

// delay sets how long packets take from the client and from the server to the router.
func (p path) delay(t *testing.T, client, server time.Duration) {
	t.Helper()
	p.run(t, p.client, "tc", "qdisc", "change", "dev", "c0", "root", "netem", "delay", client.String())
	p.run(t, p.server, "tc", "qdisc", "change", "dev", "s0", "root", "netem", "delay", server.String())
}

// serve starts a program in a namespace until the test ends, and waits until it listens on port.
func (p path) serve(t *testing.T, port int, command ...string) {
	t.Helper()
	c, said := p.in(p.server, command...), &log{}
	c.Stdout, c.Stderr = said, said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		c.Wait()
		if t.Failed() {
			t.Logf("%v: %s", command, said)
		}
	})
	until(t, command[0], func() bool {
		out, _ := p.in(p.server, "ss", "-lntH", fmt.Sprintf("sport = :%d", port)).Output()
		return len(bytes.TrimSpace(out)) > 0
	})
}

// meter runs weir at the router while f runs, and returns the flows and events it exported.
func (p path) meter(t *testing.T, f func()) (records []map[string]any) {
	t.Helper()
	return p.meterAt(t, "rc0", f)
}

// responseTemplate is of flows and events.
const responseTemplate = `%RECORD_KIND %L7_PROTO_NAME %L4_DST_PORT %TRANSACTION_PROTOCOL %TRANSACTION_LATENCY_USEC
%CLIENT_RTT_USEC %SERVER_RTT_USEC %APPL_LATENCY_USEC %CLIENT_NW_LATENCY_MS %SERVER_NW_LATENCY_MS`

// meterAt is meter at an interface of the router.
func (p path) meterAt(t *testing.T, dev string, f func()) (records []map[string]any) {
	t.Helper()
	return p.meterAs(t, dev, responseTemplate, f)
}

// meterAs is meter at an interface of the router, with a template.
func (p path) meterAs(t *testing.T, dev, template string, f func()) (records []map[string]any) {
	t.Helper()
	dir := t.TempDir()
	conf, to := filepath.Join(dir, "weir.toml"), filepath.Join(dir, "records.json")
	write(t, conf, fmt.Sprintf(`schema = 1
[dataplane]
socket = %q
[[input]]
interface = %q
queues = 1
[flow]
capacity = 4096
[[exporter]]
format = "json"
records = ["flow", "event", "call"]
template = """%s"""
to = %q
`, filepath.Join(dir, "dataplane.sock"), dev, template, to))
	c, said := p.in(p.router, weir, "run", "-c", conf), &log{}
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(said)
		}
	})
	until(t, "metering", func() bool { return strings.Contains(said.String(), "msg=metering") })
	time.Sleep(200 * time.Millisecond)
	f()
	time.Sleep(500 * time.Millisecond)
	if err := errors.Join(c.Process.Signal(syscall.SIGTERM), c.Wait()); err != nil {
		t.Fatalf("weir run: %v\n%s", err, said)
	}
	return jsonLines(t, to)
}

func jsonLines(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var one map[string]any
		if err := json.Unmarshal(s.Bytes(), &one); err != nil {
			t.Fatalf("%v: %s", err, s.Text())
		}
		all = append(all, one)
	}
	return all
}

// least returns the smallest value of a field over the records that are as is says: what other
// programs take of the machine can only add to it.
func least(t *testing.T, records []map[string]any, field string, is map[string]any) float64 {
	t.Helper()
	var values []float64
	for _, r := range records {
		fits := true
		for key, v := range is {
			fits = fits && r[key] == v
		}
		if v, ok := r[field].(float64); fits && ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		t.Fatalf("no record with %v has %s: %v", is, field, records)
	}
	return slices.Min(values)
}

// TestKernelResponseTimes has real servers answer real clients through known delays. The times
// weir tells are the ones injected; what machines and programs take of themselves is measured
// without delays first.
func TestKernelResponseTimes(t *testing.T) {
	p := newPath(t)
	p.servers(t)
	const requests = 7
	work := func() {
		for range requests {
			p.run(t, p.client, "curl", "-sSf", "-o", "/dev/null", "http://"+serverAddress+"/")
			p.run(t, p.client, "curl", "-sSfk", "-o", "/dev/null", "https://"+serverAddress+"/")
			p.run(t, p.client, "dig", "+tries=1", "@"+serverAddress, "www.example.test")
		}
	}
	p.delay(t, 0, 0)
	work() // programs are in memory now, addresses known
	bare := p.meter(t, work)
	const client, server = 60 * time.Millisecond, 110 * time.Millisecond
	p.delay(t, client, server)
	slow := p.meter(t, work)
	http := map[string]any{"RECORD_KIND": "flow", "L4_DST_PORT": 80.0}
	https := map[string]any{"RECORD_KIND": "flow", "L4_DST_PORT": 443.0}
	event := func(protocol string) map[string]any {
		return map[string]any{"RECORD_KIND": "event", "TRANSACTION_PROTOCOL": protocol}
	}
	for _, c := range []struct {
		name, field string
		is          map[string]any
		unit        time.Duration
		want        time.Duration
	}{
		{"http", "CLIENT_RTT_USEC", http, time.Microsecond, client},
		{"http", "SERVER_RTT_USEC", http, time.Microsecond, server},
		{"http", "APPL_LATENCY_USEC", http, time.Microsecond, server},
		{"http", "CLIENT_NW_LATENCY_MS", http, time.Millisecond, client / 2},
		{"http", "SERVER_NW_LATENCY_MS", http, time.Millisecond, server / 2},
		{"https", "CLIENT_RTT_USEC", https, time.Microsecond, client},
		{"https", "SERVER_RTT_USEC", https, time.Microsecond, server},
		{"http", "TRANSACTION_LATENCY_USEC", event("http"), time.Microsecond, server},
		{"tls", "TRANSACTION_LATENCY_USEC", event("tls"), time.Microsecond, server},
		{"dns", "TRANSACTION_LATENCY_USEC", event("dns"), time.Microsecond, server},
	} {
		got := least(t, slow, c.field, c.is)
		own := 0.0
		if c.unit == time.Microsecond {
			own = least(t, bare, c.field, c.is)
		}
		added := time.Duration((got - own) * float64(c.unit))
		t.Logf("%-6s %-26s %9.0f, without delay %7.0f: %v added, %v injected", c.name, c.field, got, own, added, c.want)
		if diff := (added - c.want).Abs(); diff > c.want/20+2*time.Millisecond {
			t.Errorf("%s: %s says %v were added, %v were", c.name, c.field, added, c.want)
		}
	}
}

// servers starts nginx and unbound.
func (p path) servers(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	cert, key := selfSigned(t, dir)
	write(t, filepath.Join(dir, "nginx.conf"), fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
  uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen 80; listen 443 ssl; ssl_certificate %[2]s; ssl_certificate_key %[3]s;
    location / { return 200 "hello"; } } }
`, dir, cert, key))
	p.serve(t, 443, "nginx", "-c", filepath.Join(dir, "nginx.conf"))
	write(t, filepath.Join(dir, "unbound.conf"), fmt.Sprintf(`server:
  interface: 0.0.0.0
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  chroot: ""
  username: ""
  directory: %[1]q
  pidfile: "%[1]s/unbound.pid"
  use-syslog: no
  local-zone: "example.test." static
  local-data: "www.example.test. A 192.0.2.80"
`, dir))
	p.serve(t, 53, "unbound", "-d", "-c", filepath.Join(dir, "unbound.conf"))
}

// selfSigned writes a certificate and its key.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(serverAddress)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return cert, key
}

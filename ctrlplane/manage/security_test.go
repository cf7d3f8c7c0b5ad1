package manage

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/export/secret"
)

// Wrong tokens are refused whichever way they are wrong, and so are those of who is gone.
func TestTokens(t *testing.T) {
	b := newBench(t)
	good := b.user("rita", Read)
	c := b.client(good)
	c.want(200, "GET", "/v1/whoami", nil)
	expired := b.token("rita", Read, time.Nanosecond)
	var wrong []string
	for i := 5; i < len(good); i += 7 { // any octet of it
		wrong = append(wrong, good[:i]+string(good[i]^1)+good[i+1:])
	}
	wrong = append(wrong, expired, good[:len(good)-1], good+"A", "weir_", "weir__", "x",
		strings.Repeat("weir_a_", 500), "\x7f")
	for _, w := range wrong {
		b.guard.succeeded("127.0.0.1")
		c.auth = "Bearer " + w
		if strings.Contains(w, "\x7f") {
			continue // no client sends it
		}
		if r := c.do("GET", "/v1/whoami", nil); r.status != 401 || strings.Contains(string(r.body), "rita") {
			t.Errorf("%q: %v", w, r)
		}
	}
	b.guard.succeeded("127.0.0.1")
	c.auth = "Basic " + good
	c.want(401, "GET", "/v1/whoami", nil)
	admin := b.user("adam", Admin)
	c.auth = "Bearer " + admin
	c.want(204, "PUT", "/v1/users/rita", map[string]string{"role": "operate"})
	c.auth = "Bearer " + good
	var who identity
	c.want(200, "GET", "/v1/whoami", nil).into(t, &who)
	if who.Role != Read {
		t.Errorf("a token became better with its user: %+v", who)
	}
	c.auth = "Bearer " + admin
	c.want(204, "DELETE", "/v1/users/rita", nil)
	c.want(409, "DELETE", "/v1/users/adam", nil)
	c.want(409, "PUT", "/v1/users/adam", map[string]string{"role": "read"})
	c.auth = "Bearer " + good
	c.want(401, "GET", "/v1/whoami", nil)
	text, err := os.ReadFile(filepath.Join(b.dir, "users.json"))
	if err != nil || !strings.Contains(string(text), "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("%v: %s", err, text)
	}
	for _, s := range []string{good, good[len("weir_")+17:], "correct horse"} {
		if strings.Contains(string(text), s) {
			t.Errorf("%q is on disk", s)
		}
	}
	if s, err := os.Stat(filepath.Join(b.dir, "users.json")); err != nil || s.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", s.Mode(), err)
	}
}

// Who fails too often is locked out for longer and longer, and others are not.
func TestLockOut(t *testing.T) {
	b := newBench(t)
	b.user("ann", Admin)
	now := time.Now()
	b.guard.now = func() time.Time { return now }
	c := b.client("")
	try := func(password string) *reply {
		return c.do("POST", "/v1/login", map[string]string{"user": "ann", "password": password})
	}
	for range freeFailures {
		if r := try("wrong"); r.status != 401 {
			t.Fatalf("got %v", r)
		}
	}
	if r := try("correct horse battery"); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("the right password of who is locked out: %v", r)
	}
	b.local("").want(401, "POST", "/v1/login", map[string]string{"user": "nobody", "password": "x"})
	var waits []time.Duration
	for range 9 {
		left := b.guard.locked("127.0.0.1")
		waits = append(waits, left)
		now = now.Add(left)
		try("wrong")
	}
	if waits[0] != firstLock || waits[1] != 2*firstLock || waits[8] != longestLock {
		t.Errorf("waits %v", waits)
	}
	if left := b.guard.locked("user ann"); left > userLock {
		t.Errorf("others locked ann out for %v", left)
	}
	now = now.Add(longestLock)
	if r := try("correct horse battery"); r.status != 200 {
		t.Errorf("got %v", r)
	}
	if r := try("wrong"); r.status != 401 {
		t.Errorf("failures before a success count: %v", r)
	}
	for i := range 3 * strangers / 2 {
		b.guard.failed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), longestLock)
	}
	if n := len(b.guard.who); n > strangers {
		t.Errorf("%d strangers are remembered", n)
	}
}

// Requests are limited by address, an IPv6 network of a customer being one.
func TestRate(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	b.guard.now = func() time.Time { return now }
	c, busy := b.client(""), 0
	for range requestBurst + 20 {
		if c.do("GET", apiPath, nil).status == 429 {
			busy++
		}
	}
	if busy != 20 {
		t.Errorf("%d requests were too many", busy)
	}
	for a, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::/64",
		"2001:db8::ffff": "2001:db8::/64",
	} {
		if got := origin(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s is remembered by %s", a, got)
		}
	}
}

// The first user is made once, with the code on the console and no other, and a weak password is none.
func TestSetup(t *testing.T) {
	b := newBench(t)
	c, code := b.client(""), b.console.after("Code to make the first one: ")
	if !strings.HasPrefix(b.console.after("SHA-256 of the certificate: "), b.fingerprint()) ||
		len(b.fingerprint()) != 95 {
		t.Errorf("the console shows %s", &b.console)
	}
	body := func(code, user, password string) map[string]string {
		return map[string]string{"code": code, "user": user, "password": password}
	}
	c.want(401, "POST", "/v1/setup", body("AAAA-BBBB-CCCC", "ann", "correct horse"))
	c.want(401, "POST", "/v1/setup", body("", "ann", "correct horse"))
	for _, weak := range []string{"", "short", "aaaaaaaaaaaaaaaa", "ann ann ann ann",
		strings.Repeat("x1", 600)} {
		c.want(400, "POST", "/v1/setup", body(code, "ann", weak))
	}
	for _, name := range []string{"", "a b", "-x", strings.Repeat("x", 65), "../x"} {
		c.want(400, "POST", "/v1/setup", body(code, name, "correct horse"))
	}
	var s Setup
	b.local("").want(200, "GET", "/v1/setup", nil).into(t, &s)
	if s.Code != code || s.Fingerprint != b.fingerprint() {
		t.Errorf("the socket says %+v", s)
	}
	s = Setup{}
	c.want(200, "GET", "/v1/setup", nil).into(t, &s)
	if !s.Needed || s.Code != "" || s.Fingerprint != "" {
		t.Errorf("everybody is told %+v", s)
	}
	var done sync.WaitGroup
	made := make(chan int, 8)
	for i := range 8 {
		done.Go(func() { made <- c.do("POST", "/v1/setup", body(code, fmt.Sprintf("u%d", i), "correct horse")).status })
	}
	done.Wait()
	close(made)
	first := 0
	for status := range made {
		if status == 200 {
			first++
		} else if status != 409 {
			t.Errorf("got %d", status)
		}
	}
	if first != 1 {
		t.Errorf("%d first users", first)
	}
	c.want(409, "POST", "/v1/setup", body(code, "eve", "correct horse"))
	text, _ := os.ReadFile(b.audit.path)
	if !strings.Contains(string(text), "first user u") || strings.Contains(string(text), "correct horse") ||
		strings.Contains(string(text), code) {
		t.Errorf("audit log:\n%s", text)
	}
}

// A body is read up to its limit, and a client has so much time.
func TestLimits(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("adam", Admin))
	c.want(200, "PUT", "/v1/config/candidate", strings.Repeat("#", bodyLimit-1)+"\n")
	c.want(413, "PUT", "/v1/config/candidate", strings.Repeat("#", bodyLimit)+"\n")
	c.want(413, "POST", "/v1/login", io.LimitReader(zeros{}, 1<<30))
	c.want(400, "DELETE", "/v1/config/candidate", "a body")
	long := b.raw("GET /v1/setup?x=" + strings.Repeat("y", 2*headSize) + " HTTP/1.1\r\nHost: w\r\n\r\n")
	if line, _ := bufio.NewReader(long).ReadString('\n'); !strings.Contains(line, "431") {
		t.Errorf("a long head: %s", line)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// raw opens a connection and says something.
func (b *bench) raw(say string) net.Conn {
	b.t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(b.url, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	io.WriteString(c, say)
	return c
}

// Who says nothing, or says it very slowly, is hung up on, and holds up nobody meanwhile.
func TestSlow(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 20 seconds")
	}
	b := newBench(t)
	token := b.user("adam", Admin)
	silent, err := net.Dial("tcp", strings.TrimPrefix(b.url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	head := b.raw("GET /v1/status HTTP/1.1\r\nHost: w\r\n")
	body := b.raw("PUT /v1/config/candidate HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer " + token + "\r\nContent-Length: 1000\r\n\r\n")
	go func() {
		for range 400 {
			if _, err := io.WriteString(body, "#"); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	b.client(token).want(200, "GET", "/v1/status", nil)
	for what, c := range map[string]struct {
		net.Conn
		most time.Duration
	}{"a silent client": {silent, headTime + 5*time.Second}, "half a head": {head, headTime + 5*time.Second},
		"a slow body": {body, bodyTime + 5*time.Second}} {
		c.SetReadDeadline(time.Now().Add(c.most))
		if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
			t.Errorf("%s has its connection still", what)
		}
	}
}

// An address has so many connections, and gets one again when it gives one up.
func TestCrowd(t *testing.T) {
	b := newBench(t)
	address := strings.TrimPrefix(b.url, "https://")
	var open []net.Conn
	for range mostOfAnAddress {
		open = append(open, b.raw(""))
	}
	if c, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second},
		"tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
		c.Close()
		t.Error("one more connection was let in")
	}
	open[0].Close()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal("nobody is let in any more")
		}
	}
}

// TLS before 1.3, and no TLS, are not spoken.
func TestVersions(t *testing.T) {
	b := newBench(t)
	address := strings.TrimPrefix(b.url, "https://")
	if c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true,
		MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("TLS 1.2 is spoken")
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /v1/setup HTTP/1.1\r\nHost: w\r\n\r\n")
	if line, _ := bufio.NewReader(c).ReadString('\n'); strings.Contains(line, "200") {
		t.Errorf("without TLS: %s", line)
	}
}

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key = a.issue(t, "authority")
	return a
}

func (a *authority) issue(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: a.cert == nil, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

// A certificate of the authority is the user it names; one of another authority is nobody.
func TestClientCertificates(t *testing.T) {
	b := newBench(t)
	b.user("rita", Read)
	ours, theirs := newAuthority(t), newAuthority(t)
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	m := b.conf
	m.ClientCA = path
	b.listen(m)
	show := func(a *authority, name string) *client {
		c, key := a.issue(t, name)
		return b.client("", tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key})
	}
	var who identity
	show(ours, "rita").want(200, "GET", "/v1/whoami", nil).into(t, &who)
	if who.User != "rita" || who.Role != Read || who.By != "certificate" {
		t.Errorf("got %+v", who)
	}
	show(ours, "rita").want(403, "GET", "/v1/users", nil)
	show(ours, "eve").want(401, "GET", "/v1/whoami", nil)
	b.client("").want(401, "GET", "/v1/whoami", nil)
	if r, err := show(theirs, "rita").http.Get(b.url + "/v1/whoami"); err == nil {
		r.Body.Close()
		t.Errorf("a certificate of somebody else: %s", r.Status)
	}
}

// At the socket the kernel says who asks. The user that weir runs as may everything.
func TestSocket(t *testing.T) {
	b := newBench(t)
	var who identity
	c := b.local("")
	c.want(200, "GET", "/v1/whoami", nil).into(t, &who)
	if who.Role != Admin || who.By != "socket" || who.User != fmt.Sprintf("uid %d", os.Geteuid()) {
		t.Errorf("got %+v", who)
	}
	c.want(400, "POST", "/v1/logout", nil)
	c.want(204, "PUT", "/v1/users/nobody", map[string]string{"role": "read"})
	if os.Geteuid() != 0 {
		t.Skip("being somebody else needs root")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip(err)
	}
	for dir := filepath.Dir(b.socket); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	as := func(uid uint32, path string) string {
		x := exec.Command(curl, "-s", "--unix-socket", b.socket, "http://weir"+path)
		x.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := x.Output()
		if err != nil {
			t.Skipf("curl: %v", err)
		}
		return string(out)
	}
	const nobody = 65534
	if got := as(nobody, "/v1/whoami"); !strings.Contains(got, `"user":"nobody","role":"read","by":"socket"`) {
		t.Errorf("nobody is %s", got)
	}
	if got := as(nobody, "/v1/users"); !strings.Contains(got, `"status":403`) {
		t.Errorf("nobody gets %s", got)
	}
	if got := as(4711, "/v1/whoami"); !strings.Contains(got, `"status":401`) {
		t.Errorf("somebody unknown is %s", got)
	}
}

// A certificate can be replaced while weir runs, by one that fits its key.
func TestCertificate(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("adam", Admin))
	before := b.fingerprint()
	again, err := New(b.dir, b.store, b.probe(), cheap)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.certify(config.Management{Listen: "127.0.0.1:1"}); err != nil ||
		again.fingerprint() != before {
		t.Errorf("after a restart it is %s (%v)", again.fingerprint(), err)
	}
	cert, err := selfSigned([]string{"weir.example"})
	if err != nil {
		t.Fatal(err)
	}
	other, _ := selfSigned(nil)
	at := strings.Index(string(cert), "-----BEGIN PRIVATE")
	c.want(400, "PUT", "/v1/system/certificate", map[string]string{"certificate": string(cert[:at]),
		"key": string(other)})
	var s Shown
	c.want(200, "PUT", "/v1/system/certificate", map[string]string{"certificate": string(cert[:at]),
		"key": string(cert[at:])}).into(t, &s)
	c.http.CloseIdleConnections()
	c.want(200, "GET", "/v1/status", nil) // which holds what is shown to the fingerprint
	if s.Fingerprint == before || s.Fingerprint != b.fingerprint() {
		t.Errorf("got %s", s.Fingerprint)
	}
	if text, _ := os.ReadFile(b.audit.path); strings.Contains(string(text), "PRIVATE") {
		t.Error("the key is in the audit log")
	}
}

// Passwords of the same text are hashed differently, and what was written with another cost is read.
func TestArgon(t *testing.T) {
	a := newArgon(cheap)
	p := secret.New("correct horse battery")
	x, y := a.hash(p), a.hash(p)
	if x == y || !a.matches(x, p) || !a.matches(y, p) || a.matches(x, secret.New("correct horse batterz")) ||
		a.matches(x, secret.Text{}) {
		t.Error("passwords do not match as they should")
	}
	if !newArgon(Cost{2, 128, 2}).matches(x, p) {
		t.Error("a hash of another cost does not match")
	}
	for _, wrong := range []string{"", "x", "$argon2id$v=19$m=64,t=1,p=1$$", "$argon2i" + x[9:],
		strings.Replace(x, "v=19", "v=16", 1)} {
		if a.matches(wrong, p) {
			t.Errorf("%q matches", wrong)
		}
	}
	// The reference implementation's own answer (argon2 20190702: echo -n password | argon2 somesalt -id).
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !a.matches(reference, secret.New("password")) {
		t.Error("a hash of the reference implementation does not match")
	}
}

// Somebody who may not cannot commit at the same time as another: one does, others are told.
func TestConcurrentCommits(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("olga", Operate))
	for round := range 3 {
		text := fmt.Sprintf("%sbatch_age = \"%ds\"\n", oldConfig, round+2)
		c.want(200, "PUT", "/v1/config/candidate", text)
		var done sync.WaitGroup
		statuses := make(chan int, 12)
		for i := range 12 {
			done.Go(func() {
				if i%4 == 3 { // somebody puts another one meanwhile
					statuses <- c.do("PUT", "/v1/config/candidate", text+"# other\n").status * 10
					return
				}
				statuses <- c.do("POST", "/v1/config/commit", Commit{Why: fmt.Sprint(i), SHA256: sha(text)}).status
			})
		}
		done.Wait()
		close(statuses)
		committed := 0
		for s := range statuses {
			switch s {
			case 200:
				committed++
			case 404, 409, 2000:
			default:
				t.Errorf("got %d", s)
			}
		}
		if committed > 1 || len(b.store.History()) != 1+b.commits() {
			t.Errorf("%d committed, history %+v", committed, b.store.History())
		}
		c.want(204, "DELETE", "/v1/config/candidate", nil)
	}
}

// commits returns how many configurations were taken over.
func (b *bench) commits() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.applied)
}

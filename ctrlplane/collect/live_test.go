package collect

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// free returns an address of loopback that nobody uses.
func free(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if s, err := net.Listen("tcp", l.LocalAddr().String()); err == nil {
			s.Close()
			return l.LocalAddr().String()
		}
	}
	t.Fatal("no port is free for UDP and TCP")
	return ""
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain until ", what)
		}
	}
}

var aTemplate = set(2, words(256, 1, 8, 4)...)

// What comes by UDP, TCP and TLS becomes records, and copies of datagrams go to others.
func TestLive(t *testing.T) {
	udp, tcp, secure := free(t), free(t), free(t)
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	b := newBench(t, func(o *Options) {
		o.Listen = []string{"udp://" + udp, "tcp://" + tcp, "tls://" + secure}
		o.Relay = []string{other.LocalAddr().String()}
		o.TLS.Cert, o.TLS.Key = certificate(t)
	})
	if err := b.c.Start(); err != nil {
		t.Fatal(err)
	}
	message := ipfixMessage(0, aTemplate, set(256, 192, 0, 2, 1))
	for i, dial := range []func() (net.Conn, error){
		func() (net.Conn, error) { return net.Dial("udp", udp) },
		func() (net.Conn, error) { return net.Dial("tcp", tcp) },
		func() (net.Conn, error) { return tls.Dial("tcp", secure, &tls.Config{InsecureSkipVerify: true}) },
	} {
		conn, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i > 0 { // a stream may end anywhere between two writes
			conn.Write(message[:5])
			time.Sleep(time.Millisecond)
			conn.Write(message[5:])
		} else {
			conn.Write(message)
		}
		until(t, fmt.Sprintf("record %d came", i), func() bool { return b.count(Records) == uint64(i+1) })
	}
	if err := b.c.Close(); err != nil {
		t.Error(err)
	}
	b.drain()
	for i, r := range b.records {
		if r["IPV4_SRC_ADDR"] != "192.0.2.1" || r["EXPORTER_IPV4_ADDRESS"] != "127.0.0.1" {
			t.Errorf("record %d: %v", i, r)
		}
	}
	copied := make([]byte, 1000)
	other.SetReadDeadline(time.Now().Add(time.Second))
	if n, _, err := other.ReadFrom(copied); err != nil || string(copied[:n]) != string(message) {
		t.Errorf("the copy is %x, %v", copied[:n], err)
	}
	b.counts(map[Counter]uint64{Relayed: 1})
}

// certificate makes one for loopback.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{{127, 0, 0, 1}}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// Templates and sampling rates outlive a restart.
func TestRemembered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "templates.json")
	keep := func(o *Options) { o.File = file }
	b := newBench(t, keep)
	options := set(3, words(257, 2, 1, 149, 4, 34, 4)...)
	b.take(ipfixMessage(0, aTemplate, options, set(257, 0, 0, 0, 1, 0, 0, 0, 100)), second)
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	b = newBench(t, keep)
	if err := b.c.Recall(); err != nil {
		t.Fatal(err)
	}
	b.take(ipfixMessage(0, set(256, 192, 0, 2, 1)), second)
	if len(b.records) != 1 || b.records[0]["SAMPLING_INTERVAL"] != "100" || b.records[0]["IPV4_SRC_ADDR"] != "192.0.2.1" {
		t.Errorf("got %v", b.records)
	}
	if err := os.WriteFile(file, []byte(`{"version":1,"templates":[{"exporter":"x"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newBench(t, keep).c.Recall(); err == nil {
		t.Error("a damaged file is taken for a good one")
	}
}

// Exporters that are not allowed are counted and nothing else, and one that is silent is told of.
func TestAllowedAndSilent(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Allow = []string{"198.51.100.0/24"} })
	b.take(ipfixMessage(0, aTemplate, set(256, 192, 0, 2, 1)), second)
	if b.count(Refused) != 1 || len(b.records) != 0 || b.c.registry.size() != 0 {
		t.Errorf("%d refused, %v", b.count(Refused), b.records)
	}
	b = newBench(t, nil)
	b.take(ipfixMessage(0, aTemplate), second)
	b.c.look(time.Unix(1, 0).Add(time.Minute))
	if b.count(Silences) != 0 {
		t.Error("an exporter is silent after a minute")
	}
	b.c.look(time.Unix(1, 0).Add(6 * time.Minute))
	b.c.look(time.Unix(1, 0).Add(7 * time.Minute))
	if b.count(Silences) != 1 || b.c.registry.silentNow.Load() != 1 {
		t.Errorf("%d silences, %d are silent", b.count(Silences), b.c.registry.silentNow.Load())
	}
	b.take(ipfixMessage(0, aTemplate), 480*second)
	if b.c.registry.silentNow.Load() != 0 {
		t.Error("an exporter that sends again is still silent")
	}
}

// The rate of an exporter that says none is that of the longest prefix; what it says goes before that.
func TestRates(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Sampling, o.Rates = 10, []string{"192.0.0.0/8=20", "192.0.2.1=30"} })
	b.take(ipfixMessage(0, set(2, words(256, 1, 1, 4)...), set(256, 0, 0, 0, 5)), second)
	b.take(ipfixMessage(0, set(2, words(257, 2, 1, 4, 34, 4)...), set(257, 0, 0, 0, 5, 0, 0, 0, 40)), second)
	want := []said{{"SAMPLING_INTERVAL": "30", "SAMPLING_ORIGIN": "configuration", "IN_BYTES": "5", "SCALED_IN_BYTES": "150"},
		{"SAMPLING_INTERVAL": "40", "SAMPLING_ORIGIN": "data", "IN_BYTES": "5", "SCALED_IN_BYTES": "200"}}
	for i, w := range want {
		for key, value := range w {
			if got := b.records[i][key]; got != value {
				t.Errorf("record %d: %s is %s, want %s", i, key, got, value)
			}
		}
	}
}

// A flow that two exporters report is one, if that is asked for.
func TestDuplicates(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Distinct = time.Minute })
	template := set(2, words(256, 3, 8, 4, 4, 1, 1, 4)...)
	flow := set(256, 192, 0, 2, 7, 6, 0, 0, 0, 9)
	b.take(ipfixMessage(0, template, flow, flow), second) // an exporter may say the same twice
	m := ipfixMessage(0, template, flow)
	be.PutUint32(m[12:], 2)
	b.take(m, 2*second)
	b.take(m, 200*second)
	if len(b.records) != 3 {
		t.Errorf("%d records, want 3", len(b.records))
	}
	b.counts(map[Counter]uint64{Duplicates: 1, Restarted: 1})
}

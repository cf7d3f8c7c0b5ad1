package sink

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

// certificate writes a certificate for 127.0.0.1 that vouches for itself into dir, valid so long.
func certificate(t *testing.T, dir, name string, valid time.Duration) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid), IsCA: true,
		BasicConstraintsValid: true, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if name == "other.example" {
		c.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, b []byte) string {
		path := filepath.Join(dir, name+file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write(".crt", "CERTIFICATE", der), write(".key", "PRIVATE KEY", secret)
}

// secured accepts connections with TLS and reads them, or not.
func secured(t *testing.T, cert, key string, read bool) (net.Listener, *collected) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	inner, got := listen(t, false)
	inner.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go serve(t, l, got, read)
	return l, got
}

func serve(t *testing.T, l net.Listener, got *collected, read bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { c.Close() })
		go func() {
			if !read {
				c.(*tls.Conn).Handshake()
				return
			}
			for b := make([]byte, 1<<16); ; {
				n, err := c.Read(b)
				got.add(b[:n])
				if err != nil {
					return
				}
			}
		}()
	}
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t, t.TempDir(), "collector.example", time.Hour)
	o := Options{TLS: TLSOptions{CA: cert}}
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			l, got := secured(t, cert, key, true)
			return open(t, "tls://"+l.Addr().String(), o), got.bytes
		},
		Gone: func(t *testing.T) export.Sink {
			l, _ := secured(t, cert, key, true)
			l.Close()
			return open(t, "tls://"+l.Addr().String(), o)
		},
		Stuck: func(t *testing.T) export.Sink {
			l, _ := secured(t, cert, key, false)
			return open(t, "tls://"+l.Addr().String(), o)
		},
	})
}

// Whoever cannot prove who they are gets nothing, and the error says what to do.
func TestTLSRefused(t *testing.T) {
	dir := t.TempDir()
	good, goodKey := certificate(t, dir, "collector.example", time.Hour)
	old, oldKey := certificate(t, dir, "old.example", -time.Minute)
	other, otherKey := certificate(t, dir, "other.example", time.Hour)
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	sum := sha256.Sum256(block.Bytes)
	pin := hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name, cert, key string
		o               TLSOptions
		want            string // of the error; empty if there is none
	}{
		{"known authority", good, goodKey, TLSOptions{CA: good}, ""},
		{"unknown authority", good, goodKey, TLSOptions{}, "name the authority's file in ca"},
		{"expired", old, oldKey, TLSOptions{CA: old}, "renew the certificate"},
		{"another name", other, otherKey, TLSOptions{CA: other}, "set server_name"},
		{"the name that is meant", other, otherKey, TLSOptions{CA: other, ServerName: "other.example"}, ""},
		{"pin", good, goodKey, TLSOptions{Pin: pin}, ""},
		{"another pin", other, otherKey, TLSOptions{Pin: pin}, "which is not the pin"},
		{"anybody", old, oldKey, TLSOptions{Insecure: true}, ""},
		{"no TLS", "", "", TLSOptions{}, "does not speak TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var address string
			if c.cert == "" {
				address = answering(t)
			} else {
				l, _ := secured(t, c.cert, c.key, true)
				address = l.Addr().String()
			}
			k := open(t, "tls://"+address, Options{TLS: c.o})
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			err := k.Send(ctx, []byte("message\n"))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Send says %v, want %q", err, c.want)
			}
		})
	}
}

// answering is a server that does not speak TLS.
func answering(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 welcome to another service\r\n"))
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

// A certificate that is replaced is used by the next connection.
func TestTLSRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir, "collector.example", time.Hour)
	o := TLSOptions{CA: cert, Certificate: cert, Key: key}
	first, err := o.Config("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	certificate(t, dir, "collector.example", time.Hour)
	second, err := o.Config("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Certificates[0].Certificate[0]) == string(second.Certificates[0].Certificate[0]) {
		t.Error("the old certificate is still in use")
	}
}

// batch returns a message of records and what it holds.
func batchOf(records ...string) (message []byte, of export.Batch) {
	for i, r := range records {
		message = append(append(message, r...), '\n')
		item := export.Item{End: uint32(len(message)), Time: 1_700_000_000_123_456_789}
		binary.BigEndian.PutUint64(item.ID[8:], uint64(i+1))
		of.Items = append(of.Items, item)
	}
	of.Records = uint32(len(records))
	return message, of
}

// Records are told apart by what precedes them.
func TestFraming(t *testing.T) {
	for framing, want := range map[Framing]string{
		Length:        "\x00\x00\x00\x05first\x00\x00\x00\x06second",
		OctetCounting: "5 first6 second",
	} {
		l, got := listen(t, true)
		k := open(t, "tcp://"+l.Addr().String(), Options{Framing: framing})
		message, of := batchOf("first", "second")
		if err := k.(export.Storer).Store(context.Background(), message, of); err != nil {
			t.Fatal(err)
		}
		k.Close()
		for end := time.Now().Add(10 * time.Second); len(got.bytes()) < len(want) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if string(got.bytes()) != want {
			t.Errorf("%s: arrived %q", framing, got.bytes())
		}
		k = open(t, "tcp://"+l.Addr().String(), Options{Framing: framing, Format: "protobuf"})
		if err := k.(export.Storer).Store(context.Background(), message, of); err != nil {
			t.Fatal(err)
		}
		k.Close()
		want += map[Framing]string{Length: "\x00\x00\x00\x06first\n\x00\x00\x00\x07second\n",
			OctetCounting: "6 first\n7 second\n"}[framing]
		for end := time.Now().Add(10 * time.Second); len(got.bytes()) < len(want) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if string(got.bytes()) != want {
			t.Errorf("%s of binary records: arrived %q", framing, got.bytes())
		}
		of.Items[0].End = 0
		if err := k.(export.Storer).Store(context.Background(), message, of); err == nil {
			t.Error("a message without records of their own was taken")
		}
	}
	if _, err := Open("tcp://127.0.0.1:9", Options{Framing: "morse"}); err == nil {
		t.Error("an unknown framing was taken")
	}
}

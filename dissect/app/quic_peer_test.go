package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/quic-go/quic-go"
	"github.com/weir-probe/weir/dataplane/flow"
)

// listened is the socket of a client; what it says and hears is written down.
type listened struct {
	net.PacketConn
	mu    sync.Mutex
	turns []turn
}

func (l *listened) note(b []byte, dir flow.Dir) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns = append(l.turns, turn{dir: dir, octets: bytes.Clone(b), time: uint64(time.Now().UnixNano())})
}

func (l *listened) WriteTo(b []byte, to net.Addr) (int, error) {
	l.note(b, flow.Forward)
	return l.PacketConn.WriteTo(b, to)
}

func (l *listened) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := l.PacketConn.ReadFrom(b)
	if err == nil {
		l.note(b[:n], flow.Reverse)
	}
	return n, from, err
}

// peers are a client and a server as they are to be.
type peers struct {
	name           string
	client, server []quic.Version
	retry, refuse  bool
	early          bool // a second connection that begins with data
	again          bool // the server asks for another hello
	protocols      []string
	want           map[string]string
}

var quicPeers = []peers{
	{name: "v1", want: map[string]string{"QUIC_VERSION": "1", "TLS_CIPHER": "4865"}},
	{name: "v2", client: []quic.Version{quic.Version2}, want: map[string]string{"QUIC_VERSION": "1798521807"}},
	{name: "retry", retry: true, want: map[string]string{"QUIC_RETRY": "1"}},
	{name: "retry of v2", client: []quic.Version{quic.Version2}, retry: true,
		want: map[string]string{"QUIC_RETRY": "1", "QUIC_VERSION": "1798521807"}},
	{name: "another version", client: []quic.Version{quic.Version2, quic.Version1},
		server: []quic.Version{quic.Version1}, want: map[string]string{"QUIC_VERSION": "1", "TLS_CIPHER": "4865"}},
	{name: "large hello", protocols: longNames(),
		want: map[string]string{"TLS_CLIENT_ALPN": strings.Repeat("a", 250)}},
	{name: "refused", refuse: true, want: map[string]string{"QUIC_ERROR": "376"}},
	{name: "another hello", again: true, want: map[string]string{"TLS_HELLO_RETRY": "1", "TLS_GROUP": "24"}},
	{name: "early", early: true, want: map[string]string{"QUIC_EARLY_DATA": "1", "TLS_CLIENT_RESUMES": "1",
		"TLS_RESUMED": "1"}},
}

// longNames are protocols that fill three datagrams, and the one that the server knows.
func longNames() (all []string) {
	for c := 'a'; c <= 'j'; c++ {
		all = append(all, strings.Repeat(string(c), 250))
	}
	return append(all, "weir")
}

// quicCertificate is one that nobody has signed.
func quicCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"quic.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, x, x, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func loopback(t *testing.T) net.PacketConn {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// serve starts a server that says back what the first stream of each connection brings.
func (p *peers) serve(t *testing.T) net.Addr {
	t.Helper()
	tr := &quic.Transport{Conn: loopback(t), VerifySourceAddress: func(net.Addr) bool { return p.retry }}
	config := &tls.Config{Certificates: []tls.Certificate{quicCertificate(t)}, NextProtos: []string{"weir"}}
	if p.again {
		config.CurvePreferences = []tls.CurveID{tls.CurveP384}
	}
	l, err := tr.ListenEarly(config, &quic.Config{Versions: p.server, Allow0RTT: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); tr.Close() })
	go func() {
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			go func() {
				s, err := c.AcceptStream(context.Background())
				if err != nil {
					return
				}
				var b [100]byte
				n, _ := s.Read(b[:])
				_, _ = s.Write(b[:n])
				_ = s.Close()
			}()
		}
	}()
	return tr.Conn.LocalAddr()
}

// connect has a client connect and returns what was said.
func (p *peers) connect(t *testing.T, to net.Addr, cache tls.ClientSessionCache) conversation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	l := &listened{PacketConn: loopback(t)}
	tr := &quic.Transport{Conn: l}
	defer tr.Close()
	protocols := p.protocols
	if protocols == nil {
		protocols = []string{"weir"}
	}
	if p.refuse {
		protocols = []string{"other"}
	}
	config := &tls.Config{ServerName: "quic.example", NextProtos: protocols, InsecureSkipVerify: true,
		ClientSessionCache: cache}
	c, err := tr.DialEarly(ctx, to, config, &quic.Config{Versions: p.client})
	if err == nil {
		p.talk(ctx, t, c)
	} else if !p.refuse {
		t.Fatalf("%s: %v", p.name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return conversation{name: p.name, proto: 17, turns: l.turns,
		srcPort: uint16(l.LocalAddr().(*net.UDPAddr).Port), dstPort: uint16(to.(*net.UDPAddr).Port)}
}

// talk says something and waits for it to come back.
func (p *peers) talk(ctx context.Context, t *testing.T, c *quic.Conn) {
	s, err := c.OpenStreamSync(ctx)
	if err == nil {
		_, err = s.Write([]byte("good morning"))
	}
	_ = s.Close()
	var b [100]byte
	_, _ = s.Read(b[:])
	select {
	case <-c.HandshakeComplete():
		time.Sleep(50 * time.Millisecond) // for the ticket
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = c.CloseWithError(0, "")
	if err != nil && !p.refuse {
		t.Errorf("%s: %v", p.name, err)
	}
}

// TestQUICPeers has quic-go's client and server talk, and compares what is read with what they
// were told. With -update the conversations become the capture in testdata.
func TestQUICPeers(t *testing.T) {
	t.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	var all []conversation
	for _, p := range quicPeers {
		to := p.serve(t)
		cache := tls.NewLRUClientSessionCache(2)
		c := p.connect(t, to, cache)
		if p.early {
			c = p.connect(t, to, cache)
		}
		all = append(all, c)
		o := drive(&c, &QUIC)
		if len(o.events) == 0 || len(o.faults) > 0 {
			t.Errorf("%s: events %v, faults %v", p.name, o.events, o.faults)
			continue
		}
		last := o.events[len(o.events)-1]
		if last.Kind != complete || last.Fields["TLS_SERVER_NAME"] != "quic.example" {
			t.Errorf("%s: %v", p.name, last)
		}
		for label, want := range p.want {
			if got := last.Fields[label]; got != want {
				t.Errorf("%s: %s is %q, want %q", p.name, label, got, want)
			}
		}
		for _, m := range o.messages {
			if m.Flaw != "" {
				t.Errorf("%s: %s", p.name, m.Flaw)
			}
		}
	}
	if *update && !t.Failed() {
		record(t, filepath.Join("testdata", "quic", "quic-go.pcap"), all, handshakePackets)
	}
}

// handshakePackets is how much of a conversation is recorded.
const handshakePackets = 10

// record writes the first packets of conversations as a capture, in microseconds.
func record(t *testing.T, file string, all []conversation, most int) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(1<<16, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, u := range c.turns[:min(len(c.turns), most)] {
			b := frameOf(t, &c, u)
			at := gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(u.time)), Length: len(b), CaptureLength: len(b)}
			if err := w.WritePacket(at, b); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// frameOf puts headers around what was said.
func frameOf(t *testing.T, c *conversation, u turn) []byte {
	t.Helper()
	eth := &layers.Ethernet{EthernetType: layers.EthernetTypeIPv4,
		SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP,
		SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 2}}
	udp := &layers.UDP{SrcPort: layers.UDPPort(c.srcPort), DstPort: layers.UDPPort(c.dstPort)}
	if u.dir == flow.Reverse {
		eth.SrcMAC, eth.DstMAC = eth.DstMAC, eth.SrcMAC
		ip.SrcIP, ip.DstIP = ip.DstIP, ip.SrcIP
		udp.SrcPort, udp.DstPort = udp.DstPort, udp.SrcPort
	}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, o, eth, ip, udp, gopacket.Payload(u.octets)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

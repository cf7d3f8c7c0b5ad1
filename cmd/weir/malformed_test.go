package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// TestMalformedCalls has a capture with a good and a malformed message of SIP in it, whose description of media
// names no port there is: the latter is counted, and its frame kept, and no other.
func TestMalformedCalls(t *testing.T) {
	dir := t.TempDir()
	file, kept := filepath.Join(dir, "calls.pcap"), filepath.Join(dir, "malformed")
	invite := func(port string) string {
		body := "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio " + port + " RTP/AVP 0\r\n"
		return "INVITE sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + port + "\r\n" +
			"From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.2>\r\nCall-ID: call-" + port + "\r\nCSeq: 1 INVITE\r\n" +
			"Contact: <sip:a@192.0.2.1>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n\r\n" + body
	}
	datagrams(t, file, invite("4000"), invite("70000"))
	said, errs, status := invoke(t, "replay", "--json", "--records", "call", "--malformed", kept, file)
	if status != 0 || !strings.Contains(said, "call-4000") || !strings.Contains(errs, "malformed") {
		t.Errorf("status %d: %s\n%s", status, said, errs)
	}
	files, _ := filepath.Glob(filepath.Join(kept, "*"))
	var all []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	if text := string(all); !strings.Contains(text, "call-70000") || strings.Contains(text, "call-4000") {
		t.Errorf("kept in %v: %q", files, text)
	}
}

// datagrams writes datagrams to the port of SIP into a file.
func datagrams(t *testing.T, file string, texts ...string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pcapgo.NewWriter(f)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6),
			EthernetType: layers.EthernetTypeIPv4}
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4(192, 0, 2, 1),
			DstIP: net.IPv4(192, 0, 2, 2)}
		udp := &layers.UDP{SrcPort: 5060, DstPort: 5060}
		udp.SetNetworkLayerForChecksum(ip)
		b := gopacket.NewSerializeBuffer()
		o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(b, o, eth, ip, udp, gopacket.Payload(text)); err != nil {
			t.Fatal(err)
		}
		info := gopacket.CaptureInfo{Timestamp: time.Unix(1_700_000_000+int64(i), 0), CaptureLength: len(b.Bytes()),
			Length: len(b.Bytes())}
		if err := w.WritePacket(info, b.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
}

package app

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-probe/weir/dissect/wire"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

const rfcDCID = "8394c8f03e515708"

// RFC 9001, appendix A.1, and RFC 9369, appendix A.1.
func TestQUICKeys(t *testing.T) {
	for _, c := range []struct {
		version     uint32
		server      bool
		key, iv, hp string
	}{
		{1, false, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
			"9f50449e04a0e810283a1e9933adedd2"},
		{1, true, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e",
			"c206b8d9b9f0f37644430b490eeaa314"},
		{0x6b3343cf, false, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
			"45b95e15235d6f45a6b19cbcb0294ba9"},
		{0x6b3343cf, true, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652",
			"edf6d05c83121201b436e16877593c3a"},
	} {
		var k quicKeys
		k.derive(quicVersionOf(c.version), unhex(rfcDCID), c.server)
		if hex.EncodeToString(k.key[:]) != c.key || hex.EncodeToString(k.iv[:]) != c.iv ||
			hex.EncodeToString(k.hp[:]) != c.hp {
			t.Errorf("version %x, server %v: %x, %x, %x", c.version, c.server, k.key, k.iv, k.hp)
		}
	}
}

// RFC 9001, appendices A.2 and A.3, and RFC 9369, the same.
func TestQUICPackets(t *testing.T) {
	// What both appendices have as payload: the beginning of it and how long it is.
	const client, server = "060040f1010000ed0303ebf8fa56f129", "02000000000600405a020000560303ee"
	for _, c := range []struct {
		file   string
		server bool
		begin  string
		size   int
		number uint64
	}{
		{"udp-client-rfc9001.bin", false, client, 1162, 2},
		{"udp-server-rfc9001.bin", true, server, 99, 1},
		{"udp-client-rfc9369.bin", false, client, 1162, 2},
		{"udp-server-rfc9369.bin", true, server, 99, 1},
	} {
		b, err := os.ReadFile(filepath.Join("testdata", "quic", c.file))
		if err != nil {
			t.Fatal(err)
		}
		var p quicPacket
		r := wire.Read(b)
		if !p.read(&r) || p.kind != quicInitial || r.Len() > 0 {
			t.Fatalf("%s: not an Initial: %+v", c.file, p)
		}
		var k quicKeys
		var o quicOpener
		k.derive(p.v, unhex(rfcDCID), c.server)
		plain, n, ok := o.open(&k, &p, 0)
		if !ok || n != c.number || len(plain) != c.size || !bytes.HasPrefix(plain, unhex(c.begin)) {
			t.Errorf("%s: %v, number %d, %d octets: %.16x", c.file, ok, n, len(plain), plain)
		}
		for i := range b { // every octet is protected
			b[i] ^= 0x40
			r, p = wire.Read(b), quicPacket{}
			if p.read(&r) && p.kind == quicInitial && r.Len() == 0 {
				k.derive(p.v, unhex(rfcDCID), c.server)
				if _, _, ok := o.open(&k, &p, 0); ok {
					t.Errorf("%s: opens although octet %d is another", c.file, i)
				}
			}
			b[i] ^= 0x40
		}
	}
}

// RFC 9001, appendix A.4; RFC 9369, appendix A.4; and the same of the drafts.
func TestQUICRetryTags(t *testing.T) {
	var o quicOpener
	for _, s := range []string{
		"ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
		"cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
		"ffff00001d0008f067a5502a4262b5746f6b656ed16926d81f6f9ca2953a8aa4575e1e49",
		"ffff00001b0008f067a5502a4262b5746f6b656ea523cb5ba524695f6569f293a1359d8e",
	} {
		b := unhex(s)
		for i := range len(b) + 1 {
			if i < len(b) {
				b[i] ^= 1
			}
			r, p := wire.Read(b), quicPacket{}
			if !p.read(&r) || p.kind != quicRetry {
				if i == len(b) {
					t.Errorf("%s is not a Retry", s)
				}
			} else if o.genuine(p.v, &p, unhex(rfcDCID)) != (i == len(b)) {
				t.Errorf("%x: genuine is not %v", b, i == len(b))
			}
			if i < len(b) {
				b[i] ^= 1
			}
		}
	}
}

// RFC 9000, appendix A.3.
func TestPacketNumber(t *testing.T) {
	for _, c := range []struct {
		next, truncated uint64
		bits            int
		want            uint64
	}{
		{0xa82f30eb, 0x9b32, 16, 0xa82f9b32},
		{0, 0, 8, 0}, {0, 255, 8, 255}, {255, 0, 8, 256}, {256, 255, 8, 255}, {300, 44, 8, 300}, {1, 0, 8, 0},
		{1<<32 - 1, 0, 32, 1 << 32}, {1<<62 - 1, 0, 8, 1<<62 - 256},
	} {
		if got := packetNumber(c.next, c.truncated, c.bits); got != c.want {
			t.Errorf("after %#x, %#x of %d bits: %#x, want %#x", c.next, c.truncated, c.bits, got, c.want)
		}
	}
}

// RFC 9000, appendix A.1.
func TestVarint(t *testing.T) {
	for s, want := range map[string]uint64{
		"c2197c5eff14e88c": 151288809941952652, "9d7f3e7d": 494878333, "7bbd": 15293, "25": 37, "4025": 37,
	} {
		r := wire.Read(unhex(s))
		if got := quicVarint(&r); got != want || r.Short() || r.Len() > 0 {
			t.Errorf("%s: %d, want %d", s, got, want)
		}
		if got := vint(want); len(got) <= len(s)/2 && s != "4025" && !bytes.Equal(got, unhex(s)) {
			t.Errorf("%d is written as %x", want, got)
		}
	}
}

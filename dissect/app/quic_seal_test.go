package app

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// sealed is an Initial to be made. Its keys are derived with the standard library, as RFC 9001
// and RFC 9369 say, not with what is tested.
type sealed struct {
	version            uint32
	keyed, dcid, scid  []byte // keyed is what the keys are made of, nil for dcid
	token              []byte
	server             bool
	number             uint64
	frames             []byte
	first              byte // bits to be changed in the first octet
	numberLen, padding int  // length of the packet number, 1 if 0; least length of the packet
}

func hkdfLabel(secret []byte, label string, n int) []byte {
	info := append([]byte{byte(n >> 8), byte(n), byte(6 + len(label))}, "tls13 "+label...)
	b, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
	if err != nil {
		panic(err)
	}
	return b
}

// longHeader is everything of a packet up to its token, of a type as version 1 numbers them.
func longHeader(kind byte, version uint32, dcid, scid []byte) []byte {
	if version == 0x6b3343cf {
		kind = (kind + 1) & 3
	}
	b := binary.BigEndian.AppendUint32([]byte{0xc0 | kind<<4}, version)
	b = append(append(b, byte(len(dcid))), dcid...)
	return append(append(b, byte(len(scid))), scid...)
}

// vint writes a number of up to 62 bits.
func vint(n uint64) []byte {
	switch {
	case n < 1<<6:
		return []byte{byte(n)}
	case n < 1<<14:
		return binary.BigEndian.AppendUint16(nil, uint16(n)|1<<14)
	case n < 1<<30:
		return binary.BigEndian.AppendUint32(nil, uint32(n)|2<<30)
	}
	return binary.BigEndian.AppendUint64(nil, n|3<<62)
}

func (x sealed) packet() []byte {
	if x.keyed == nil {
		x.keyed = x.dcid
	}
	side, prefix := "client in", quicVersionOf(x.version).prefix
	if x.server {
		side = "server in"
	}
	initial, err := hkdf.Extract(sha256.New, x.keyed, []byte(quicVersionOf(x.version).salt))
	if err != nil {
		panic(err)
	}
	secret := hkdfLabel(initial, side, 32)
	block, _ := aes.NewCipher(hkdfLabel(secret, prefix+"key", 16))
	hp, _ := aes.NewCipher(hkdfLabel(secret, prefix+"hp", 16))
	nonce := hkdfLabel(secret, prefix+"iv", 12)
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	n := max(1, x.numberLen)
	head := longHeader(0, x.version, x.dcid, x.scid)
	head[0] = (head[0] | byte(n-1)) ^ x.first
	head = slices.Concat(head, vint(uint64(len(x.token))), x.token)
	frames := slices.Clone(x.frames)
	for len(head)+2+n+len(frames)+16 < max(x.padding, len(head)+2+20) {
		frames = append(frames, framePadding)
	}
	length := n + len(frames) + 16
	head = append(head, byte(length>>8)|0x40, byte(length))
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], x.number)
	head = append(head, number[8-n:]...)
	for i := range number {
		nonce[4+i] ^= number[i]
	}
	b := aead.Seal(slices.Clone(head), nonce, frames, head)
	at := len(head) - n
	var mask [16]byte
	hp.Encrypt(mask[:], b[at+4:at+20])
	b[0] ^= mask[0] & 0x0f
	for i := range n {
		b[at+i] ^= mask[1+i]
	}
	return b
}

// cryptoFrame carries octets of the handshake.
func cryptoFrame(at int, b []byte) []byte {
	return slices.Concat([]byte{frameCrypto}, vint(uint64(at)), vint(uint64(len(b))), b)
}

// parameter is a transport parameter.
func parameter(id uint64, value []byte) []byte {
	return slices.Concat(vint(id), vint(uint64(len(value))), value)
}

// extension is an extension of a hello.
func extension(kind uint16, b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, kind), uint16(len(b))), b...)
}

// handshakeMessage puts a header before a message.
func handshakeMessage(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// helloOf is a ClientHello for a name, with transport parameters and filled up with an extension of
// n octets.
func helloOf(name string, params []byte, n int) []byte {
	sni := slices.Concat([]byte{0, byte(len(name) + 3), 0, 0, byte(len(name))}, []byte(name))
	all := slices.Concat(extension(extensionServerName, sni), extension(extensionALPN, []byte("\x00\x03\x02h3")),
		extension(extensionSupportedVersions, []byte{2, 3, 4}), extension(extensionQUICTransport, params))
	if n > 0 {
		all = append(all, extension(0xff00, make([]byte, n))...)
	}
	body := slices.Concat([]byte{3, 3}, make([]byte, 32), []byte{0, 0, 2, 0x13, 1, 1, 0},
		[]byte{byte(len(all) >> 8), byte(len(all))}, all)
	return handshakeMessage(messageClientHello, body)
}

// answerOf is a ServerHello, or one that asks for another hello.
func answerOf(retry bool) []byte {
	random := make([]byte, 32)
	if retry {
		random = retryRandom
	}
	all := slices.Concat(extension(extensionSupportedVersions, []byte{3, 4}),
		extension(extensionKeyShare, []byte{0, 29}))
	body := slices.Concat([]byte{3, 3}, random, []byte{0, 0x13, 1, 0, byte(len(all) >> 8), byte(len(all))}, all)
	return handshakeMessage(messageServerHello, body)
}

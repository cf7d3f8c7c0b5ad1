package app

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
)

// Parts of protected packets (RFC 9001, sections 5.3 and 5.4.2).
const (
	quicTag     = 16
	quicSample  = 16
	quicScratch = 2048 // of the packets that are opened without further memory
)

// quicKeys protect the Initial packets of one side.
type quicKeys struct {
	key, hp [16]byte
	iv      [12]byte
}

// derive makes the keys of the client or the server from the connection identifier that the
// client's first Initial is sent to (RFC 9001, section 5.2).
func (k *quicKeys) derive(v *quicVersion, dcid []byte, server bool) {
	side := "client in"
	if server {
		side = "server in"
	}
	var salt [20]byte
	copy(salt[:], v.salt)
	initial := hmac256(salt[:], dcid)
	secret := expandLabel(&initial, "", side, 32)
	key := expandLabel(&secret, v.prefix, "key", len(k.key))
	copy(k.key[:], key[:])
	iv := expandLabel(&secret, v.prefix, "iv", len(k.iv))
	copy(k.iv[:], iv[:])
	hp := expandLabel(&secret, v.prefix, "hp", len(k.hp))
	copy(k.hp[:], hp[:])
}

// expandLabel is HKDF-Expand-Label without context (RFC 8446, section 7.1) for up to 32
// octets, of a label in two parts that is not longer than 18.
func expandLabel(secret *[32]byte, prefix, label string, n int) [32]byte {
	var info [2 + 1 + 24 + 1 + 1]byte
	info[1] = byte(n)
	at := 3
	at += copy(info[at:], "tls13 ")
	at += copy(info[at:], prefix)
	at += copy(info[at:], label)
	info[2] = byte(at - 3)
	info[at+1] = 1 // after a context of length 0: the number of the block
	return hmac256(secret[:], info[:at+2])
}

// hmac256 is HMAC with SHA-256 (RFC 2104) of a key and a message that both are not longer than
// a block, 64 octets. The one of the standard library needs memory.
func hmac256(key, message []byte) [32]byte {
	var in [2 * sha256.BlockSize]byte
	var out [sha256.BlockSize + sha256.Size]byte
	copy(in[:], key)
	copy(out[:], key)
	for i := range sha256.BlockSize {
		in[i] ^= 0x36
		out[i] ^= 0x5c
	}
	n := sha256.BlockSize + copy(in[sha256.BlockSize:], message)
	inner := sha256.Sum256(in[:n])
	copy(out[sha256.BlockSize:], inner[:])
	return sha256.Sum256(out[:])
}

// quicOpener is where packets are opened.
type quicOpener struct {
	nonce, mask [16]byte
	buf         [quicScratch]byte
}

// open removes the protection of a packet (RFC 9001, sections 5.3 and 5.4) and returns what it
// holds, its number and the bits of its first octet that should be 0. next is the number after
// the highest one so far. What it returns is valid until the next call.
func (o *quicOpener) open(k *quicKeys, p *quicPacket, next uint64) (plain []byte, number uint64, ok bool) {
	if len(p.body) < 4+quicSample {
		return nil, 0, false
	}
	hp, err := aes.NewCipher(k.hp[:])
	if err != nil {
		return nil, 0, false
	}
	hp.Encrypt(o.mask[:], p.body[4:4+quicSample])
	head := append(append(o.buf[:0], p.head...), p.body[:4]...)
	head[0] ^= o.mask[0] & 0x0f
	n := int(head[0]&3) + 1
	head = head[:len(p.head)+n]
	truncated := uint64(0)
	for i := range n {
		c := &head[len(p.head)+i]
		*c ^= o.mask[1+i]
		truncated = truncated<<8 | uint64(*c)
	}
	number = packetNumber(next, truncated, 8*n)
	aead := quicAEAD(k.key[:])
	if aead == nil {
		return nil, 0, false
	}
	copy(o.nonce[:], k.iv[:])
	for i := range 8 {
		o.nonce[11-i] ^= byte(number >> (8 * i))
	}
	p.first = head[0]
	plain, err = aead.Open(head[len(head):], o.nonce[:12], p.body[n:], head)
	return plain, number, err == nil
}

// packetNumber completes the lowest bits of a packet number (RFC 9000, appendix A.3).
func packetNumber(next, truncated uint64, bits int) uint64 {
	window := uint64(1) << bits
	n := next&^(window-1) | truncated
	switch {
	case n+window/2 <= next && n < 1<<62-window:
		return n + window
	case n > next+window/2 && n >= window:
		return n - window
	}
	return n
}

// quicAEAD returns AES-128-GCM with a key.
func quicAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	return aead
}

// genuine reports whether a Retry answers the client's first Initial, which was sent to dcid
// (RFC 9001, section 5.8).
func (o *quicOpener) genuine(v *quicVersion, p *quicPacket, dcid []byte) bool {
	at := len(p.whole) - quicTag
	if v.retryKey == "" || at < 0 {
		return false
	}
	copy(o.mask[:], v.retryKey)
	aead := quicAEAD(o.mask[:])
	if aead == nil {
		return false
	}
	copy(o.nonce[:], v.retryNonce)
	pseudo := append(o.buf[:0], byte(len(dcid)))
	pseudo = append(append(pseudo, dcid...), p.whole[:at]...)
	tag := aead.Seal(o.mask[:0], o.nonce[:12], nil, pseudo)
	return subtle.ConstantTimeCompare(tag, p.whole[at:]) == 1
}

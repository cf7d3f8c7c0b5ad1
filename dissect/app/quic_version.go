package app

// quicVersion is a range of versions of QUIC whose Initial packets are protected alike.
type quicVersion struct {
	first, last uint32
	google      bool   // the handshake is Google's, not TLS
	salt        string // RFC 9001, section 5.2
	prefix      string // of labels, RFC 9369, section 3.3.2
	kinds       [4]quicKind
	retryKey    string // RFC 9001, section 5.8; empty if not known
	retryNonce  string
}

// quicKind is what a packet with a long header is (RFC 9000, table 5).
type quicKind uint8

const (
	quicInitial quicKind = iota
	quicZeroRTT
	quicHandshake
	quicRetry
	quicNegotiation // its version is 0
)

var quicKinds = [4]quicKind{quicInitial, quicZeroRTT, quicHandshake, quicRetry}

// quicVersions are those of RFC 9000 and RFC 9369, of the drafts of RFC 9001 that were in use,
// and Google's last before them.
var quicVersions = [...]quicVersion{
	{
		first: 1, last: 1, prefix: "quic ", kinds: quicKinds,
		salt:       "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
		retryKey:   "\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e",
		retryNonce: "\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
	},
	{
		first: 0x6b3343cf, last: 0x6b3343cf, prefix: "quicv2 ",
		kinds:      [4]quicKind{quicRetry, quicInitial, quicZeroRTT, quicHandshake},
		salt:       "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
		retryKey:   "\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92",
		retryNonce: "\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
	},
	{
		first: 0xff00001d, last: 0xff000020, prefix: "quic ", kinds: quicKinds,
		salt:       "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99",
		retryKey:   "\xcc\xce\x18\x7e\xd0\x9a\x09\xd0\x57\x28\x15\x5a\x6c\xb9\x6b\xe1",
		retryNonce: "\xe5\x49\x30\xf9\x7f\x21\x36\xf0\x53\x0a\x8c\x1c",
	},
	{
		first: 0xff000019, last: 0xff00001c, prefix: "quic ", kinds: quicKinds,
		salt:       "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02",
		retryKey:   "\x4d\x32\xec\xdb\x2a\x21\x33\xc8\x41\xe4\x04\x3d\xf2\x7d\x44\x30",
		retryNonce: "\x4d\x16\x11\xd0\x55\x13\xa5\x52\xc5\x87\xd5\x75",
	},
	{
		first: quicQ050, last: quicQ050, prefix: "quic ", kinds: quicKinds, google: true,
		salt: "\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45",
	},
}

const quicQ050 = 0x51303530 // "Q050"

// quicVersionOf returns how packets of a version are protected, nil if that is not known.
func quicVersionOf(number uint32) *quicVersion {
	for i := range quicVersions {
		if v := &quicVersions[i]; number >= v.first && number <= v.last {
			return v
		}
	}
	return nil
}

// quicGrease reports whether a version is one of those that exist only to be refused
// (RFC 9000, section 15).
func quicGrease(number uint32) bool { return number&0x0f0f0f0f == 0x0a0a0a0a }

// quicPlausible reports whether a server may offer a version: those known, the drafts, Google's
// and Facebook's, and the ones that nobody means.
func quicPlausible(number uint32) bool {
	switch {
	case quicVersionOf(number) != nil, quicGrease(number):
		return true
	case number>>8 == 0xff0000, number>>8 == 0xfaceb0:
		return true
	}
	family, digits := number>>24, number&0xffffff
	return (family == 'Q' || family == 'T') && digits>>16 == '0' &&
		digits>>8&0xff-'0' <= 9 && digits&0xff-'0' <= 9
}

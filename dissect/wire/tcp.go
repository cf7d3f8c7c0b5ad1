package wire

// TCP is a TCP header (RFC 9293, section 3.1) whose options may be cut.
type TCP []byte

// AsTCP splits b into header and payload. If b ends inside the options, the header is the
// part that is there and its Len tells that there is more.
func AsTCP(b []byte) (h TCP, rest []byte, ok bool) {
	if len(b) < 20 || b[12]>>4 < 5 {
		return nil, nil, false
	}
	n := min(int(b[12]>>4)*4, len(b))
	return TCP(b[:n]), b[n:], true
}

// Len is the length of the complete header.
func (h TCP) Len() int    { return int(h[12]>>4) * 4 }
func (h TCP) Seq() uint32 { return be.Uint32(h[4:]) }
func (h TCP) Ack() uint32 { return be.Uint32(h[8:]) }

// Flags are the 12 bits between data offset and window.
func (h TCP) Flags() uint16  { return be.Uint16(h[12:]) & 0xfff }
func (h TCP) Window() uint16 { return be.Uint16(h[14:]) }

// Bits of TCP.Flags.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE // RFC 3168
	CWR
)

// Kinds of TCP options.
const (
	EndOfOptions = 0
	NoOperation  = 1
	MaxSegment   = 2
	WindowScale  = 3
)

// Option takes the next option off options. data is what follows kind and length; options
// that contradict themselves or are cut end the list.
func Option(options []byte) (kind uint8, data, rest []byte, ok bool) {
	if len(options) == 0 || options[0] == EndOfOptions {
		return 0, nil, nil, false
	}
	if options[0] == NoOperation {
		return NoOperation, nil, options[1:], true
	}
	if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
		return 0, nil, nil, false
	}
	n := options[1]
	return options[0], options[2:n], options[n:], true
}

// Options returns the options that are there, for Option.
func (h TCP) Options() []byte { return h[20:] }

package wire

// Label is an entry of an MPLS label stack, 4 octets (RFC 3032, section 2.1).
type Label []byte

// AsLabel splits b after the entry.
func AsLabel(b []byte) (h Label, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	return Label(b[:4]), b[4:], true
}

// Entry is the whole entry: label 20 bits, traffic class 3, bottom of stack 1, TTL 8.
func (h Label) Entry() uint32 { return be.Uint32(h) }

// Bottom reports whether this is the last entry.
func (h Label) Bottom() bool { return h[2]&1 != 0 }

// ControlWord is the pseudowire control word, 4 octets (RFC 4385, section 3).
type ControlWord []byte

// AsControlWord fails unless the first four bits are 0, which no IP header begins with.
func AsControlWord(b []byte) (h ControlWord, rest []byte, ok bool) {
	if len(b) < 4 || b[0]>>4 != 0 {
		return nil, nil, false
	}
	return ControlWord(b[:4]), b[4:], true
}

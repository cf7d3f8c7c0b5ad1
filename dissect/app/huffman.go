package app

// The Huffman code of HPACK and QPACK (RFC 7541, appendix B) is canonical: codes of one length
// are consecutive, in the order of their symbols, and longer ones follow shorter ones. Its
// lengths are all there is to know.

// huffmanLengths are the lengths of the codes of all octets, in bits.
var huffmanLengths = [256]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
}

const (
	huffmanLongest = 30 // the code of the end, all ones, is that long too and must not be used
	huffmanFast    = 9  // bits by which most codes are found at once
)

// huffmanTable is the code as a decoder needs it.
type huffmanTable struct {
	fast    [1 << huffmanFast]huffmanEntry // by the first bits; length 0 for longer codes
	end     [huffmanLongest + 1]uint32     // the code behind the last one of a length
	offset  [huffmanLongest + 1]int32      // what to add to a code of a length for its place in symbols
	symbols [256]uint8                     // in the order of their codes
}

type huffmanEntry struct{ symbol, length uint8 }

var huffman = newHuffman()

func newHuffman() *huffmanTable {
	t := &huffmanTable{}
	code, n := uint32(0), 0
	for length := 1; length <= huffmanLongest; length++ {
		code <<= 1
		t.offset[length] = int32(n) - int32(code)
		for symbol, l := range huffmanLengths {
			if int(l) != length {
				continue
			}
			t.symbols[n] = uint8(symbol)
			n++
			if length <= huffmanFast {
				at := code << (huffmanFast - length)
				for i := range uint32(1) << (huffmanFast - length) {
					t.fast[at+i] = huffmanEntry{uint8(symbol), l}
				}
			}
			code++
		}
		t.end[length] = code
	}
	return t
}

// unhuffman decodes src into dst as far as there is room. It returns how many octets src
// stands for. It must end in at most seven ones that are no code (RFC 7541, section 5.2).
func unhuffman(dst, src []byte) (n int, ok bool) {
	bits, have := uint64(0), 0 // the lowest have of bits are not decoded yet
	for at := 0; ; {
		for ; have <= 56 && at < len(src); at++ {
			bits, have = bits<<8|uint64(src[at]), have+8
		}
		symbol, length := huffman.next(bits, have)
		if length == 0 {
			rest := uint64(1)<<have - 1
			return n, have < 8 && bits&rest == rest
		}
		if have -= length; n < len(dst) {
			dst[n] = symbol
		}
		n++
	}
}

// next returns the symbol that the lowest have of bits begin with, and the length of its code;
// 0 if they do not begin with a code.
func (t *huffmanTable) next(bits uint64, have int) (symbol uint8, length int) {
	top := uint32(bits << (64 - have) >> 32) // left-aligned
	if have == 0 {
		return 0, 0
	}
	if e := t.fast[top>>(32-huffmanFast)]; e.length > 0 {
		if int(e.length) > have {
			return 0, 0
		}
		return e.symbol, int(e.length)
	}
	for length = huffmanFast + 1; length <= min(huffmanLongest, have); length++ {
		if code := top >> (32 - length); code < t.end[length] {
			return t.symbols[int32(code)+t.offset[length]], length
		}
	}
	return 0, 0
}

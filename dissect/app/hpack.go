package app

// HPACK (RFC 7541) for one direction of a connection, in bounded memory and without
// allocating, which golang.org/x/net/http2/hpack cannot do: it makes a string of each field.
// Of a field only what is of interest is kept, and its size, so that entries are evicted when
// those of the peers are.

const (
	hpackOctets  = 4096 // the size of the table unless the peers agree upon more
	hpackEntries = hpackOctets / 32
)

// hpackTable is a dynamic table. The zero value is empty.
type hpackTable struct {
	entries [hpackEntries]hpackEntry // a ring
	octets  [hpackOctets]byte        // values, from that of the first entry to used
	first   uint8
	count   uint8
	used    uint16
	size    uint16 // as RFC 7541 counts it, section 4.1
	less    uint16 // by how much the limit is below hpackOctets
	partial bool   // there are older entries that are not known
}

// hpackEntry is a header field.
type hpackEntry struct {
	at     uint16 // of the value, in octets
	name   uint16 // length of the name
	size   uint16 // length of name and value, plus 32
	kept   uint8  // octets of the value that are kept
	header httpHeader
}

// hpackField is a field of the static table.
type hpackField struct{ name, value string }

// hpackStatic is the static table (RFC 7541, appendix A), from index 1.
var hpackStatic = [...]hpackField{
	{":authority", ""}, {":method", "GET"}, {":method", "POST"}, {":path", "/"}, {":path", "/index.html"},
	{":scheme", "http"}, {":scheme", "https"}, {":status", "200"}, {":status", "204"}, {":status", "206"},
	{":status", "304"}, {":status", "400"}, {":status", "404"}, {":status", "500"}, {"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"}, {"accept-language", ""}, {"accept-ranges", ""}, {"accept", ""},
	{"access-control-allow-origin", ""}, {"age", ""}, {"allow", ""}, {"authorization", ""},
	{"cache-control", ""}, {"content-disposition", ""}, {"content-encoding", ""}, {"content-language", ""},
	{"content-length", ""}, {"content-location", ""}, {"content-range", ""}, {"content-type", ""},
	{"cookie", ""}, {"date", ""}, {"etag", ""}, {"expect", ""}, {"expires", ""}, {"from", ""}, {"host", ""},
	{"if-match", ""}, {"if-modified-since", ""}, {"if-none-match", ""}, {"if-range", ""},
	{"if-unmodified-since", ""}, {"last-modified", ""}, {"link", ""}, {"location", ""}, {"max-forwards", ""},
	{"proxy-authenticate", ""}, {"proxy-authorization", ""}, {"range", ""}, {"referer", ""}, {"refresh", ""},
	{"retry-after", ""}, {"server", ""}, {"set-cookie", ""}, {"strict-transport-security", ""},
	{"transfer-encoding", ""}, {"user-agent", ""}, {"vary", ""}, {"via", ""}, {"www-authenticate", ""},
}

// hpackHeaders are the header fields of interest in the static table.
var hpackHeaders = func() (all [len(hpackStatic)]httpHeader) {
	for i, f := range hpackStatic {
		all[i] = headerNamed([]byte(f.name))
	}
	return all
}()

// hpackLonger is the longest value that is kept, in octets.
const hpackLongest = 255

// newest returns the entry that was inserted i insertions before the last one.
func (t *hpackTable) newest(i int) *hpackEntry {
	return &t.entries[(int(t.first)+int(t.count)-1-i)%hpackEntries]
}

// resize changes the limit. Entries beyond what can be kept are unknown from then on.
func (t *hpackTable) resize(limit uint64) {
	if limit > hpackOctets {
		t.partial = true
		limit = hpackOctets
	}
	t.less = uint16(hpackOctets - limit)
	t.evict(0)
	if limit == 0 {
		t.partial = false
	}
}

// evict makes room for an entry, from the oldest on (RFC 7541, section 4.3).
func (t *hpackTable) evict(size int) {
	limit := hpackOctets - int(t.less)
	for t.count > 0 && (int(t.size)+size > limit || t.count == hpackEntries && size > 0) {
		t.size -= t.entries[t.first].size
		t.first = uint8((int(t.first) + 1) % hpackEntries)
		t.count--
	}
	if t.count == 0 {
		t.used = 0
	}
}

// insert adds an entry. value is what is kept of it, and not in the table.
func (t *hpackTable) insert(e hpackEntry, size int, value []byte) {
	limit := hpackOctets - int(t.less)
	if t.partial && size > limit {
		e.header, value, size = headerOther, nil, 32 // the table of the peers may have room
	}
	if t.evict(size); size > limit {
		return
	}
	if int(t.used)+len(value) > len(t.octets) {
		t.compact()
	}
	e.at, e.size, e.kept = t.used, uint16(size), uint8(len(value))
	t.used += uint16(copy(t.octets[t.used:], value))
	t.size += e.size
	t.count++
	*t.newest(0) = e
}

// compact moves the values to the front.
func (t *hpackTable) compact() {
	from := t.entries[t.first].at
	copy(t.octets[:], t.octets[from:t.used])
	t.used -= from
	for i := range int(t.count) {
		t.newest(i).at -= from
	}
}

// forget leaves a table of which nothing is known but what comes.
func (t *hpackTable) forget() { *t = hpackTable{partial: true, less: t.less} }

// Flaws of HPACK.
const (
	hpackFlawIndex   = "HTTP/2: an index of a header field that there is not"
	hpackFlawNumber  = "HTTP/2: a number in a header block that is too large"
	hpackFlawHuffman = "HTTP/2: a string that is no Huffman code"
	hpackFlawBlock   = "HTTP/2: a header block that ends within a header field"
)

// hpackReader decodes a header block. What it finds is copied into room, as the table
// moves.
type hpackReader struct {
	b     []byte
	table *hpackTable
	head  httpHead
	room  []byte
	used  int
	flaw  string
}

// block decodes everything.
func (r *hpackReader) block() {
	for len(r.b) > 0 && r.flaw == "" {
		switch c := r.b[0]; {
		case c&0x80 != 0:
			r.indexed(r.number(7))
		case c&0xc0 == 0x40:
			r.literal(r.number(6), true)
		case c&0xe0 == 0x20:
			if n := r.number(5); r.flaw == "" {
				r.table.resize(n)
			}
		default:
			r.literal(r.number(4), false)
		}
	}
}

// number consumes an integer with a prefix of some bits (RFC 7541, section 5.1).
func (r *hpackReader) number(prefix int) (n uint64) {
	most := uint64(1)<<prefix - 1
	n = uint64(r.b[0]) & most
	if r.b = r.b[1:]; n < most {
		return n
	}
	for shift := 0; len(r.b) > 0; shift += 7 {
		c := r.b[0]
		r.b = r.b[1:]
		if shift > 28 {
			r.flaw = hpackFlawNumber
			return 0
		}
		if n += uint64(c&0x7f) << shift; c&0x80 == 0 {
			return n
		}
	}
	r.flaw = hpackFlawBlock
	return 0
}

// find returns an entry and its value; static tells in which table it is. The entry of an
// index that is not known is empty.
func (r *hpackReader) find(index uint64) (e hpackEntry, value []byte) {
	switch i := int(index) - len(hpackStatic) - 1; {
	case r.flaw != "":
	case index == 0:
		r.flaw = hpackFlawIndex
	case i < 0:
		f := &hpackStatic[index-1]
		e.name, e.size = uint16(len(f.name)), uint16(len(f.name)+len(f.value)+32)
		e.header = hpackHeaders[index-1]
		value = r.keep(f.value)
	case i < int(r.table.count):
		e = *r.table.newest(i)
		value = r.table.octets[e.at : e.at+uint16(e.kept)]
	case !r.table.partial:
		r.flaw = hpackFlawIndex
	}
	return e, value
}

// keep copies a text of the static table.
func (r *hpackReader) keep(s string) []byte {
	n := copy(r.room[r.used:], s)
	return r.room[r.used : r.used+n]
}

// indexed reads a field that is in a table.
func (r *hpackReader) indexed(index uint64) {
	e, value := r.find(index)
	if r.flaw == "" && e.header != headerOther {
		r.found(e.header, r.room[r.used:r.used+copy(r.room[r.used:], value)])
	}
}

// literal reads a field whose value, and maybe name, is in the block.
func (r *hpackReader) literal(index uint64, insert bool) {
	var e hpackEntry
	name := 0
	if index > 0 {
		e, _ = r.find(index)
		name = int(e.name)
	} else {
		var text [32]byte
		name = r.text(text[:])
		e.header = headerNamed(text[:min(name, len(text))])
	}
	var kept []byte
	if e.header != headerOther {
		kept = r.room[r.used:min(r.used+hpackLongest, len(r.room))]
	}
	n := r.text(kept)
	if r.flaw != "" {
		return
	}
	kept = kept[:min(n, len(kept))]
	if e.name = uint16(min(name, hpackOctets)); insert {
		r.table.insert(e, name+n+32, kept)
	}
	if e.header != headerOther {
		r.found(e.header, kept)
	}
}

// text consumes a string, copies it as far as there is room, and returns its length (RFC
// 7541, section 5.2).
func (r *hpackReader) text(dst []byte) (n int) {
	if r.flaw != "" {
		return 0
	}
	if len(r.b) == 0 {
		r.flaw = hpackFlawBlock
		return 0
	}
	coded := r.b[0]&0x80 != 0
	length := r.number(7)
	if r.flaw == "" && length > uint64(len(r.b)) {
		r.flaw = hpackFlawBlock
	}
	if r.flaw != "" {
		return 0
	}
	s := r.b[:length]
	r.b = r.b[length:]
	if !coded {
		copy(dst, s)
		return len(s)
	}
	n, ok := unhuffman(dst, s)
	if !ok {
		r.flaw = hpackFlawHuffman
	}
	return n
}

// found notes a field of interest; value is at the begin of the room that is left. A cookie
// may come in pieces (RFC 9113, section 8.2.3).
func (r *hpackReader) found(header httpHeader, value []byte) {
	h := &r.head
	if before := h.header[header]; before != nil && header == headerCookie {
		total := len(before) + 2 + len(value)
		if r.used+total > len(r.room) {
			return
		}
		joined := r.room[r.used : r.used+total]
		copy(joined[len(before)+2:], value)
		copy(joined, before)
		copy(joined[len(before):], "; ")
		h.header[header] = joined
		r.used += total
		return
	} else if before != nil {
		return
	}
	if header == headerLength {
		h.measure(value)
	}
	h.header[header] = value
	r.used += len(value)
}

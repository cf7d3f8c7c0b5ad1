package app

import (
	"bytes"
	"encoding/hex"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// BitTorrent is what peers say over TCP and µTP (BEP 3, 10, 29, 52), to each other's tables (BEP 5), to
// trackers over UDP (BEP 15), and to the local network (BEP 14).
var BitTorrent = Dissector{
	Name:   "bittorrent",
	Doc:    "BitTorrent: what peers, their table, trackers and the local network are asked for, and clients.",
	Number: 37,
	TCP:    []uint16{6881},
	UDP:    []uint16{6881, 6771, 6969},
	First:  "\x13dB\x00\x01\x11\x21\x41",
	Fields: []*flow.Field{
		BitTorrentHash, BitTorrentMessage, BitTorrentPeerID, BitTorrentClient, BitTorrentExtensions,
		BitTorrentNodeID, BitTorrentError,
	},
	Pair:  ByKey,
	State: unsafe.Sizeof(btState{}),
	Parse: parseBitTorrent,
}

// Fields of BitTorrent.
var (
	BitTorrentHash = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_HASH", ID: 189, PEN: flow.Ntop},
		Type:    flow.String, Width: 40,
		Doc: "What a torrent is known by: its info-hash, 40 hexadecimal digits; of version 2 the first of 64.",
	}
	BitTorrentMessage = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_MESSAGE", ID: 970, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "What is said: handshake, client, a query of the table, a request to a tracker, or search.",
	}
	BitTorrentPeerID = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_PEER_ID", ID: 971, PEN: flow.Weir},
		Type:    flow.String, Width: 40,
		Doc: "What a peer calls itself, in hexadecimal.",
	}
	BitTorrentClient = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_CLIENT", ID: 972, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Program of a peer with its version, as it says, or as its identifier begins.",
	}
	BitTorrentExtensions = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_EXTENSIONS", ID: 973, PEN: flow.Weir},
		Type:    flow.String, Width: 32,
		Doc: "What a peer can do, with semicolons between: extension, dht, fast, v2.",
	}
	BitTorrentNodeID = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_NODE_ID", ID: 974, PEN: flow.Weir},
		Type:    flow.String, Width: 40,
		Doc: "What who asks the table calls itself there, in hexadecimal.",
	}
	BitTorrentError = &flow.Field{
		Element: flow.Element{Label: "BITTORRENT_ERROR", ID: 975, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "What the table or a tracker says is wrong.",
	}
)

const (
	btName      = "\x13BitTorrent protocol"
	btHandshake = len(btName) + 8 + 20 + 20
	btSearch    = "BT-SEARCH * HTTP/1.1\r\n"
	btMost      = 1 << 18 // octets of a message, more than any but a list of pieces has
)

// btState is what is known of a flow.
type btState struct {
	shook    [2]bool
	messages [2]uint8 // seen behind the handshake
	tracks   bool     // it is with a tracker
	utp      bool
	table    bool // it has the table, too
	waits    uint8
}

func parseBitTorrent(m *Message) Verdict {
	s := Memory[btState](m)
	b := m.Peek()
	switch {
	case m.Stream:
		return s.stream(m)
	case len(b) == 0:
		return Reject
	case b[0] == 'd':
		v := btTable(m)
		s.table = s.table || v == Accept
		return v
	case bytes.HasPrefix(b, []byte(btSearch)):
		return btLocal(m)
	case s.utp || b[0]&15 == 1 && !s.tracks:
		return s.datagram(m)
	}
	return s.tracker(m)
}

// stream reads a handshake, and the first messages behind it: there may be the client's name.
func (s *btState) stream(m *Message) Verdict {
	const most = 24
	b := m.Peek()
	if !s.shook[m.Dir] {
		return s.begins(m, b)
	}
	if m.Lost || s.messages[m.Dir] >= most {
		m.Ahead(ToEnd)
		return Accept
	}
	size := int(m.U32())
	switch {
	case m.Short():
		return More
	case size > btMost:
		m.Malformed("BitTorrent: a message longer than any is")
		m.Ahead(ToEnd)
		return Accept
	case size == 0:
		return Accept
	}
	const extended, longest = 20 << 8, 4096
	head := m.Reader
	kind := head.U16()
	switch {
	case size >= 2 && head.Short():
		m.Skip(m.Len() + 1)
		return More
	case size < 2 || kind != extended || size > longest:
		s.messages[m.Dir]++
		m.Ahead(uint64(size))
		return Accept
	}
	body := m.Block(size)
	if m.Short() {
		return More
	}
	s.messages[m.Dir] = most
	body.Skip(2)
	if name := btFind(body, "v"); len(name) > 0 {
		m.Attrs.Text(BitTorrentMessage, "client")
		m.Attrs.Bytes(BitTorrentClient, name)
		m.Notice()
	}
	return Accept
}

// begins reads a handshake.
func (s *btState) begins(m *Message, b []byte) Verdict {
	if n := min(len(b), len(btName)); string(b[:n]) != btName[:n] {
		return Reject
	}
	if len(b) < btHandshake {
		m.Skip(btHandshake)
		return More
	}
	m.Skip(btHandshake)
	s.shook[m.Dir] = true
	btShakes(m, b[:btHandshake])
	return Accept
}

// btShakes says what is in a handshake.
func btShakes(m *Message, b []byte) {
	reserved, rest := b[len(btName):len(btName)+8], b[len(btName)+8:]
	m.Attrs.Text(BitTorrentMessage, "handshake")
	btHex(m, BitTorrentHash, rest[:20])
	btHex(m, BitTorrentPeerID, rest[20:40])
	text := m.Room[:0]
	for _, x := range [...]struct {
		octet, bit byte
		name       string
	}{{5, 0x10, "extension"}, {7, 0x01, "dht"}, {7, 0x04, "fast"}, {7, 0x10, "v2"}} {
		if reserved[x.octet]&x.bit != 0 {
			if len(text) > 0 {
				text = append(text, ';')
			}
			text = append(text, x.name...)
		}
	}
	if len(text) > 0 {
		m.Attrs.Bytes(BitTorrentExtensions, text)
	}
	btClient(m, rest[20:40])
	m.Notice()
}

// btClients are the programs whose peers begin with their letters (BEP 20).
var btClients = [...]struct{ letters, name string }{
	{"AZ", "Vuze"}, {"BC", "BitComet"}, {"BT", "BitTorrent"}, {"DE", "Deluge"}, {"KT", "KTorrent"},
	{"LT", "libtorrent"}, {"lt", "libTorrent"}, {"qB", "qBittorrent"}, {"TR", "Transmission"},
	{"UM", "µTorrent Mac"}, {"UT", "µTorrent"}, {"UW", "µTorrent Web"}, {"WW", "WebTorrent"}, {"XL", "Xunlei"},
	{"A2", "aria2"},
}

// btClient says the program that an identifier of a peer is of: two letters and four digits between minuses.
func btClient(m *Message, id []byte) {
	if len(id) != 20 || id[0] != '-' || id[7] != '-' {
		return
	}
	for _, c := range btClients {
		if string(id[1:3]) == c.letters {
			text := append(append(m.Room[:0], c.name...), ' ')
			m.Attrs.Bytes(BitTorrentClient, append(text, id[3:7]...))
			return
		}
	}
}

func btHex(m *Message, f *flow.Field, b []byte) {
	m.Attrs.Bytes(f, hex.AppendEncode(m.Room[:0], b))
}

// datagram reads a packet of µTP (BEP 29). A flow is one if it begins with a SYN, of which hardly anything
// is left to chance, or if a handshake is in the packet.
func (s *btState) datagram(m *Message) Verdict {
	const syn, data, most = 4, 0, 32
	r := m.Reader
	kind, extension := r.U8(), r.U8()
	plain := extension == 0
	r.Skip(6)
	since, window, seq, ack := r.U32(), r.U32(), r.U16(), r.U16()
	for n := 0; extension != 0 && n < 8; n++ {
		extension = r.U8()
		r.Block8()
	}
	if r.Short() || kind&15 != 1 || kind>>4 > syn || extension > 2 {
		return Reject
	}
	payload := r.Peek()
	shakes := kind>>4 == data && len(payload) >= btHandshake && string(payload[:len(btName)]) == btName
	opens := kind>>4 == syn && since == 0 && ack == 0 && len(payload) == 0 &&
		(seq == 1 && window > 0 || window == 0 && plain) // of BEP 29, and of libtorrent
	if !s.utp && !s.table && !shakes && !opens {
		return Reject
	}
	m.Rest()
	s.utp = true
	if shakes {
		s.shook[m.Dir] = true
		btShakes(m, payload[:btHandshake])
	}
	if s.waits++; s.shook[0] && s.shook[1] || s.waits >= most {
		return Done
	}
	return Accept
}

// btLocal reads a search in the local network.
func btLocal(m *Message) Verdict {
	const field = "\r\nInfohash: "
	b := m.Rest()
	at := bytes.Index(b, []byte(field))
	if at < 0 || len(b) < at+len(field)+40 {
		return Reject
	}
	m.Attrs.Text(BitTorrentMessage, "search")
	hash := append(m.Room[:0], b[at+len(field):at+len(field)+40]...)
	for i, c := range hash {
		if c >= 'A' && c <= 'F' {
			hash[i] = c | 0x20
		}
	}
	m.Attrs.Bytes(BitTorrentHash, hash)
	m.Notice()
	return Accept
}

// btActions are requests to trackers, and the responses of the same numbers.
var btActions = [...]string{"connect", "announce", "scrape", "error"}

// tracker reads what is said to a tracker and by it (BEP 15). A flow is one if it begins with a connect.
func (s *btState) tracker(m *Message) Verdict {
	const magic, failed = 0x41727101980, 3
	r := m.Reader
	if m.Dir == flow.Reverse && s.tracks {
		action, id := r.U32(), r.U32()
		if r.Short() || int(action) >= len(btActions) {
			return Reject
		}
		if action == failed {
			m.Attrs.Bytes(BitTorrentError, r.Peek())
		}
		m.Rest()
		m.Response(uint64(id))
		return Accept
	}
	connection, action, id := r.U64(), r.U32(), r.U32()
	opens := connection == magic && action == 0 && r.Len() == 0
	if r.Short() || !opens && !s.tracks || int(action) >= failed {
		return Reject
	}
	s.tracks = true
	m.Attrs.Text(BitTorrentMessage, btActions[action])
	if hash, peer := r.Bytes(20), r.Bytes(20); action == 1 && !r.Short() {
		btHex(m, BitTorrentHash, hash)
		btHex(m, BitTorrentPeerID, peer)
		btClient(m, peer)
	} else if action == 2 && len(hash) == 20 {
		btHex(m, BitTorrentHash, hash)
	}
	m.Rest()
	m.Request(uint64(id))
	return Accept
}

// btTable reads a query or an answer of the table (BEP 5): a dictionary whose keys have a letter.
func btTable(m *Message) Verdict {
	r := m.Reader
	kind, id := btFind(r, "y"), btFind(r, "t")
	if len(kind) != 1 || len(id) == 0 {
		return Reject
	}
	key := uint64(14695981039346656037)
	for _, c := range id {
		key = key*0x100000001b3 ^ uint64(c)
	}
	if name := btFind(r, "v"); len(name) == 4 {
		for _, c := range btClients {
			if string(name[:2]) == c.letters {
				m.Attrs.Text(BitTorrentClient, c.name)
				break
			}
		}
	}
	if !btSays(m, r, kind[0]) {
		return Reject
	}
	if m.Rest(); kind[0] == 'q' {
		m.Request(key)
	} else {
		m.Response(key)
	}
	return Accept
}

// btSays says what is asked, or what is wrong, and reports whether it is something of the table.
func btSays(m *Message, r wire.Reader, kind byte) bool {
	switch kind {
	case 'q':
		method, about := btFind(r, "q"), wire.Read(btFind(r, "a"))
		node := btFind(about, "id")
		if len(method) == 0 || len(node) != 20 {
			return false
		}
		m.Attrs.Bytes(BitTorrentMessage, method)
		btHex(m, BitTorrentNodeID, node)
		if hash := btFind(about, "info_hash"); len(hash) == 20 {
			btHex(m, BitTorrentHash, hash)
		}
		return true
	case 'r':
		return len(btFind(wire.Read(btFind(r, "r")), "id")) == 20
	case 'e':
		list := btFind(r, "e")
		if len(list) == 0 || list[0] != 'l' {
			return false
		}
		e := wire.Read(list[1:])
		btSkip(&e)
		text, ok := btString(&e)
		if ok {
			m.Attrs.Bytes(BitTorrentError, text)
		}
		return ok
	}
	return false
}

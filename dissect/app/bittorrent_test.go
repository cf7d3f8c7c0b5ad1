package app

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

const (
	btHashText = "0123456789abcdef0123456789abcdef01234567"
	btPeer     = "-qB4650-abcdefghijkl"
)

// btGreets returns a handshake.
func btGreets() []byte {
	return append([]byte(btName+"\x00\x00\x00\x00\x00\x10\x00\x15"), string(unhex(btHashText))+btPeer...)
}

// btLong returns a message of peers.
func btLong(body string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// btTalk returns a conversation of turns, of which those of the server begin with a less-than sign.
func btTalk(name string, proto uint8, said ...string) conversation {
	c := says(name, proto, flow.Forward, nil)
	c.turns = nil
	for i, s := range said {
		dir := flow.Forward
		if rest, ok := strings.CutPrefix(s, "<"); ok {
			dir, s = flow.Reverse, rest
		}
		c.turns = append(c.turns, turn{dir: dir, octets: []byte(s), time: noon + uint64(i)*msec})
	}
	return c
}

func bitTorrentSamples() []conversation {
	greets, hash := string(btGreets()), string(unhex(btHashText))
	client := string(btLong("\x14\x00d1:md11:ut_metadatai1ee1:v17:qBittorrent/4.6.5e"))
	node := "abcdefghij0123456789"
	utp := func(kind, seq string, payload string) string {
		return kind + "\x00\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x10\x00\x00" + seq + "\x00\x00" + payload
	}
	connect := "\x00\x00\x04\x17\x27\x10\x19\x80\x00\x00\x00\x00\x00\x00\x00\x07"
	id := "\x00\x01\x02\x03\x04\x05\x06\x07"
	return []conversation{
		btTalk("peers", 6, greets, "<"+greets, client+string(btLong("")), "<"+string(btLong("\x05\xff"))+client,
			string(btLong("\x07"+strings.Repeat("piece", 200)))),
		btTalk("peers over µTP", 17, utp("\x41", "\x00\x01", ""), "<"+utp("\x21", "\x12\x00", ""),
			utp("\x01", "\x00\x02", greets), "<"+utp("\x01", "\x12\x01", greets)),
		btTalk("table", 17,
			"d1:ad2:id20:"+node+"9:info_hash20:"+hash+"e1:q9:get_peers1:t2:aa1:v4:UT\x00\x011:y1:qe",
			"<d1:rd2:id20:"+node+"5:token2:xye1:t2:aa1:y1:re",
			"d1:ad2:id20:"+node+"e1:q4:ping1:t2:bb1:y1:qe", "<d1:eli203e14:Protocol Errore1:t2:bb1:y1:ee"),
		btTalk("tracker", 17, connect, "<\x00\x00\x00\x00\x00\x00\x00\x07"+id,
			id+"\x00\x00\x00\x01\x00\x00\x00\x08"+hash+btPeer+strings.Repeat("\x00", 42),
			"<\x00\x00\x00\x03\x00\x00\x00\x08not registered",
			id+"\x00\x00\x00\x02\x00\x00\x00\x09"+hash,
			"<\x00\x00\x00\x02\x00\x00\x00\x09"+strings.Repeat("\x00", 12)),
		btTalk("local", 17, btSearch+"Host: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: "+
			strings.ToUpper(btHashText)+"\r\n\r\n\r\n"),
	}
}

// TestBitTorrentFields holds what is said of each conversation.
func TestBitTorrentFields(t *testing.T) {
	want := map[string]string{
		"peers": "handshake qBittorrent 4650 HASH|handshake qBittorrent 4650 HASH|" +
			"client qBittorrent/4.6.5 -|client qBittorrent/4.6.5 -",
		"peers over µTP": "handshake qBittorrent 4650 HASH|handshake qBittorrent 4650 HASH",
		"table":          "get_peers µTorrent HASH|ping - -",
		"tracker":        "connect - -|announce qBittorrent 4650 HASH|scrape - HASH",
		"local":          "search - HASH",
	}
	for _, c := range bitTorrentSamples() {
		var said []string
		for _, e := range drive(&c, &BitTorrent).events {
			cell := func(label string) string { return btOr(e.Fields[label], "-") }
			all := fmt.Sprint(cell("BITTORRENT_MESSAGE"), " ", cell("BITTORRENT_CLIENT"), " ", cell("BITTORRENT_HASH"))
			said = append(said, strings.ReplaceAll(all, btHashText, "HASH"))
		}
		if got := strings.Join(said, "|"); got != want[c.name] {
			t.Errorf("%s: %s, want %s", c.name, got, want[c.name])
		}
	}
}

func btOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// TestBitTorrentAgainstTshark compares handshakes with what tshark says of them.
func TestBitTorrentAgainstTshark(t *testing.T) {
	corpus(t)
	dbCompare(t, &BitTorrent, dbCaptures(t, "bittorrent", "bittorrent"), []dbJudge{
		{column: "bittorrent.info_hash", ours: btHandshakes("BITTORRENT_HASH")},
		{column: "bittorrent.peer_id", ours: btHandshakes("BITTORRENT_PEER_ID")},
	}, map[string]string{})
}

func btHandshakes(field string) func(m *heard) (string, bool) {
	return func(m *heard) (string, bool) {
		return m.Fields[field], m.Fields["BITTORRENT_MESSAGE"] == "handshake"
	}
}

// TestBitTorrentSYN holds how a flow of µTP may begin: as the specification has it, and as libtorrent does.
func TestBitTorrentSYN(t *testing.T) {
	const none = "\x00\x00\x00\x00"
	for octets, want := range map[string]int{
		"A\x00\x08\x1e\x81\xc6I\x81" + none + none + "W\x5c\x00\x00":             1,
		"A\x00\x08\x1e\x81\xc6I\x81" + none + "\x00\x10\x00\x00\x00\x01\x00\x00": 1,
		"A\x00\x08\x1e\x81\xc6I\x81" + none + "\x00\x10\x00\x00W\x5c\x00\x00":    0,
		"A\x00\x08\x1e\x81\xc6I\x81" + none + none + "W\x5c\x00\x01":             0,
		"A\x00\x08\x1e\x81\xc6I\x81" + none + none + "W\x5c\x00\x00\x00":         0,
		"!\x00\x08\x1e\x81\xc6I\x81" + none + none + "W\x5c\x00\x00":             0,
	} {
		c := says("syn", 17, flow.Forward, []byte(octets))
		if got := len(drive(&c, &BitTorrent).messages); got != want {
			t.Errorf("% x: %d messages, want %d", octets, got, want)
		}
	}
}

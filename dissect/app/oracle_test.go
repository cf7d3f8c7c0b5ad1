package app

import (
	"encoding/binary"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func FuzzOracle(f *testing.F) { fuzzPieces(f, &Oracle) }

// tns is a packet, with a length of two octets, or of four since version 315.
func tns(wide bool, kind byte, content string) string {
	b := []byte{0, 0, 0, 0, kind, 0, 0, 0}
	if n := len(b) + len(content); wide {
		binary.BigEndian.PutUint32(b, uint32(n))
	} else {
		binary.BigEndian.PutUint16(b, uint16(n))
	}
	return string(b) + content
}

// ttc is a packet with a message of TTC.
func ttc(wide bool, content string) string { return tns(wide, oracleData, "\x00\x00"+content) }

const oracleWhere = "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=shop)(CID=(PROGRAM=sqlplus)(HOST=h)(USER=ann)))" +
	"(ADDRESS=(PROTOCOL=TCP)(HOST=192.0.2.1)(PORT=1521)))"

// oracleConnects is a client's first packet. Behind 58 octets is what it connects to, or in the next packet.
func oracleConnects(version uint16, where string, later bool) string {
	b := make([]byte, oracleLeastConnect-oracleHeader)
	binary.BigEndian.PutUint16(b, version)
	binary.BigEndian.PutUint16(b[2:], 300)
	binary.BigEndian.PutUint16(b[14:], 1)
	binary.BigEndian.PutUint16(b[16:], uint16(len(where)))
	binary.BigEndian.PutUint16(b[18:], oracleLeastConnect)
	if later {
		return tns(false, oracleConnect, string(b)) + ttc(false, where)
	}
	return tns(false, oracleConnect, string(b)+where)
}

func oracleAccepts(version uint16) string {
	return tns(false, oracleAccept, string(binary.BigEndian.AppendUint16(nil, version))+strings.Repeat("\x00", 22))
}

// ttcEnd is the end of a call as OCI has it: rows of a cursor so far, and an error with its message.
func ttcEnd(size int, rows uint32, cursor, code uint16, message string) string {
	b := make([]byte, size)
	b[0], b[1], b[7] = ttcError, 1, 1
	binary.LittleEndian.PutUint32(b[8:], rows)
	binary.LittleEndian.PutUint16(b[12:], code)
	binary.LittleEndian.PutUint16(b[18:], cursor)
	if message != "" {
		b = append(append(b, byte(len(message))), message...)
	}
	return string(b)
}

// ttcAuth is a phase of a login.
func ttcAuth(function byte, user string) string {
	return "\x03" + string(rune(function)) + "\x02" + strings.Repeat("\xfe\xff\xff\xff", 4) + string(rune(len(user))) +
		user + "\x0d\x00\x00\x00\x0dAUTH_PASSWORD\x07\x00\x00\x00\x07hunter2\x00\x00\x00\x00"
}

// ttcQuery is the execution of a statement.
func ttcQuery(seq byte, text string) string {
	b := "\x03\x5e" + string(rune(seq)) + strings.Repeat("\x01\x80\x00\x00\xfe\xff\xff\xff\xff\xff\xff\xff", 8)
	if len(text) <= 0xfc {
		return b + string([]byte{byte(len(text))}) + text + "\x01\x00\x00\x00"
	}
	b += "\xfe"
	for len(text) > 0 {
		n := min(len(text), 0xff)
		b += string([]byte{byte(n)}) + text[:n]
		text = text[n:]
	}
	return b + "\x00\x01\x00\x00\x00"
}

// oracleTalk is a conversation whose connect and login have gone well.
func oracleTalk(wide bool, says ...string) *conversation {
	version := uint16(313)
	if wide {
		version = oracleWide
	}
	all := []string{oracleConnects(version, oracleWhere, false), tns(false, oracleResend, ""),
		oracleConnects(version, oracleWhere, false), oracleAccepts(version),
		ttc(wide, "\xde\xad\xbe\xef"+strings.Repeat("\x00", 20)), ttc(wide, "\xde\xad\xbe\xef\x00\x19"+strings.Repeat("\x00", 20)),
		ttc(wide, ttcAuth(ttcSession, "tiger")), ttc(wide, "\x08\x01\x00"+ttcEnd(136, 0, 0, 0, "")),
		ttc(wide, ttcAuth(ttcLogin, "tiger")),
		ttc(wide, "\x08\x01\x00\x0fAUTH_VERSION_NO\x09\x00\x00\x00\x09202375680\x00"+ttcEnd(136, 0, 0, 0, ""))}
	for i, s := range says {
		says[i] = ttc(wide, s)
	}
	return tcpTalk(1521, append(all, says...)...)
}

const oracleIn = "transaction CONNECT shop, transaction LOGIN 0 shop tiger"

func oracleSaid() []dialogue {
	long := "select " + strings.Repeat("a, ", 300) + "b from t"
	answer := func(end string) string { return "\x06" + strings.Repeat("\x00", 40) + end }
	return []dialogue{
		{"fetches", oracleTalk(true, ttcQuery(4, "select a from t"), answer(ttcEnd(144, 1, 3, 0, "")),
			"\x03\x05\x05\x03\x00\x00\x00\x0f\x00\x00\x00", answer(ttcEnd(144, 16, 3, 0, "")),
			"\x03\x05\x06\x03\x00\x00\x00\x0f\x00\x00\x00", answer(ttcEnd(144, 18, 3, 1403, "ORA-01403: no data found\n"))),
			oracleIn + ", transaction SELECT select a from t 1 0 shop tiger, transaction FETCH 15 0 shop tiger" +
				", transaction FETCH 2 1403 no data found shop tiger", ""},
		{"changes", oracleTalk(false, ttcQuery(4, "update t set a=1"), answer(ttcEnd(96, 7, 3, 0, "")), "\x03\x0e\x05",
			"\x09\x05\x00\x00\x00\x04\x00"),
			oracleIn + ", transaction UPDATE update t set a=1 7 0 shop tiger, transaction COMMIT 0 shop tiger", ""},
		{"a password", oracleTalk(false, ttcQuery(4, "create user a identified by hunter2"),
			ttcEnd(136, 0, 1, 1, "ORA-00001: not \"hunter2\"\n")), oracleIn +
			", transaction CREATE create user a identified by ? 1 not ? shop tiger", ""},
		{"a statement in pieces", oracleTalk(true, ttcQuery(4, long), answer(ttcEnd(144, 0, 3, 0, ""))),
			oracleIn + ", transaction SELECT " + long[:dbMaxText] + " 0 0 shop tiger", ""},
		{"behind another call", oracleTalk(true, "\x11\x69\x09"+strings.Repeat("\xfe", 20)+ttcQuery(10, "grant dba to x"),
			ttcEnd(144, 0, 3, 1917, "ORA-01917: user or role 'X' does not exist\n")), oracleIn +
			", transaction GRANT grant dba to x 1917 user or role 'X' does not exist shop tiger", ""},
		{"a long answer", oracleTalk(true, ttcQuery(4, "select a from t"), strings.Repeat("x", 9000)+ttcEnd(144, 99, 3, 0, "")),
			oracleIn + ", transaction SELECT select a from t 99 0 shop tiger", ""},
		{"without an end that is known", oracleTalk(true, ttcQuery(4, "select a from t"), "\x10\x01", "\x03\x93\x05", "\x09"),
			oracleIn + ", transaction SELECT select a from t shop tiger, transaction PING shop tiger", ""},
		{"refused", tcpTalk(1521, oracleConnects(313, oracleWhere, false), tns(false, oracleRefuse, "\x04\x00\x00\x29"+
			"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR=12514))")), "transaction CONNECT 12514 (DESCRIPTION=(TMP=)(VSNNUM=0)" +
			"(ERR=12514)) shop", ""},
		{"redirected", tcpTalk(1521, oracleConnects(319, oracleWhere, true), tns(false, oracleRedirect,
			"\x00\x29(ADDRESS=(PROTOCOL=TCP)(HOST=a)(PORT=1))\x00x")),
			"transaction CONNECT (ADDRESS=(PROTOCOL=TCP)(HOST=a)(PORT=1)) shop", ""},
		{"a login that fails at once", tcpTalk(1521, oracleConnects(313, oracleWhere, false), oracleAccepts(313),
			ttc(false, ttcAuth(ttcSession, "tiger")), ttc(false, ttcEnd(136, 0, 0, 28000, "ORA-28000: the account is locked"))),
			"transaction CONNECT shop, notice LOGIN 28000 the account is locked shop tiger", ""},
		{"encrypted", tcpTalk(1521, oracleConnects(313, oracleWhere, false), oracleAccepts(313),
			ttc(false, "\xde\xad\xbe\xef"), ttc(false, "\xde\xad\xbe\xef\x00\x30\x00\x00\x00\x00\x00\x01\x00"+
				"\x00\x02\x00\x02\x00\x00\x00\x00\x00\x04\x00\x05\x0c\x10\x02\x00\x00\x01\x00\x02\x11"),
			"\xff\xff\xff\xff", "\xff\xff\xff\xff"), "transaction CONNECT shop", ""},
		{"a type that does not exist", tcpTalk(1521, oracleConnects(313, oracleWhere, false), tns(false, 99, "")),
			"unanswered CONNECT shop", oracleFlawHeader},
		{"a length that cannot be", tcpTalk(1521, oracleConnects(313, oracleWhere, false), "\x00\x01\x00\x00\x06\x00\x00\x00"),
			"unanswered CONNECT shop", oracleFlawHeader},
		{"data without flags", tcpTalk(1521, oracleConnects(313, oracleWhere, false), oracleAccepts(313), tns(false, 6, "")),
			"transaction CONNECT shop", oracleFlawShort},
	}
}

func oracleSamples() (all []conversation) {
	for _, c := range oracleSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestOracleSays holds what is made of conversations.
func TestOracleSays(t *testing.T) {
	heardAs(t, &Oracle, []string{"DB_OPERATION", "DB_STATEMENT", "DB_ROWS", "DB_AFFECTED_ROWS", "ORACLE_RSP_CODE",
		"ORACLE_RSP_STRING", "ORACLE_REDIRECT", "DB_NAME", "ORACLE_USERNAME"}, oracleSaid())
}

// TestOracleRefuses holds what is not Oracle.
func TestOracleRefuses(t *testing.T) {
	good := oracleConnects(313, oracleWhere, false)
	for at, octets := range map[int]string{4: "\x02", 2: "\x01", 6: "\x01", 8: "\x00\x10", 22: "\x00\x07", 24: "\x00\x00",
		26: "\x00\x02", oracleLeastConnect: "x", 1: "\x20"} {
		refuses(t, &Oracle, tcpTalk(1521, good[:at]+octets+good[at+len(octets):]))
	}
	refuses(t, &Oracle, cornered(1521, "GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x08\x04\xd2\x16\x2f", oracleAccepts(313))...)
}

// oracleBehind are the functions that are called behind one that is sent along, of which tshark only says
// the latter.
var oracleBehind = map[string]string{
	"wireshark-wiki__TNS_Oracle1.pcap tns.data_oci.id 59":       "behind a call about the session",
	"wireshark-wiki__7_oracle10_2016.pcapng tns.data_oci.id 59": "the same",
	"wireshark-wiki__9_oracle12_2016.pcapng tns.data_oci.id 59": "the same",
	"wireshark-wiki__7_oracle10_2016.pcapng tns.data_oci.id 14": "behind one that closes cursors",
	"wireshark-wiki__7_oracle10_2016.pcapng tns.data_oci.id 94": "the same",
	"wireshark-wiki__9_oracle12_2016.pcapng tns.data_oci.id 94": "the same",
}

// TestOracleOracle compares what clients connect to, and what they call, with what tshark says.
func TestOracleOracle(t *testing.T) {
	files := dbCaptures(t, "oracle", "oracle-tns")
	if len(files) == 0 {
		t.Skip("no captures")
	}
	again := 0
	dbCompare(t, &Oracle, files, []dbJudge{
		{"tns.connect_data", func(m *heard) (string, bool) {
			f := m.Fields
			return f["DB_NAME"] + " " + f["DB_APPLICATION"] + " " + f["DB_CLIENT_USER"], f["DB_OPERATION"] == "CONNECT"
		}, func(s string) (string, bool) {
			again++ // each is sent twice, as these servers ask for it
			service := oracleValue([]byte(s), "SERVICE_NAME")
			if service == nil {
				service = oracleValue([]byte(s), "SID")
			}
			return string(service) + " " + strings.ReplaceAll(string(oracleValue([]byte(s), "PROGRAM")), `\\`, `\`) + " " +
				string(oracleValue([]byte(s), "USER")), again%2 == 0
		}},
		{"tns.data_oci.id", func(m *heard) (string, bool) {
			name := m.Fields["ORACLE_FUNCTION"]
			return name, name != ""
		}, func(s string) (string, bool) {
			n, err := strconv.ParseUint(s, 0, 8)
			return strconv.FormatUint(n, 10), err == nil && n != ttcSession // which is a part of the login
		}},
	}, oracleBehind)
}

// TestOracleCaptures holds what people did in the captures: statements, rows and errors, as their octets say.
// tshark knows none of them.
func TestOracleCaptures(t *testing.T) {
	for file, want := range map[string]string{
		"wireshark-wiki__TNS_Oracle1.pcap": "LOGIN 1017 invalid username/password; logon denied, SELECT USER FROM DUAL 1",
		"wireshark-wiki__9_oracle12_2016.pcapng": "create user hackerman identified by ? 65096, " +
			"grant dba to hackerman 1917, select name, password from sys.user$ 1, 15, 15, 15, 15, 15, 15, 15, 11 1403",
	} {
		var got []string
		for _, c := range conversations(t, filepath.Join(corpus(t), "oracle-tns", file)) {
			for _, e := range drive(c, &Oracle).events {
				f := e.Fields
				text := f["DB_STATEMENT"]
				if f["DB_ERROR_CODE"] == "1017" {
					text = "LOGIN"
				}
				words := strings.Fields(text + " " + f["DB_ROWS"] + " " + strings.Trim(f["DB_ERROR_CODE"], "0"))
				if e.Fields["DB_ERROR_CODE"] == "1017" {
					words = append(words, f["DB_ERROR_MESSAGE"])
				}
				if len(words) > 0 {
					got = append(got, strings.Join(words, " "))
				}
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%s:\n%s, want\n%s", file, s, want)
		}
	}
}

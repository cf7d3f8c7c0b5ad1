package app

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

func FuzzTDS(f *testing.F)     { fuzzPieces(f, &TDS) }
func FuzzMongoDB(f *testing.F) { fuzzPieces(f, &MongoDB) }

// tdsPackets is a message in packets of at most so many octets.
func tdsPackets(kind byte, content string, most int) (s string) {
	for {
		n := min(len(content), most-tdsHeader)
		end := byte(0)
		if n == len(content) {
			end = 1
		}
		size := n + tdsHeader
		s += string([]byte{kind, end, byte(size >> 8), byte(size), 0, 0, 1, 0}) + content[:n]
		if content = content[n:]; end != 0 {
			return s
		}
	}
}

func tdsPacket(kind byte, content string) string { return tdsPackets(kind, content, 1<<15) }

func ucs2(s string) string {
	var b []byte
	for _, c := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, c)
	}
	return string(b)
}

// le is a number of n octets, the least significant first.
func le(n int, x uint64) string { return string(binary.LittleEndian.AppendUint64(nil, x)[:n]) }

// tdsOptions are what is negotiated before the login, with an octet about encryption.
func tdsOptions(encryption byte) string {
	return "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff" + "\x0a\x32\x06\x40\x00\x00" + string([]byte{encryption})
}

// tdsLogs is a login.
func tdsLogs(version uint32) string {
	texts := []string{"host", "ann", "hunter2", "app", "srv", "", "lib", "", "shop"}
	fixed := le(4, uint64(version)) + strings.Repeat("\x00", 28)
	at, offsets, all := 94, "", ""
	for _, s := range texts {
		offsets += le(2, uint64(at)) + le(2, uint64(len(s)))
		all += ucs2(s)
		at += 2 * len(s)
	}
	offsets += strings.Repeat("\x00", 94-36-len(offsets))
	return le(4, uint64(at)) + fixed + offsets + all
}

const tdsHeaders = "\x16\x00\x00\x00\x12\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"

// tdsEnds is a done token.
func tdsEnds(token byte, status, command uint16, rows uint64) string {
	return string([]byte{token}) + le(2, uint64(status)) + le(2, uint64(command)) + le(8, rows)
}

// tdsErrs is an error token.
func tdsErrs(number uint64, state, class byte, text string) string {
	s := le(4, number) + string([]byte{state, class}) + le(2, uint64(len(text))) + ucs2(text) + "\x00\x00\x01\x00\x00\x00"
	return "\xaa" + le(2, uint64(len(s))) + s
}

func tdsText16(s string) string {
	return "\x00\x00\xe7" + le(2, 8000) + "\x09\x04\xd0\x00\x34" + le(2, uint64(2*len(s))) + ucs2(s)
}

func tdsLong(s string) string {
	return "\x00\x00\xe7\xff\xff\x09\x04\xd0\x00\x34" + le(8, uint64(2*len(s))) + le(4, uint64(2*len(s))) + ucs2(s) + le(4, 0)
}

const tdsHandle = "\x00\x01\x26\x04\x00" // a number that is to be returned

// tdsTalk is a conversation behind a login that is not encrypted.
func tdsTalk(says ...string) *conversation {
	ack := "\xad" + le(2, 16) + "\x01\x74\x00\x00\x04\x03" + ucs2("SQL") + "\x10\x00\x03\xe8"
	database := "\xe3" + le(2, 13) + "\x01\x04" + ucs2("shop") + "\x01" + ucs2("m")
	return tcpTalk(1433, append([]string{tdsPacket(tdsPrelogin, tdsOptions(2)), tdsPacket(tdsAnswer, tdsOptions(2)),
		tdsPacket(tdsLogin, tdsLogs(0x74000004)), tdsPacket(tdsAnswer, database+ack+tdsEnds(tdsDone, 0, 0, 0))}, says...)...)
}

const tdsIn = "transaction LOGIN shop ann app"

func tdsSaid() []dialogue {
	rows := "\x81\x01\x00" + strings.Repeat("r", 40)
	batch := func(text string) string { return tdsPacket(tdsBatch, tdsHeaders+ucs2(text)) }
	call := func(number byte, parameters string) string {
		return tdsPacket(tdsRPC, tdsHeaders+"\xff\xff"+string([]byte{number, 0, 0, 0})+parameters)
	}
	procedure := func(s string) string {
		return tdsPacket(tdsAnswer, s+tdsEnds(tdsDoneInProc, 0x11, tdsSelected, 3)+"\x79\x00\x00\x00\x00"+tdsEnds(tdsDoneProc, 0, 0xe0, 0))
	}
	returned := "\xac\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x26\x04\x04\x07\x00\x00\x00"
	return []dialogue{
		{"batches", tdsTalk(batch("select 1 as é"), tdsPacket(tdsAnswer, rows+tdsEnds(tdsDone, 0x10, tdsSelected, 5)),
			batch("delete from t"), tdsPacket(tdsAnswer, tdsEnds(tdsDone, 0x10, tdsDeleted, 2))),
			tdsIn + ", transaction SELECT select 1 as é 5 shop ann app, transaction DELETE delete from t 2 shop ann app", ""},
		{"errors", tdsTalk(batch("create login a with password='hunter2'"), tdsPacket(tdsAnswer, tdsErrs(15118, 1, 16, "bad 'hunter2'")+
			tdsEnds(tdsDone, 2, 0, 0)), batch("select 1/0"), tdsPacket(tdsAnswer, rows+tdsErrs(8134, 1, 16, "Divide by zero")+
			tdsEnds(tdsDone, 2, tdsSelected, 0))), tdsIn + ", transaction CREATE create login a with password=? 15118 1 16 bad ? " +
			"shop ann app, transaction SELECT select 1/0 8134 1 16 Divide by zero shop ann app", ""},
		{"procedures", tdsTalk(call(tdsExecuteSQL, tdsText16("select @a")), procedure(rows), tdsPacket(tdsRPC, tdsHeaders+"\x04\x00"+
			ucs2("p_do")+"\x00\x00"), procedure("")), tdsIn + ", transaction SELECT sp_executesql select @a 3 shop ann app, " +
			"transaction RPC p_do 3 shop ann app", ""},
		{"prepared", tdsTalk(call(tdsPrepare, tdsHandle+tdsText16("@p int")+tdsLong("select @p")), tdsPacket(tdsAnswer, returned+
			"\x79\x00\x00\x00\x00"+tdsEnds(tdsDoneProc, 0, 0xe0, 0)), call(tdsExecute, "\x00\x00\x26\x04\x04\x07\x00\x00\x00"), procedure(rows)),
			tdsIn + ", transaction SELECT sp_prepare select @p shop ann app, transaction SELECT sp_execute select @p 3 1 shop ann app", ""},
		{"transactions", tdsTalk(tdsPacket(tdsManager, tdsHeaders+"\x05\x00\x01\x00"), tdsPacket(tdsAnswer, tdsEnds(tdsDone, 0, 0, 0)),
			tdsPacket(tdsManager, tdsHeaders+"\x07\x00\x00\x00"), tdsPacket(tdsAnswer, tdsEnds(tdsDone, 0, 0, 0))),
			tdsIn + ", transaction BEGIN shop ann app, transaction COMMIT shop ann app", ""},
		{"a long answer in packets", tdsTalk(batch("select a"), tdsPackets(tdsAnswer, strings.Repeat("\x81", 20000)+
			tdsEnds(tdsDone, 0x10, tdsSelected, 99), 6000)), tdsIn + ", transaction SELECT select a 99 shop ann app", ""},
		{"an encrypted login", tcpTalk(1433, tdsPacket(tdsPrelogin, tdsOptions(0)), tdsPacket(tdsAnswer, tdsOptions(0)),
			tdsPacket(tdsPrelogin, "\x16\x03\x01\x00\x01x"), tdsPacket(tdsPrelogin, "\x16\x03\x01\x00\x01y"), "\x17\x03\x03\x00\x03abc",
			tdsPacket(tdsAnswer, tdsEnds(tdsDone, 0, 0, 0)), batch("select 1"), tdsPacket(tdsAnswer, rows+tdsEnds(tdsDone, 0x10, tdsSelected, 1))),
			"transaction SELECT select 1 1", ""},
		{"everything encrypted", tcpTalk(1433, tdsPacket(tdsPrelogin, tdsOptions(1)), tdsPacket(tdsAnswer, tdsOptions(1)),
			"\x17\x03\x03\x00\x03abc", "\x17\x03\x03\x00\x03abc"), "", ""},
		{"a login that fails", tcpTalk(1433, tdsPacket(tdsLogin, tdsLogs(0x71000001)), tdsPacket(tdsAnswer,
			tdsErrs(18456, 1, 14, "Login failed")+tdsEnds(tdsDone, 2, 0, 0)[:9])),
			"transaction LOGIN 18456 1 14 Login failed shop ann app", ""},
		{"a type that does not exist", tdsTalk(tdsPacket(99, "")), tdsIn, tdsFlawHeader},
		{"a login too short", tcpTalk(1433, tdsPacket(tdsLogin, "\x14\x00\x00\x00"+strings.Repeat("x", 16))), "unanswered LOGIN", tdsFlawShort},
	}
}

func tdsSamples() (all []conversation) {
	for _, c := range tdsSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestTDSSays holds what is made of conversations.
func TestTDSSays(t *testing.T) {
	heardAs(t, &TDS, []string{"DB_OPERATION", "TDS_PROCEDURE", "DB_STATEMENT", "DB_ROWS", "DB_AFFECTED_ROWS", "DB_ERROR_CODE",
		"TDS_ERROR_STATE", "TDS_ERROR_CLASS", "DB_ERROR_MESSAGE", "DB_PREPARED", "DB_NAME", "DB_USER", "DB_APPLICATION"}, tdsSaid())
}

// TestTDSRefuses holds what is not TDS.
func TestTDSRefuses(t *testing.T) {
	refuses(t, &TDS, cornered(1433, tdsPacket(tdsBatch, tdsHeaders+ucs2("select 1")), tdsPacket(tdsAnswer, tdsOptions(0)),
		tdsPacket(tdsPrelogin, "\x05"+tdsOptions(0)[1:]), "\x12\x01\x00\x05\x00\x00\x01\x00", "\x10\x0e\x00\x04MQTT\x04")...)
}

// bson is a document of elements.
func bson(elements ...string) string {
	s := strings.Join(elements, "") + "\x00"
	return le(4, uint64(len(s)+4)) + s
}

func bsonOf(kind byte, name, value string) string {
	return string([]byte{kind}) + name + "\x00" + value
}

func bsonWords(name, s string) string {
	return bsonOf(bsonString, name, le(4, uint64(len(s)+1))+s+"\x00")
}

// mongoMessage is one of an operation that answers another one.
func mongoMessage(id, to, op uint32, content string) string {
	return le(4, uint64(mongoHeader+len(content))) + le(4, uint64(id)) + le(4, uint64(to)) + le(4, uint64(op)) + content
}

func mongoSays(id, to uint32, flags byte, document string) string {
	return mongoMessage(id, to, mongoMsg, string([]byte{flags, 0, 0, 0, 0})+document)
}

func mongoSaid() []dialogue {
	ok := bsonOf(bsonDouble, "ok", "\x00\x00\x00\x00\x00\x00\xf0\x3f")
	hello := mongoMessage(1, 0, mongoQuery, le(4, 0)+"admin.$cmd\x00"+le(8, 0)+bson(bsonOf(bsonInt32, "isMaster", le(4, 1)),
		bsonOf(bsonDocument, "client", bson(bsonOf(bsonDocument, "application", bson(bsonWords("name", "till")))))))
	greets := mongoMessage(9, 1, mongoReply, strings.Repeat("\x00", 20)+bson(bsonWords("version", "7.0.1"), ok))
	find := bson(bsonWords("find", "cakes"), bsonOf(bsonDocument, "filter", bson()), bsonWords("$db", "shop"))
	start := bson(bsonOf(bsonInt32, "saslStart", le(4, 1)), bsonWords("mechanism", "SCRAM-SHA-256"),
		bsonOf(bsonBinary, "payload", le(4, 26)+"\x00n,,n=ann,r=0123456789abcde"), bsonWords("$db", "admin"))
	plain := bson(bsonOf(bsonInt32, "saslStart", le(4, 1)), bsonWords("mechanism", "PLAIN"),
		bsonOf(bsonBinary, "payload", le(4, 12)+"\x00\x00ann\x00hunter2"), bsonWords("$db", "admin"))
	return []dialogue{
		{"greets and asks", tcpTalk(27017, hello, greets, mongoSays(2, 0, 0, find)+mongoSays(3, 0, 0, bson(bsonWords("insert", "cakes"),
			bsonWords("$db", "shop"))), mongoSays(11, 3, 0, bson(bsonOf(bsonInt32, "n", le(4, 2)), ok))+mongoSays(10, 2, 0, bson(ok))),
			"transaction isMaster admin till, transaction insert shop cakes 2, transaction find shop cakes", ""},
		{"logs in", tcpTalk(27017, mongoSays(1, 0, 0, start), mongoSays(2, 1, 0, bson(bsonOf(bsonDouble, "ok", strings.Repeat("\x00", 8)),
			bsonWords("errmsg", "Authentication failed."), bsonOf(bsonInt32, "code", le(4, 18)), bsonWords("codeName", "AuthenticationFailed")))),
			"transaction saslStart admin SCRAM-SHA-256 ann 18 AuthenticationFailed Authentication failed.", ""},
		{"logs in in clear", tcpTalk(27017, mongoSays(1, 0, 0, plain), mongoSays(2, 1, 0, bson(ok))),
			"transaction saslStart admin PLAIN ann", ""},
		{"wants no answer", tcpTalk(27017, mongoSays(1, 0, 2, find), "", mongoSays(2, 0, 0, find), mongoSays(3, 2, 2, bson(ok))+
			mongoSays(4, 3, 0, bson(ok))), "notice find shop cakes, transaction find shop cakes", ""},
		{"compressed", tcpTalk(27017, hello, greets, mongoMessage(2, 0, mongoCompressed, le(4, mongoMsg)+le(4, 99)+"\x03zzz"),
			mongoMessage(3, 2, mongoCompressed, le(4, mongoMsg)+le(4, 99)+"\x03zzz")), "transaction isMaster admin till, transaction zstd", ""},
		{"an operation that does not exist", tcpTalk(27017, hello, greets, mongoMessage(2, 0, 77, "")),
			"transaction isMaster admin till", mongoFlawHeader},
		{"a document that does not fit", tcpTalk(27017, hello, greets, mongoSays(2, 0, 0, "\x04\x00\x00\x00")),
			"transaction isMaster admin till, unanswered", mongoFlawBody},
	}
}

func mongoSamples() (all []conversation) {
	for _, c := range mongoSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestMongoDBSays holds what is made of conversations.
func TestMongoDBSays(t *testing.T) {
	heardAs(t, &MongoDB, []string{"DB_OPERATION", "DB_NAME", "DB_COLLECTION", "DB_AFFECTED_ROWS", "DB_APPLICATION", "DB_AUTH_METHOD",
		"DB_USER", "DB_ERROR_CODE", "DB_ERROR_KIND", "DB_ERROR_MESSAGE", "DB_COMPRESSION"}, mongoSaid())
}

// TestMongoDBRefuses holds what is not MongoDB.
func TestMongoDBRefuses(t *testing.T) {
	refuses(t, &MongoDB, cornered(27017, mongoSays(1, 5, 0, bson(bsonWords("find", "a"))), mongoMessage(1, 0, 77, "xxxxx"),
		mongoSays(1, 0, 4, bson(bsonWords("find", "a"))), mongoSays(1, 0, 0, "\x05\x00\x00\x01\x01"), mongoSays(1, 0, 0, bson("\x77a\x00")),
		mongoMessage(1, 0, mongoQuery, "\x00\x00\x00\x00nodots\x00"+strings.Repeat("\x00", 8)), "GET / HTTP/1.1\r\n\r\n")...)
}

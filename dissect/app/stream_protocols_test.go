package app

import (
	"encoding/binary"
	"strings"
	"testing"
)

func FuzzModbus(f *testing.F) { fuzzPieces(f, &Modbus) }
func FuzzRPC(f *testing.F)    { fuzzPieces(f, &RPC) }
func FuzzVNC(f *testing.F)    { fuzzPieces(f, &VNC) }
func FuzzRTSP(f *testing.F)   { fuzzPieces(f, &RTSP) }

// modbusUnit is an application data unit.
func modbusUnit(id byte, pdu string) string {
	return string([]byte{0, id, 0, 0, 0, byte(len(pdu) + 1), 7}) + pdu
}

func modbusSaid() []dialogue {
	return []dialogue{
		{"out of turn", tcpTalk(502, modbusUnit(1, "\x03\x00\x10\x00\x02")+modbusUnit(2, "\x0f\x00\x01\x00\x03\x01\x05"),
			modbusUnit(2, "\x8f\x02")+modbusUnit(1, "\x03\x04abcd")),
			"transaction 15 7 1 3 2, transaction 3 7 16 2", ""},
		{"functions without addresses", tcpTalk(502, modbusUnit(1, "\x11"), modbusUnit(1, "\x11\x01x"),
			modbusUnit(2, "\x2b\x0e\x01\x00"), modbusUnit(2, "\x2b\x0e\x01")), "transaction 17 7, transaction 43 7", ""},
		{"something else", tcpTalk(502, modbusUnit(1, "\x03\x00\x10\x00\x02"), "\x00\x01\x00\x01\x00\x06"),
			"unanswered 3 7 16 2", modbusFlaw},
	}
}

func modbusSamples() (all []conversation) {
	for _, c := range modbusSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestModbusSays holds what is made of conversations.
func TestModbusSays(t *testing.T) {
	heardAs(t, &Modbus, []string{"MODBUS_FUNCTION", "MODBUS_UNIT", "MODBUS_ADDRESS", "MODBUS_QUANTITY", "MODBUS_EXCEPTION"},
		modbusSaid())
}

// TestModbusRefuses holds what is not Modbus.
func TestModbusRefuses(t *testing.T) {
	refuses(t, &Modbus, cornered(502, "\x00\x01\x00\x00\x00\x06\x07\x03\x00\x10\x00\x00", "\x00\x01\x00\x00\x00\x05\x07\x03\x00\x10\x00",
		"\x00\x01\x00\x00\x01\x06\x07\x03\x00\x10\x00\x02", "\x00\x01\x00\x00\x00\x06\x07\x63\x00\x10\x00\x02",
		"\x00\x01\x00\x00\x00\x06\x07\x05\x00\x10\x12\x00", "\x00\x01\x00\x00\x00\x02\x07\x83")...)
}

// TestModbusOracle compares functions and exceptions with what tshark says.
func TestModbusOracle(t *testing.T) {
	dbCompare(t, &Modbus, dbCaptures(t, "modbus", ""), []dbJudge{
		{"modbus.func_code", dbSays("MODBUS_FUNCTION", ""), nil},
		{"modbus.exception_code", dbSays("MODBUS_EXCEPTION", ""), nil},
	}, nil)
}

// rpcWords are numbers of four octets.
func rpcWords(all ...uint32) string {
	var b []byte
	for _, n := range all {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b)
}

// rpcRecord is the last fragment of a record, or another.
func rpcRecord(last bool, s string) string {
	mark := uint32(len(s))
	if last {
		mark |= 1 << 31
	}
	return rpcWords(mark) + s
}

func rpcCall(xid, program, version, procedure uint32, arguments string) string {
	return rpcWords(xid, 0, 2, program, version, procedure, 0, 0, 0, 0) + arguments
}

func rpcSaid() []dialogue {
	null := rpcCall(1, rpcNFS, 3, 0, "")
	name := rpcCall(2, rpcNFS, 3, 3, rpcWords(4, 9, 2)+"ab\x00\x00")
	return []dialogue{
		{"out of turn", tcpTalk(2049, rpcRecord(true, null)+rpcRecord(true, name), rpcRecord(true, rpcWords(2, 1, 0, 0, 0, 0, 2))+
			rpcRecord(true, rpcWords(1, 1, 0, 0, 0, 0))), "transaction nfs LOOKUP ab SUCCESS 2, transaction nfs NULL SUCCESS", ""},
		{"fragments", tcpTalk(2049, rpcRecord(false, null)+rpcRecord(true, "abcd"), rpcRecord(false, rpcWords(1, 1, 1, 1, 1))+
			rpcRecord(true, "xy")), "transaction nfs NULL AUTH_ERROR", ""},
		{"unknown programs", talks(17, 700, rpcCall(1, 200000, 7, 9, ""), rpcWords(1, 1, 0, 0, 0, 3)),
			"transaction 200000 9 PROC_UNAVAIL", ""},
		{"of another version", talks(17, 700, rpcCall(1, rpcPortmap, 2, 3, ""), rpcWords(1, 1, 1, 0, 2, 2)),
			"transaction portmap GETPORT RPC_MISMATCH", ""},
		{"a record too long", tcpTalk(2049, rpcRecord(true, null), "\x7f\xff\xff\xff\x00"), "unanswered nfs NULL", rpcFlawFrame},
		{"an empty record", tcpTalk(2049, rpcRecord(true, null)+rpcRecord(true, "")+rpcRecord(true, name),
			rpcRecord(true, rpcWords(2, 1, 0, 0, 0, 0, 0))),
			"transaction nfs LOOKUP ab SUCCESS 0, unanswered nfs NULL", rpcFlaw},
		{"a reply that does not fit", tcpTalk(2049, rpcRecord(true, null), rpcRecord(true, rpcWords(1, 1, 7))),
			"transaction nfs NULL", rpcFlaw},
	}
}

func rpcSamples() (all []conversation) {
	for _, c := range rpcSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestRPCSays holds what is made of conversations.
func TestRPCSays(t *testing.T) {
	heardAs(t, &RPC, []string{"RPC_PROGRAM", "RPC_PROCEDURE", "RPC_PATH", "RPC_STATUS", "NFS_STATUS"}, rpcSaid())
}

// TestRPCRefuses holds what is not ONC RPC.
func TestRPCRefuses(t *testing.T) {
	for _, c := range []string{rpcCall(1, 7, 2, 0, ""), rpcWords(1, 1, 0, 0, 0, 0), rpcWords(1, 0, 3, rpcNFS, 3, 0, 0, 0, 0, 0),
		rpcWords(1, 0, 2, rpcNFS, 3, 0, 0, 999, 0, 0), rpcWords(1, 0, 2, rpcNFS, 3, 0, 9, 0, 0, 0)} {
		refuses(t, &RPC, talks(17, 2049, c), tcpTalk(2049, rpcRecord(true, c)))
	}
}

// TestRPCOracle compares states, users and machines with what tshark says.
func TestRPCOracle(t *testing.T) {
	dbCompare(t, &RPC, dbCaptures(t, "rpc", ""), []dbJudge{
		{"rpc.state_accept", func(m *heard) (string, bool) {
			for i, name := range rpcAccepted {
				if m.Fields["RPC_STATUS"] == name {
					return string(rune('0' + i)), true
				}
			}
			return "", false
		}, nil},
		{"rpc.auth.uid", dbSays("RPC_UID", ""), nil},
		{"rpc.auth.machinename", dbSays("RPC_MACHINE", ""), nil},
	}, nil)
}

func vncSaid() []dialogue {
	server, client := "RFB 003.008\n", "RFB 003.008\n"
	talk := func(says ...string) *conversation { return tcpTalk(5900, append([]string{""}, says...)...) }
	return []dialogue{
		{"not wanted", talk(server, client, "\x00\x00\x00\x00\x03no!"), "notice no!", ""},
		{"an old version", talk("RFB 003.003\n", "RFB 003.003\n", "\x00\x00\x00\x02"+strings.Repeat("c", 16), strings.Repeat("p", 16),
			"\x00\x00\x00\x01"), "transaction 1", ""},
		{"of a kind that is not known", talk(server, client, "\x01\x13", "\x13", "abc"), "notice VeNCrypt", ""},
		{"no version", talk(server, "RFB x"), "", vncFlaw},
	}
}

func vncSamples() (all []conversation) {
	for _, c := range vncSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestVNCSays holds what is made of conversations.
func TestVNCSays(t *testing.T) {
	heardAs(t, &VNC, []string{"VNC_SECURITY", "VNC_RESULT", "VNC_REASON"}, vncSaid())
}

// TestVNCRefuses holds what is not VNC.
func TestVNCRefuses(t *testing.T) {
	refuses(t, &VNC, cornered(5900, "RFB 003.00x\n", "RFC 003.008\n", "RCPT TO:", "R")...)
}

// TestVNCOracle compares versions and desktops with what tshark says.
func TestVNCOracle(t *testing.T) {
	dbCompare(t, &VNC, dbCaptures(t, "vnc", ""), []dbJudge{
		{"vnc.server_proto_ver", dbSays("VNC_SERVER_VERSION", ""), nil},
		{"vnc.client_proto_ver", dbSays("VNC_CLIENT_VERSION", ""), nil},
		{"vnc.desktop_name", dbSays("VNC_DESKTOP", ""), nil},
		{"vnc.width", dbSays("VNC_WIDTH", ""), nil},
	}, vncExplained)
}

// vncExplained are differences from what tshark says.
var vncExplained = map[string]string{}

func rtspSaid() []dialogue {
	setup := "SETUP rtsp://ann:hunter2@cam/1 RTSP/1.0\r\nCSeq: 2\r\nUser-Agent: p\r\n" +
		"Transport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
	return []dialogue{
		{"media between", tcpTalk(554, setup, "RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 7;timeout=60\r\nServer: s\r\n\r\n"+
			"$\x00\x00\x05\r\n\r\n\r", "PLAY rtsp://cam/1 RTSP/1.0\r\nCSeq: 3\r\nAuthorization: Digest username=\"bob\", x\r\n\r\n",
			"RTSP/1.0 401 No\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nab\r\n$\x00\x00\x01x"),
			"transaction SETUP rtsp://cam/1 200 ann RTP/AVP/TCP;interleaved=0-1 7, transaction PLAY rtsp://cam/1 401 bob", ""},
		{"out of turn", tcpTalk(554, "OPTIONS * RTSP/1.0\nCSeq: 1\n\nDESCRIBE rtsp://a/b RTSP/2.0\nCSeq: 2\n\n",
			"RTSP/2.0 404 x\r\nCSeq: 2\r\n\r\nRTSP/1.0 100 y\r\nCSeq: 1\r\n\r\nRTSP/1.0 200 y\r\nCSeq: 1\r\n\r\n"),
			"transaction DESCRIBE rtsp://a/b 404, transaction OPTIONS * 200", ""},
		{"something else", tcpTalk(554, setup, "HTTP/1.1 200 OK\r\n\r\n"),
			"unanswered SETUP rtsp://cam/1 ann RTP/AVP/TCP;interleaved=0-1", rtspFlaw},
	}
}

func rtspSamples() (all []conversation) {
	for _, c := range rtspSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestRTSPSays holds what is made of conversations.
func TestRTSPSays(t *testing.T) {
	heardAs(t, &RTSP, []string{"RTSP_METHOD", "RTSP_URL", "RTSP_STATUS", "FLOW_USER_NAME", "RTSP_TRANSPORT", "RTSP_SESSION"},
		rtspSaid())
}

// TestRTSPRefuses holds what is not RTSP, as which HTTP and SIP may begin.
func TestRTSPRefuses(t *testing.T) {
	refuses(t, &RTSP, cornered(554, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS sip:a@b SIP/2.0\r\nCSeq: 1\r\n\r\n",
		"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", "REGISTER rtsp://a RTSP/1.0\r\n\r\n", "PLAY\r\n\r\n")...)
}

package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// TFTP is the Trivial File Transfer Protocol (RFC 1350) with options (RFC 2347). The server answers a
// request from another port, so that what follows is another flow: the control plane ties it to the
// request. A request is a notice, and so is an error that comes from the same port.
var TFTP = Dissector{
	Name: "tftp", Number: 96,
	Doc:    "TFTP: requests with the file, the mode and the options.",
	UDP:    on(69),
	First:  "\x00",
	Fields: []*flow.Field{TFTPOperation, TFTPFile, tftpMode, tftpOptions, tftpError, tftpErrorText},
	State:  unsafe.Sizeof(tftpState{}),
	Parse:  parseTFTP,
}

var (
	TFTPOperation = mailText64("TFTP_OPERATION", 1000, "What a client of TFTP wants: read or write.")
	TFTPFile      = mailText64("TFTP_FILE", 1001, "File that a client of TFTP wants to read or write.")
	tftpMode      = mailText64("TFTP_MODE", 1002, "Mode of the transfer of TFTP, as octet.")
	tftpOptions   = mailText64("TFTP_OPTIONS", 1003,
		"Options that a client of TFTP asks for, as blksize=1428, with commas between.")
	tftpError     = mailNumber("TFTP_ERROR", 1004, "Code of the error that ends a transfer of TFTP.")
	tftpErrorText = mailText64("TFTP_ERROR_TEXT", 1005, "Text of the error that ends a transfer of TFTP.")
)

// Operations (RFC 1350, section 5).
const (
	tftpRead   = 1
	tftpWrite  = 2
	tftpData   = 3
	tftpAck    = 4
	tftpFailed = 5
	tftpOAck   = 6
)

type tftpState struct{ begun bool }

func parseTFTP(m *Message) Verdict {
	if m.Stream || m.Cut {
		return Reject
	}
	s := Memory[tftpState](m)
	operation := m.U16()
	if operation != tftpRead && operation != tftpWrite {
		return s.goesOn(m, operation)
	}
	file, mode := tftpWord(m), tftpWord(m)
	if len(file) == 0 || !sshPrintable(file) || !tftpIsMode(mode) {
		return Reject
	}
	text := m.Room[:0:255]
	for m.Len() > 0 {
		name, value := tftpWord(m), tftpWord(m)
		if m.Short() || len(name) == 0 || !sshPrintable(name) || !sshPrintable(value) {
			return Reject
		}
		if len(text) > 0 && len(text) < cap(text) {
			text = append(text, ',')
		}
		text = append(text, cut(name, cap(text)-len(text))...)
		if len(text) < cap(text) {
			text = append(text, '=')
		}
		text = append(text, cut(value, cap(text)-len(text))...)
	}
	s.begun = true
	if m.Attrs.Bytes(TFTPFile, file); operation == tftpRead {
		m.Attrs.Text(TFTPOperation, "read")
	} else {
		m.Attrs.Text(TFTPOperation, "write")
	}
	m.Attrs.Bytes(tftpMode, mode)
	sayText(&m.Attrs, tftpOptions, text)
	m.Notice()
	return Accept
}

// goesOn reads what follows a request where the server answers from the port that was asked.
func (s *tftpState) goesOn(m *Message, operation uint16) Verdict {
	if !s.begun || operation < tftpData || operation > tftpOAck {
		return Reject
	}
	if operation == tftpFailed {
		m.Attrs.Uint(tftpError, uint64(m.U16()))
		sayText(&m.Attrs, tftpErrorText, tftpWord(m))
		m.Notice()
	}
	m.Rest()
	return Accept
}

// tftpWord consumes text and the zero that ends it. Without the zero m is short.
func tftpWord(m *Message) []byte {
	n := bytes.IndexByte(m.Peek(), 0)
	if n < 0 {
		m.Skip(m.Len() + 1)
		return nil
	}
	return m.Bytes(n + 1)[:n]
}

func tftpIsMode(b []byte) bool {
	return equalUpper(b, "OCTET") || equalUpper(b, "NETASCII") || equalUpper(b, "MAIL")
}

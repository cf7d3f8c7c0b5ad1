package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// FTP is the control connection of the File Transfer Protocol (RFC 959), with IPv6 (RFC 2428) and TLS (RFC
// 4217). A transaction is a command and its reply. A transfer has two: the command with the reply that it
// begins, and a notice with the reply that it is over. Both say where the data goes, so that the control
// plane finds the flow that carries it.
var FTP = Dissector{
	Name: "ftp", Number: 1,
	Doc:   "FTP: logins, commands with their replies, and where data connections go.",
	TCP:   ftpPorts,
	First: "124" + octets('A', 'Z') + octets('a', 'z'),
	Fields: []*flow.Field{
		FTPLogin, FlowUser, FTPCommand, FTPArgument, FTPCode, ftpText, ftpGreeting, FTPDataAddress, FTPDataPort,
		FTPDataListener,
	},
	Pair:  InOrder,
	State: unsafe.Sizeof(ftpState{}),
	Parse: parseFTP,
}

var ftpPorts = on(21)

// Fields of FTP that flows of its data have, too, and those that say where these go.
var (
	FTPLogin   = ntopText("FTP_LOGIN", 356, "User who logs in to a server of FTP.")
	FTPCommand = ntopText("FTP_COMMAND", 358,
		"Command of FTP in upper case: of the transaction, or the one that opened the flow.")
	FTPArgument = mailText64("FTP_ARGUMENT", 490,
		"Argument of a command of FTP, as the path of a file, but for what proves who the user is.")

	FTPDataAddress = mailText64("FTP_DATA_ADDRESS", 493,
		"Address that a data connection of FTP goes to, if it is told.")
	FTPDataPort     = mailNumber("FTP_DATA_PORT", 494, "Port that a data connection of FTP goes to.")
	FTPDataListener = mailText64("FTP_DATA_LISTENER", 495,
		"To whom a data connection of FTP goes: client or server.")

	FTPCode = &flow.Field{
		Element: flow.Element{Label: "FTP_COMMAND_RET_CODE", ID: 359, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Code of the reply to a command of FTP.",
	}
	ftpText     = mailText64("FTP_REPLY_TEXT", 491, "First line of the reply of FTP, without its code.")
	ftpGreeting = mailText64("FTP_GREETING", 492, "What the server of FTP says of itself at first.")
)

// Flaws of FTP.
const (
	ftpFlawCommand = "FTP: a line that is no command"
	ftpFlawReply   = "FTP: a line that is no reply"
	ftpFlawLong    = "FTP: a line longer than any may be"
	ftpFlawAhead   = "FTP: more commands without a reply than are remembered"
	ftpFlawPlace   = "FTP: an endpoint that is none"
)

// ftpState is what is known of a connection.
type ftpState struct {
	begun, greeted bool
	server         flow.Dir
	asks           replyQueue // positions in ftpCommands
	asked          bool       // a command was seen
	early          uint8      // replies that were seen before any command
	astray         bool       // octets were lost, and nothing was understood since
	final          bool       // the reply that goes on ends its transaction
	tls            bool       // and is followed by TLS
	multi          uint16     // code of the reply that goes on, 0 if none does
	transfers      uint8      // position of the command whose data is on its way, 0 if none is
	what           mailText   // its argument
	user, try      dbShort
	place          ftpPlace
}

// ftpPlace is where the next data connection goes.
type ftpPlace struct {
	address dbShort // text; empty is that of the one who listens
	port    uint16  // 0 is not known
	server  bool    // who listens
}

type ftpTurn struct {
	*Message
	s *ftpState
}

func parseFTP(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := ftpTurn{m, Memory[ftpState](m)}
	if !t.s.begun {
		return t.begin()
	}
	line, v := m.line(mailMaxLine, ftpFlawLong)
	if v != Done {
		return v
	}
	return t.read(line)
}

func (t *ftpTurn) read(line []byte) Verdict {
	if t.Lost {
		t.s.astray, t.s.multi = true, 0
	}
	if t.Dir == t.s.server {
		return t.reply(line)
	}
	t.says(bytes.TrimLeft(line, "\xff\xf4\xf2")) // Telnet's signals before ABOR
	return Accept
}

// begin finds out whether it is FTP: by a command that no other protocol has, by the greeting if the server
// says there that it is, by the reply to USER, or by where servers of FTP are.
func (t *ftpTurn) begin() Verdict {
	line, n := lineOf(t.Peek())
	expected := t.DstPort == ftpPorts[0]
	server := len(line) > 0 && isDigit(line[0])
	switch {
	case len(line) == 0 || n == 0 && len(line) > 512 || n > 1024:
		return Reject
	case server && !ftpMayGreet(line), !server && !ftpMayBegin(line, n > 0, expected):
		return Reject
	case n == 0:
		return More
	case server && !expected && !equalFoldIn(line, "ftp"):
		if v := ftpGoesOn(t.Peek()[n:]); v != Accept {
			return v
		}
	case !server && !expected && equalUpper(cut(line, 5), "USER "):
		return More // what the server answers tells
	}
	t.Skip(n)
	*t.s = ftpState{begun: true, server: t.Dir}
	if !server {
		t.s.server = 1 - t.Dir
	}
	return t.read(line)
}

// ftpMayGreet reports whether the begin of a line may be of the greeting of a server.
func ftpMayGreet(line []byte) bool {
	code := cut(line, 3)
	return (bytes.HasPrefix([]byte("220"), code) || bytes.HasPrefix([]byte("120"), code) ||
		bytes.HasPrefix([]byte("421"), code)) && (len(line) < 4 || line[3] == ' ' || line[3] == '-') &&
		!bytes.Contains(line, []byte("SMTP"))
}

// ftpMayBegin reports whether a line, or the begin of one, may be what a client begins with. Where no server
// of FTP is expected, it must be a command that others do not have, or USER.
func ftpMayBegin(line []byte, whole, expected bool) bool {
	words := [...]string{"USER ", "AUTH TLS", "AUTH SSL", "FEAT"}
	for i, word := range words {
		n := min(len(line), len(word))
		if equalUpper(line[:n], word[:n]) && (n == len(word) || !whole) {
			return i == 0 || len(line) <= len(word)
		}
	}
	if !expected || !whole {
		return expected && len(line) < 8 && ftpLetters(line)
	}
	return ftpNamed(line) > 0
}

// ftpLetters reports whether b may be the begin of a command.
func ftpLetters(b []byte) bool {
	word, _, _ := bytes.Cut(b, []byte{' '})
	for _, c := range word {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// ftpGoesOn looks whether behind a greeting comes what a server says to USER.
func ftpGoesOn(b []byte) Verdict {
	code := cut(b, 4)
	switch {
	case bytes.HasPrefix(code, []byte("331 ")), bytes.HasPrefix(code, []byte("331-")), bytes.HasPrefix(code,
		[]byte("230 ")):
		return Accept
	case len(code) < 4 && (bytes.HasPrefix([]byte("331"), code) || bytes.HasPrefix([]byte("230"), code)):
		return More
	}
	return Reject
}

// equalFoldIn reports whether a line has a word, in lower or upper case.
func equalFoldIn(line []byte, word string) bool {
	for i := 0; i+len(word) <= len(line); i++ {
		if equalFold(line[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// place reads the endpoint of a data connection that text tells of: in PORT and the reply to PASV six
// numbers, in EPRT and the reply to EPSV what is between vertical bars (RFC 959, section 4.1.2; RFC 2428).
func (t *ftpTurn) place(text []byte, server, extended bool) {
	p := &t.s.place
	*p = ftpPlace{server: server}
	ok := false
	if extended {
		ok = p.extended(text)
	} else {
		ok = p.six(text)
	}
	if !ok {
		*p = ftpPlace{}
		t.Malformed(ftpFlawPlace)
	}
}

// six reads h1,h2,h3,h4,p1,p2 wherever it begins.
func (p *ftpPlace) six(b []byte) bool {
	if at := bytes.IndexByte(b, '('); at >= 0 {
		b = b[at+1:]
	}
	for len(b) > 0 && !isDigit(b[0]) {
		b = b[1:]
	}
	var n [6]byte
	for i := range n {
		end := 0
		for end < len(b) && isDigit(b[end]) {
			end++
		}
		x, ok := decimal(b[:min(end, 4)])
		if !ok || x > 255 || i < 5 && (end == len(b) || b[end] != ',') {
			return false
		}
		n[i] = byte(x)
		b = b[min(end+1, len(b)):]
	}
	text := p.address.text[:0]
	for i, x := range n[:4] {
		if i > 0 {
			text = append(text, '.')
		}
		text = appendOctet10(text, x)
	}
	p.address.length = uint8(len(text))
	p.port = uint16(n[4])<<8 | uint16(n[5])
	return p.port != 0
}

// appendOctet10 appends an octet in decimal digits.
func appendOctet10(dst []byte, x byte) []byte {
	if x >= 100 {
		dst = append(dst, '0'+x/100)
	}
	if x >= 10 {
		dst = append(dst, '0'+x/10%10)
	}
	return append(dst, '0'+x%10)
}

// extended reads |family|address|port| with any mark between, of which the first two may be empty.
func (p *ftpPlace) extended(b []byte) bool {
	if at := bytes.IndexByte(b, '('); at >= 0 {
		b = b[at+1:]
	}
	if len(b) < 5 || isDigit(b[0]) {
		return false
	}
	mark := b[:1]
	_, rest, _ := bytes.Cut(b[1:], mark)
	address, rest, _ := bytes.Cut(rest, mark)
	number, _, ok := bytes.Cut(rest, mark)
	port, also := decimal(number)
	if !ok || !also || port == 0 || port > 65535 {
		return false
	}
	if len(address) > 0 {
		v4, is4 := addressOf(address)
		if _, is6 := address6Of(address); !is6 && (!is4 || !v4.IsValid()) {
			return false
		}
	}
	p.address.set(address)
	p.port = uint16(port)
	return true
}

// where says where the data connection of a transfer goes.
func (t *ftpTurn) where() {
	p := &t.s.place
	if p.port == 0 {
		return
	}
	dbSayShort(t.Message, &p.address, FTPDataAddress)
	t.Attrs.Uint(FTPDataPort, uint64(p.port))
	if p.server {
		t.Attrs.Text(FTPDataListener, "server")
	} else {
		t.Attrs.Text(FTPDataListener, "client")
	}
}

package app

import "bytes"

// What a command of FTP is.
const (
	ftpOther = iota
	ftpUser
	ftpSecret // its argument is none of our business
	ftpPort
	ftpPassive
	ftpAuth
	ftpTransfer
)

// ftpCommands are the commands there are (RFC 5797), the first one for those that are not known.
var ftpCommands = [...]struct {
	name string
	what uint8
}{
	{"", ftpOther},
	{"USER", ftpUser}, {"PASS", ftpSecret}, {"ACCT", ftpSecret}, {"ADAT", ftpSecret}, {"AUTH", ftpAuth},
	{"PORT", ftpPort}, {"EPRT", ftpPort}, {"PASV", ftpPassive}, {"EPSV", ftpPassive},
	{"RETR", ftpTransfer}, {"STOR", ftpTransfer}, {"STOU", ftpTransfer}, {"APPE", ftpTransfer}, {"LIST",
		ftpTransfer},
	{"NLST", ftpTransfer}, {"MLSD", ftpTransfer},
	{"ABOR", ftpOther}, {"ALLO", ftpOther}, {"CCC", ftpOther}, {"CDUP", ftpOther}, {"CLNT", ftpOther},
	{"CWD", ftpOther},
	{"DELE", ftpOther}, {"FEAT", ftpOther}, {"HELP", ftpOther}, {"HOST", ftpOther}, {"LANG", ftpOther},
	{"MDTM", ftpOther},
	{"MFMT", ftpOther}, {"MKD", ftpOther}, {"MLST", ftpOther}, {"MODE", ftpOther}, {"NOOP", ftpOther},
	{"OPTS", ftpOther},
	{"PBSZ", ftpOther}, {"PROT", ftpOther}, {"PWD", ftpOther}, {"QUIT", ftpOther}, {"REIN", ftpOther},
	{"REST", ftpOther},
	{"RMD", ftpOther}, {"RNFR", ftpOther}, {"RNTO", ftpOther}, {"SITE", ftpOther}, {"SIZE", ftpOther},
	{"SMNT", ftpOther},
	{"STAT", ftpOther}, {"STRU", ftpOther}, {"SYST", ftpOther}, {"TYPE", ftpOther}, {"XCUP", ftpOther},
	{"XCWD", ftpOther},
	{"XMKD", ftpOther}, {"XPWD", ftpOther}, {"XRMD", ftpOther}, {"XCRC", ftpOther}, {"XMD5", ftpOther},
	{"XSHA1", ftpOther},
}

// ftpNamed returns the position of the command that a line begins with, 0 if it is not known.
func ftpNamed(line []byte) uint8 {
	word, _, _ := bytes.Cut(line, []byte{' '})
	for i, c := range ftpCommands {
		if i > 0 && equalUpper(word, c.name) {
			return uint8(i)
		}
	}
	return 0
}

// says reads a line of the client (RFC 959, section 4.1).
func (t *ftpTurn) says(line []byte) {
	s := t.s
	n := ftpNamed(line)
	c := &ftpCommands[n]
	if s.astray {
		if n == 0 {
			t.Pass()
			return
		}
		s.asks.n, s.astray = 0, false
	}
	s.asked = true
	if s.early > 0 {
		s.early-- // it was answered before it was seen
		t.Notice()
	} else if t.Request(0); !s.asks.ask(n) {
		t.Malformed(ftpFlawAhead)
	}
	if word, _, _ := bytes.Cut(line, []byte{' '}); n == 0 {
		if len(word) == 0 || len(word) > 12 || !ftpLetters(word) {
			t.Malformed(ftpFlawCommand)
			return
		}
		var upper [12]byte
		t.Attrs.Bytes(FTPCommand, upper[:imapUpper(upper[:], word)])
		return
	}
	argument := bytes.TrimSpace(line[len(c.name):])
	t.Attrs.Text(FTPCommand, c.name)
	t.does(n, argument)
}

// does says what a command is about.
func (t *ftpTurn) does(n uint8, argument []byte) {
	s, c := t.s, &ftpCommands[n]
	if c.what == ftpUser {
		s.try.set(argument)
	}
	if c.what == ftpUser || c.what == ftpSecret {
		dbSayShort(t.Message, &s.try, FTPLogin, FlowUser)
		return
	}
	dbSayShort(t.Message, &s.user, FTPLogin, FlowUser)
	if c.name != "SITE" { // which may set passwords
		sayText(&t.Attrs, FTPArgument, argument)
	}
	switch c.what {
	case ftpPort:
		t.place(argument, false, c.name == "EPRT")
		t.where()
	case ftpTransfer:
		s.what.n = 0
		s.what.add(cut(argument, len(s.what.text)-1))
		t.where()
	}
}

// reply reads a line of the server (RFC 959, section 4.2).
func (t *ftpTurn) reply(line []byte) Verdict {
	s := t.s
	code, ok := decimal(cut(line, 3))
	ends := len(line) == 3 || len(line) > 3 && line[3] == ' '
	ok = ok && code >= 100 && code < 660 && (ends || len(line) > 3 && line[3] == '-')
	ends = ends && ok
	switch {
	case s.multi != 0 && (!ends || uint16(code) != s.multi):
		return Accept // whatever is between
	case s.multi != 0:
		s.multi = 0
	case !ok && s.astray:
		t.Pass()
		return Accept
	case !ok:
		t.Malformed(ftpFlawReply)
		return Accept
	default:
		s.astray = false
		s.final = t.replies(code, line[min(len(line), 4):])
		if !ends {
			s.multi = uint16(code)
			return Accept
		}
	}
	if s.final {
		t.Finish()
	}
	if s.tls {
		s.tls = false
		t.Become(&TLS)
	}
	return Accept
}

// replies reads the first line of a reply and tells whether it ends a transaction.
func (t *ftpTurn) replies(code uint64, text []byte) bool {
	s := t.s
	if !s.greeted {
		if s.greeted = true; !t.Lost {
			t.Attrs.Uint(FTPCode, code)
			sayText(&t.Attrs, ftpGreeting, text)
			t.Notice()
			return false
		}
	}
	t.Attrs.Uint(FTPCode, code)
	sayText(&t.Attrs, ftpText, text)
	if s.transfers != 0 && ftpEnds(code) {
		t.ends()
		return false
	}
	if code < 200 && (s.asks.n == 0 || ftpCommands[s.asks.kinds[s.asks.head]].what != ftpTransfer) {
		t.Interim(0)
		return false
	}
	n, ok := s.asks.next(t.Lost)
	if !ok && !s.asked && s.early < 255 {
		s.early++ // its command is seen behind it
		return false
	}
	t.Response(0)
	t.answers(n, code, text)
	return true
}

// ftpEnds reports whether a code is of the reply that ends a transfer.
func ftpEnds(code uint64) bool {
	switch code {
	case 226, 250, 425, 426, 450, 451, 452, 550, 551, 552, 553:
		return true
	}
	return false
}

// ends says that a transfer is over.
func (t *ftpTurn) ends() {
	s := t.s
	t.Attrs.Text(FTPCommand, ftpCommands[s.transfers].name)
	sayText(&t.Attrs, FTPArgument, s.what.bytes())
	dbSayShort(t.Message, &s.user, FTPLogin, FlowUser)
	t.where()
	t.Notice()
	s.transfers, s.place = 0, ftpPlace{}
}

// answers takes in what a reply changes.
func (t *ftpTurn) answers(n uint8, code uint64, text []byte) {
	s := t.s
	switch ftpCommands[n].what {
	case ftpUser, ftpSecret:
		if code == 230 || code == 232 {
			s.user = s.try
		}
	case ftpPassive:
		if code == 227 || code == 229 {
			t.place(text, true, code == 229)
			t.where()
		}
	case ftpAuth:
		s.tls = code == 234
	case ftpTransfer:
		if code < 200 {
			s.transfers = n
		}
	}
}

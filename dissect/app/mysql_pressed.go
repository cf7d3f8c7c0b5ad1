package app

// mysqlPressedHeader is the length of the header of a compressed packet.
const mysqlPressedHeader = 7

// pressed reads a packet of a compressed connection, whose header is longer. Those that were too
// short to compress have others in them as they are.
func (t *mysqlTurn) pressed() Verdict {
	s := t.s
	n := mysqlPressedHeader
	if t.Len() < n {
		t.Skip(n)
		return More
	}
	if t.Lost && t.Len() != n+t.size {
		return Reject
	}
	plain := t.Peek()[4]|t.Peek()[5]|t.Peek()[6] == 0
	begins := t.Dir != s.server && t.seq == 0
	if begins && plain {
		n += min(t.size, mysqlHeader+1+dbLooked)
	}
	if t.Len() < n {
		t.Skip(n)
		return More
	}
	switch {
	case begins:
		t.pressedCommand(t.Peek()[mysqlPressedHeader:n])
		s.asked = mysqlQueue{}
		s.said = false
	case t.Dir == s.server && !s.said:
		t.Response(0)
		s.said = true
	}
	t.Skip(n)
	t.Ahead(uint64(mysqlPressedHeader + t.size - n))
	return Accept
}

// pressedCommand reads a command that is there in clear, or says that there is one.
func (t *mysqlTurn) pressedCommand(b []byte) {
	if len(b) <= mysqlHeader {
		t.who()
		t.Request(0)
		return
	}
	size := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	b = b[mysqlHeader:min(len(b), mysqlHeader+max(size, 1))]
	t.obey(b, max(size, 1))
}

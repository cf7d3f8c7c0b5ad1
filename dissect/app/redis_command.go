package app

import "bytes"

// command reads the begin of a command: its name and its first argument.
func (t *redisTurn) command() Verdict {
	if t.s.begun && len(t.b) > 0 && t.b[0] != '*' {
		return t.inline()
	}
	line, ok, never := t.line(redisLength)
	switch {
	case never:
		return t.broken(redisFlawLine)
	case !ok:
		return t.wait()
	}
	if len(line) == 0 || line[0] != '*' {
		return t.broken(redisFlawNumber)
	}
	n, ok := decimal(line[1:])
	if !ok || n > redisElements || n == 0 && !t.s.begun {
		return t.broken(redisFlawNumber)
	}
	if n == 0 {
		return t.used(0)
	}
	name, rest, v := t.bulk(redisCommand + 1)
	switch {
	case v == Reject, v == Accept && (rest != 2 || !redisName(name)):
		return t.broken(redisFlawNumber)
	case v == More || len(t.b) < 2:
		return t.wait()
	}
	t.b = t.b[2:]
	var upper [redisCommand + 1]byte
	for i, c := range name {
		if upper[i] = c; 'a' <= c && c <= 'z' {
			upper[i] = c &^ 0x20
		}
	}
	return t.argument(upper[:len(name)], n-1)
}

// redisName reports whether b can be the name of a command.
func redisName(b []byte) bool {
	for i, c := range b {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c != '.' && c != '_' && c != '-' && !isDigit(c)) {
			return false
		}
	}
	return len(b) > 0 && len(b) <= redisCommand
}

// argument reads the first of n arguments, and says the command.
func (t *redisTurn) argument(name []byte, n uint64) Verdict {
	var key []byte
	rest := uint64(0)
	if n > 0 {
		var v Verdict
		key, rest, v = t.bulk(dbMaxText)
		switch v {
		case Reject:
			return t.broken(redisFlawNumber)
		case More:
			return t.wait()
		}
	}
	s := t.s
	if !s.begun {
		s.begun, s.client = true, t.Dir
	}
	auth := string(name) == "AUTH"
	if auth && n == 2 {
		s.user.set(key)
	}
	t.who()
	t.Attrs.Bytes(DBOperation, name)
	if n > 0 && !auth {
		t.Attrs.Bytes(DBKey, key)
	}
	t.Request(0)
	s.left[t.Dir] = n - min(n, 1)
	s.expect(name, n)
	return t.used(rest)
}

func (t *redisTurn) who() {
	t.Attrs.Text(DBSystem, "redis")
	dbSayShort(t.Message, &t.s.user, DBUser, FlowUser)
}

// expect notes how a command is answered that is not answered once.
func (s *redisState) expect(name []byte, n uint64) {
	switch string(name) {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		s.subscribes = true
		if int(s.n) < len(s.all) {
			s.all[(int(s.head)+int(s.n))%len(s.all)] = uint16(max(1, min(n, 1<<15)))
			s.n++
		}
	case "MONITOR", "SYNC", "PSYNC":
		s.streams = true
	}
}

// inline reads a command as people type it.
func (t *redisTurn) inline() Verdict {
	line, ok, never := t.line(redisLine)
	switch {
	case never:
		return t.broken(redisFlawLine)
	case !ok:
		return t.wait()
	}
	name, _, _ := bytes.Cut(bytes.TrimLeft(line, " "), []byte{' '})
	if !redisName(name) {
		return t.broken(redisFlawKind)
	}
	t.who()
	t.Attrs.Bytes(DBOperation, name)
	t.Request(0)
	return t.used(0)
}

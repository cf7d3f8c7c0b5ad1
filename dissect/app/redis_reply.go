package app

import "bytes"

// element reads an element: of a command, or of a reply, which it may begin.
func (t *redisTurn) element(client bool) Verdict {
	line, ok, never := t.line(redisLine)
	switch {
	case never:
		return t.broken(redisFlawLine)
	case !ok:
		return t.wait()
	case len(line) == 0:
		return t.broken(redisFlawKind)
	}
	left := &t.s.left[t.Dir]
	first := *left == 0
	after := *left - min(*left, 1)
	skip := uint64(0)
	switch line[0] {
	case '+', '-', ':', '_', '#', ',', '(':
	case '$', '!', '=':
		if string(line[1:]) == "-1" {
			break
		}
		n, ok := decimal(line[1:])
		if !ok || n > redisBulk {
			return t.broken(redisFlawNumber)
		}
		skip = n + 2
	case '*', '~', '>', '%', '|':
		if string(line[1:]) == "-1" {
			break
		}
		n, ok := decimal(line[1:])
		if !ok || after+2*n > redisDepth || client {
			return t.broken(redisFlawNumber)
		}
		if line[0] == '%' || line[0] == '|' {
			n *= 2
		}
		if after += n; line[0] == '|' { // attributes come before what they are of
			after++
		}
	default:
		return t.broken(redisFlawKind)
	}
	return t.reply(line, replied{client, first, after, skip})
}

// replied is an element.
type replied struct {
	client, first bool
	after         uint64 // elements that follow
	skip          uint64 // octets of it that are not here
}

// reply says what an element is.
func (t *redisTurn) reply(line []byte, x replied) Verdict {
	s := t.s
	pushes := x.first && !x.client && x.after >= 2 &&
		(line[0] == '>' || line[0] == '*' && s.subscribes)
	if pushes {
		return t.push(x)
	}
	s.left[t.Dir] = x.after
	if x.client {
		return t.used(x.skip)
	}
	if x.first {
		t.Response(0)
		s.notice = false
		if line[0] == '-' {
			t.fails(line[1:])
		}
	}
	if x.after == 0 && !s.notice {
		t.Finish()
	}
	return t.used(x.skip)
}

// fails says an error, without the arguments that it repeats.
func (t *redisTurn) fails(text []byte) {
	text, _, _ = bytes.Cut(text, []byte(", with args"))
	kind, _, _ := bytes.Cut(text, []byte{' '})
	t.Attrs.Bytes(DBErrorKind, kind)
	t.Attrs.Bytes(DBError, text)
}

// push reads the begin of what may be for a subscriber: its kind, and the channel.
func (t *redisTurn) push(x replied) Verdict {
	s := t.s
	kind, rest, v := t.bulk(redisCommand)
	if v == Accept && len(t.b) < 2 {
		v = More
	}
	switch {
	case v == More:
		return t.wait()
	case v == Reject || rest != 2: // something else
		s.left[t.Dir], s.notice = x.after, false
		t.b = t.Peek()[bytes.IndexByte(t.Peek(), '\n')+1:]
		t.Response(0)
		return t.used(0)
	}
	t.b = t.b[2:]
	confirms := bytes.HasSuffix(kind, []byte("subscribe"))
	if bytes.HasSuffix(kind, []byte("message")) || !confirms && t.Peek()[0] == '>' {
		return t.publish(kind, x)
	}
	s.left[t.Dir], s.notice = x.after-1, false
	switch {
	case confirms && s.n > 0:
		if s.got++; s.got == 1 {
			t.Response(0)
		}
		s.notice = s.got < s.all[s.head] // the last one finishes
		if !s.notice {
			s.got, s.head, s.n = 0, uint8((int(s.head)+1)%len(s.all)), s.n-1
		}
	case confirms:
		s.notice = true
	default:
		t.Response(0)
	}
	return t.used(0)
}

// publish says what a subscriber is told, but not the text.
func (t *redisTurn) publish(kind []byte, x replied) Verdict {
	before := t.b
	channel, rest, v := t.bulk(dbMaxText)
	if v == More {
		return t.wait()
	}
	t.s.left[t.Dir], t.s.notice = x.after-1, true
	t.who()
	if v == Reject { // no text, but something else
		t.Attrs.Bytes(DBOperation, kind)
		t.Notice()
		t.b = before
		return t.used(0)
	}
	t.s.left[t.Dir]--
	t.Attrs.Bytes(DBOperation, kind)
	t.Attrs.Bytes(DBKey, channel)
	t.Notice()
	return t.used(rest)
}

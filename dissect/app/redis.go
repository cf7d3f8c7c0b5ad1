package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Redis is RESP, version 2 and 3 (redis.io, "Redis serialization protocol specification"), as Redis, Valkey
// and KeyDB speak it. A message is the begin of a command, or an element of it or of a reply. What is
// published for a subscriber is a notice.
var Redis = Dissector{
	Name: "redis", Number: 182,
	Doc:    "Redis: commands with their keys, errors, and what subscribers are told.",
	TCP:    on(6379),
	First:  "*",
	Fields: []*flow.Field{FlowUser, DBSystem, DBUser, DBOperation, DBKey, DBError, DBErrorKind},
	Pair:   InOrder,
	State:  unsafe.Sizeof(redisState{}),
	Parse:  parseRedis,
}

// Flaws of Redis.
const (
	redisFlawNumber = "Redis: a length that is no number, or that cannot be"
	redisFlawKind   = "Redis: an element of a kind that does not exist"
	redisFlawLine   = "Redis: a line without end"
)

const (
	redisLine     = 4096    // octets of a line that is waited for
	redisLength   = 32      // octets of a line with a length
	redisElements = 1 << 20 // of a command
	redisBulk     = 1 << 29
	redisCommand  = 24 // octets of the longest name of a command
	redisDepth    = 1 << 40
)

// redisState is what is known of a connection.
type redisState struct {
	begun      bool
	client     flow.Dir
	left       [2]uint64 // elements that belong to what the side says
	subscribes bool      // published messages may come
	notice     bool      // what the server says is one
	streams    bool      // the connection is for something else: MONITOR, a replica
	all        [8]uint16 // replies to each subscription that is not confirmed
	head, n    uint8
	got        uint16
	user       dbShort
}

// redisTurn is a message.
type redisTurn struct {
	*Message
	s *redisState
	b []byte // what is left of it
}

func parseRedis(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := redisTurn{Message: m, s: Memory[redisState](m), b: m.Peek()}
	switch {
	case !t.s.begun && !t.begins():
		return Reject
	case t.s.begun && m.Lost && !t.resumes():
		return Reject
	}
	client := m.Dir == t.s.client || !t.s.begun
	switch {
	case t.s.streams && !client:
		m.Ahead(ToEnd)
		return Accept
	case client && t.s.left[m.Dir] == 0:
		return t.command()
	}
	return t.element(client)
}

// begins reports whether a side may be a client that says its first command.
func (t *redisTurn) begins() bool {
	if t.Lost {
		return t.Dir == flow.Forward && t.DstPort == 6379 || t.Dir == flow.Reverse && t.SrcPort == 6379
	}
	return t.Dir == flow.Forward
}

// resumes reports whether something begins behind a hole.
func (t *redisTurn) resumes() bool {
	kinds := "+-:$*_#,(!=%~>|"
	if t.Dir == t.s.client {
		kinds = "*"
	}
	if len(t.b) == 0 || bytes.IndexByte([]byte(kinds), t.b[0]) < 0 || bytes.IndexByte(t.b, '\n') < 1 {
		return false
	}
	t.s.left[t.Dir], t.s.notice = 0, false
	return true
}

// line takes a line of at most so many octets. Without one it is not ok, and there is none if there will
// not be one.
func (t *redisTurn) line(most int) (line []byte, ok, never bool) {
	n := bytes.IndexByte(t.b[:min(len(t.b), most)], '\n')
	switch {
	case n < 1 && len(t.b) >= most, n == 0, n > 0 && t.b[n-1] != '\r':
		return nil, false, true
	case n < 0:
		return nil, false, false
	}
	line, t.b = t.b[:n-1], t.b[n+1:]
	return line, true, false
}

// used consumes what was taken, and skips n octets behind it.
func (t *redisTurn) used(n uint64) Verdict {
	t.Skip(t.Len() - len(t.b))
	t.Ahead(n)
	return Accept
}

// wait asks for more of a message.
func (t *redisTurn) wait() Verdict {
	t.Skip(t.Len() + 1)
	return More
}

// broken gives a side up.
func (t *redisTurn) broken(flaw string) Verdict {
	if !t.s.begun {
		return Reject
	}
	t.Malformed(flaw)
	t.Ahead(ToEnd)
	return Accept
}

// bulk takes an argument, of which at most some octets are looked at; rest are the others, with the end.
func (t *redisTurn) bulk(look int) (b []byte, rest uint64, v Verdict) {
	line, ok, never := t.line(redisLength)
	switch {
	case never:
		return nil, 0, Reject
	case !ok:
		return nil, 0, More
	}
	if len(line) == 0 || line[0] != '$' {
		return nil, 0, Reject
	}
	n, ok := decimal(line[1:])
	if !ok || n > redisBulk {
		return nil, 0, Reject
	}
	take := min(int(n), look)
	if len(t.b) < take {
		return nil, 0, More
	}
	b, t.b = t.b[:take], t.b[take:]
	return b, n - uint64(take) + 2, Accept
}

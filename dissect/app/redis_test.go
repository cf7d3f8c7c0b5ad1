package app

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzRedis(f *testing.F) { fuzzPieces(f, &Redis) }

// redisTalk is a conversation in turns, of the client first.
func redisTalk(says ...string) *conversation {
	talk := &conversation{proto: 6, srcPort: 40000, dstPort: 6379}
	for i, s := range says {
		talk.turns = append(talk.turns, turn{dir: flow.Dir(i % 2), octets: []byte(s)})
	}
	return talk
}

const redisPing = "*1\r\n$4\r\nPING\r\n"

// TestRedisSays holds what is made of conversations: how each event ended, its operation and key.
func TestRedisSays(t *testing.T) {
	for _, c := range []struct {
		name string
		talk *conversation
		want string
	}{
		{"in order", redisTalk(redisPing+"*2\r\n$3\r\nget\r\n$1\r\na\r\n", "+PONG\r\n$-1\r\n"),
			"transaction PING, transaction GET a"},
		{"nested", redisTalk(redisPing+redisPing, "*2\r\n*0\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n+PONG\r\n"),
			"transaction PING, transaction PING"},
		{"a map with attributes", redisTalk(redisPing+redisPing, "|1\r\n+a\r\n:1\r\n%1\r\n+k\r\n_\r\n+PONG\r\n"),
			"transaction PING, transaction PING"},
		{"inline", redisTalk(redisPing, "+PONG\r\n", "ping\r\n", "+PONG\r\n"), "transaction PING, transaction ping"},
		{"a stream", redisTalk("*1\r\n$7\r\nMONITOR\r\n", "+OK\r\n+1339518083.107412 [0 x] \"get\" \"x\"\r\n"),
			"unanswered MONITOR"},
		{"a password alone", redisTalk("*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n", "+OK\r\n"), "transaction AUTH"},
		{"an error in between", redisTalk("*1\r\n$1\r\nX\r\n"+redisPing, "-ERR unknown command 'X', with args"+
			" beginning with: 'hunter2'\r\n+PONG\r\n"), "transaction X, transaction PING"},
	} {
		for _, x := range []*conversation{c.talk, shredded(c.talk)} {
			var got []string
			o := drive(x, &Redis)
			for _, e := range o.events {
				got = append(got, strings.TrimSpace(e.Kind+" "+e.Fields["DB_OPERATION"]+" "+e.Fields["DB_KEY"]))
				for _, v := range e.Fields {
					if strings.Contains(v, "hunter2") {
						t.Errorf("%s: a secret is kept: %v", c.name, e.Fields)
					}
				}
			}
			if s := strings.Join(got, ", "); s != c.want || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: %s, want %s; %v, rejected by %v", c.name, s, c.want, o.faults, o.rejected)
			}
		}
	}
}

// TestRedisFlaws holds what is said of what should not be.
func TestRedisFlaws(t *testing.T) {
	for _, c := range []struct {
		name string
		talk *conversation
		want string
	}{
		{"a length that is no number", redisTalk(redisPing, "$x\r\n"), redisFlawNumber},
		{"a length beyond all bounds", redisTalk(redisPing, "$999999999999\r\n"), redisFlawNumber},
		{"elements beyond all bounds", redisTalk(redisPing, "*999999999999999999\r\n"), redisFlawNumber},
		{"a kind that does not exist", redisTalk(redisPing, "?\r\n"), redisFlawKind},
		{"a line without end", redisTalk(redisPing, "+"+strings.Repeat("x", redisLine)), redisFlawLine},
		{"an end without return", redisTalk(redisPing, "+x\n"), redisFlawLine},
		{"a command of something else", redisTalk(redisPing, "+PONG\r\n", "*1\r\n:1\r\n"), redisFlawNumber},
	} {
		for _, x := range []*conversation{c.talk, shredded(c.talk)} {
			o, flaw := drive(x, &Redis), ""
			for _, m := range o.messages {
				flaw += m.Flaw
			}
			if flaw != c.want || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: flaw %q, want %q; %v, rejected by %v", c.name, flaw, c.want, o.faults, o.rejected)
			}
		}
	}
}

// TestRedisRefuses holds what is not Redis.
func TestRedisRefuses(t *testing.T) {
	for _, said := range []string{"*\r\n", "*0\r\n", "*1\r\n:1\r\n", "*1\r\n$1\r\n\x01\r\n", "* OK IMAP\r\n",
		"*1\r\n$99\r\nget\r\n", "PING\r\n"} {
		if o := drive(redisTalk(said), &Redis); len(o.messages) > 0 {
			t.Errorf("%q is taken for Redis", said)
		}
	}
	m := Message{Stream: true, State: make([]byte, Redis.State)}
	if m.Show([]byte("\r\n"), flow.Forward); Redis.Ask(&m) != Reject {
		t.Error("an empty line is taken for Redis")
	}
}

// TestRedisOracle compares errors with what tshark says. Its dissector does not tell commands from values,
// so that these are compared in the golden file only.
func TestRedisOracle(t *testing.T) {
	dbCompare(t, &Redis, dbCaptures(t, "redis", ""), []dbJudge{
		{"resp.error", dbSays("DB_ERROR_MESSAGE", ""), func(s string) (string, bool) {
			s, _, _ = strings.Cut(s, ", with args")
			return s, true
		}},
	}, nil)
}

package worker

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/app"
)

// Two small protocols. In the first, lines over TCP, responses come in the order of requests:
//
//	GET text          request
//	PUT n text        request that n octets follow
//	OK n text         response that n octets follow; n is * for all there will be
//	WAIT text         response that is not final
//	NOTE text         neither
//	BAD text          as NOTE, malformed
//	SWITCH            response, after which the lines are those of a dialect
//	QUIT              nothing more is wanted
//	REST              of something that is not understood
var lineDissector = &app.Dissector{
	Name: "line", Doc: "Lines.", Number: 1001, TCP: []uint16{7001},
	Fields: []*flow.Field{lineAsked, lineSaid, lineNoted, lineLost},
	Pair:   app.InOrder, State: unsafe.Sizeof(lineMemory{}), Parse: parseLine,
}

// dialectDissector understands the same lines, but only after a switch.
var dialectDissector = &app.Dissector{
	Name: "dialect", Doc: "Lines of a dialect.", Number: 1002, TCP: []uint16{0},
	Fields: []*flow.Field{lineDialect}, Pair: app.InOrder, Parse: parseDialect,
}

// In the second, datagrams, requests and responses have keys:
//
//	Qk text, Rk text, Ik text, Nk text: request, response, interim response and notice
//	X text: malformed; D: done; W: wait for another
var keyDissector = &app.Dissector{
	Name: "key", Doc: "Datagrams with keys.", Number: 1003, UDP: []uint16{7002}, SCTP: []uint16{7002},
	Fields: []*flow.Field{keyAsked, keySaid}, Pair: app.ByKey, Parse: parseKey,
}

// slowDissector wants everything and never decides.
var slowDissector = &app.Dissector{
	Name: "slow", Doc: "Undecided.", TCP: []uint16{0}, UDP: []uint16{0},
	Parse: func(m *app.Message) app.Verdict {
		if m.Len() > 0 && m.Peek()[0] == '~' {
			return app.More
		}
		return app.Reject
	},
}

// hastyDissector takes whatever begins with GE for its own.
var hastyDissector = &app.Dissector{
	Name: "hasty", Doc: "Hasty.", TCP: []uint16{0},
	Parse: func(m *app.Message) app.Verdict {
		if b := m.Rest(); len(b) < 2 || string(b[:2]) != "GE" {
			return app.Reject
		}
		m.Notice()
		return app.Accept
	},
}

type lineMemory struct{ lines uint32 }

var (
	lineAsked   = textField("LINE_ASKED", 16000)
	lineSaid    = textField("LINE_SAID", 16001)
	lineNoted   = textField("LINE_NOTED", 16002)
	lineDialect = textField("LINE_DIALECT", 16003)
	lineLost    = textField("LINE_LOST", 16004)
	keyAsked    = textField("KEY_ASKED", 16005)
	keySaid     = textField("KEY_SAID", 16006)
	keyCount    = &flow.Field{
		Element: flow.Element{Label: "KEY_COUNT", ID: 16007, PEN: flow.Weir}, Type: flow.Unsigned32,
	}
)

func textField(label string, id uint16) *flow.Field {
	return &flow.Field{Element: flow.Element{Label: label, ID: id, PEN: flow.Weir}, Type: flow.String, Width: 8}
}

// testSchema numbers the fields of the probe and of the tests.
var testSchema = sync.OnceValue(func() *flow.Schema {
	own := []*flow.Field{lineAsked, lineSaid, lineNoted, lineDialect, lineLost, keyAsked, keySaid, keyCount}
	s, err := flow.Compile(append(flow.All(), app.Fields(), own)...)
	if err != nil {
		panic(err)
	}
	return s
})

var words7 = [...]string{"GET ", "PUT ", "OK ", "WAIT ", "NOTE ", "BAD ", "SWITCH", "QUIT", "REST "}

func parseLine(m *app.Message) app.Verdict {
	b := m.Peek()
	known := ""
	for _, word := range words7 {
		n := min(len(b), len(word))
		if string(b[:n]) == word[:n] {
			known = word
		}
	}
	if known == "" {
		return app.Reject
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 && !m.Closed {
		return app.More
	}
	if end < 0 {
		end = len(b) - 1
	}
	text := bytes.TrimSpace(b[:end+1])
	text = text[min(len(known), len(text)):]
	m.Skip(end + 1)
	app.Memory[lineMemory](m).lines++
	if m.Lost {
		m.Attrs.Text(lineLost, "yes")
	}
	return speakLine(m, known, text)
}

func speakLine(m *app.Message, word string, text []byte) app.Verdict {
	var n []byte
	switch word {
	case "GET ":
		m.Request(0)
		m.Attrs.Bytes(lineAsked, text)
	case "PUT ":
		n, text, _ = bytes.Cut(text, []byte(" "))
		m.Request(0)
		m.Attrs.Bytes(lineAsked, text)
		m.Ahead(number(n))
	case "OK ":
		n, text, _ = bytes.Cut(text, []byte(" "))
		m.Response(0)
		m.Finish()
		m.Attrs.Bytes(lineSaid, text)
		m.Ahead(number(n))
	case "WAIT ":
		m.Interim(0)
	case "NOTE ":
		m.Attrs.Bytes(lineNoted, text)
	case "BAD ":
		m.Malformed("a bad line")
	case "SWITCH":
		m.Response(0)
		m.Finish()
		m.Become(dialectDissector)
	case "REST ":
		m.Pass()
	case "QUIT":
		return app.Done
	}
	return app.Accept
}

// number reads a number, and * as everything.
func number(b []byte) (n uint64) {
	if string(b) == "*" {
		return app.ToEnd
	}
	for _, c := range b {
		n = n*10 + uint64(c-'0')
	}
	return n
}

func parseDialect(m *app.Message) app.Verdict {
	b := m.Peek()
	if len(b) > 0 && b[0] != '<' {
		return app.Reject
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return app.More
	}
	m.Attrs.Bytes(lineDialect, m.Bytes(end + 1)[1:end])
	m.Notice()
	return app.Accept
}

func parseKey(m *app.Message) app.Verdict {
	kind, key := m.U8(), uint64(m.U8())
	text := m.Rest()
	switch kind {
	case 'Q':
		m.Request(key)
		m.Attrs.Bytes(keyAsked, text)
	case 'R':
		m.Response(key)
		m.Attrs.Bytes(keySaid, text)
	case 'I':
		m.Interim(key)
		if len(text) > 0 {
			m.Attrs.Bytes(keySaid, text)
		}
	case 'N':
		m.Notice()
		m.Attrs.Bytes(keySaid, text)
	case 'X':
		m.Malformed("a bad datagram")
		return app.Reject
	case 'D':
		return app.Done
	case 'W':
		return app.More
	default:
		return app.Reject
	}
	return app.Accept
}

// looking is the configuration of tests of dissectors.
func looking() Config {
	conf := usual()
	testSchema()
	conf.Streams, conf.StreamMemory, conf.Transactions = 100, 1<<20, 100
	conf.TransactionTimeout = 5 * time.Second
	conf.Dissectors = []*app.Dissector{slowDissector, lineDissector, dialectDissector, keyDissector}
	conf.Linger = time.Second
	return conf
}

// says returns a packet with a payload; the text may have {n} for n octets of a body.
func (p pkt) says(text string) nic.Frame {
	octets := expand(text)
	p.payload = len(octets)
	b := p.bytes()
	header := 14 + 20 + 20
	if p.flags == "" {
		header -= 20 - 8
	}
	copy(b[header:], octets) // frames are filled up to 60 octets
	return framed(b, epoch+uint64(p.at))
}

// expand replaces {n} by n octets.
func expand(text string) []byte {
	for {
		before, rest, ok := strings.Cut(text, "{")
		if !ok {
			return []byte(text)
		}
		count, after, _ := strings.Cut(rest, "}")
		n, _ := strconv.Atoi(count)
		text = before + strings.Repeat(".", n) + after
	}
}

// spoken is what an event or a flow says beyond its record: "LABEL=value" in the order of labels,
// without those that depend on how packets were cut and when they came.
func spoken(v *flow.View, timed bool) string {
	var all []string
	for _, f := range testSchema().Fields {
		if !strings.HasPrefix(f.Label, "LINE_") && !strings.HasPrefix(f.Label, "KEY_") &&
			!strings.HasPrefix(f.Label, "TRANSACTION") {
			continue
		}
		if !timed && (f.Type == flow.DateTimeMicroseconds || strings.HasSuffix(f.Label, "_USEC") ||
			strings.HasSuffix(f.Label, "_PKTS")) {
			continue
		}
		if x, ok := v.Value(f); ok {
			text := string(f.Text(nil, x))
			if f.Type == flow.DateTimeMicroseconds {
				text = time.Duration(x.U - epoch).String()
			}
			all = append(all, strings.TrimPrefix(f.Label, "TRANSACTION_")+"="+text)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// watch runs frames through a worker that looks into flows.
func watch(t testing.TB, conf Config, frames ...nic.Frame) *bench {
	t.Helper()
	b := newBench(t, &feed{frames: frames}, conf)
	b.run(0)
	b.idle()
	return b
}

// idle checks that nothing is left in use.
func (b *bench) idle() {
	b.t.Helper()
	r := b.report
	if r.Streams != 0 || r.StreamMemory != 0 || r.Transactions != 0 {
		b.t.Errorf("left in use: %d streams, %d octets, %d transactions", r.Streams, r.StreamMemory, r.Transactions)
	}
	if c := r.Counters; c[TransactionsDone] != c[Events]+c[EventsRingFull] || int(c[Events]) != len(b.events) {
		b.t.Errorf("%d transactions, %d events, %d lost, %d came", c[TransactionsDone], c[Events],
			c[EventsRingFull], len(b.events))
	}
}

// want compares what events and flows said with lines, one for each.
func (b *bench) want(what string, got []string, want ...string) {
	b.t.Helper()
	if !slices.Equal(got, want) {
		b.t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// said is what the events say with all times.
func (b *bench) said(timed bool) (all []string) {
	for i := range b.events {
		all = append(all, spoken(&b.events[i], timed))
	}
	return all
}

func (b *bench) found() (all []string) {
	for i := range b.flows {
		all = append(all, spoken(&b.flows[i], false))
	}
	return all
}

// keptView copies a message of the ring.
func keptView(t testing.TB, msg []byte) (v flow.View) {
	words := make([]uint64, (len(msg)+7)/8)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(msg)]
	copy(b, msg)
	if !v.Load(b) {
		t.Fatal("record cannot be read")
	}
	return v
}

package collect

import (
	"testing"
)

// varied writes a value that says its own length, of less than 255 octets.
func varied(b ...byte) []byte { return append([]byte{byte(len(b))}, b...) }

// Structured data (RFC 6313) says something of the flow it is in: values, records of a template, and runs of
// records of several. What contradicts itself is counted and costs nothing else.
func TestLists(t *testing.T) {
	inner := set(2, append(words(300, 1, 371, 65535), words(301, 2, 225, 4, 227, 2)...)...) // a name; an address and a port
	name := varied([]byte("ann")...)
	address := []byte{203, 0, 113, 9, 0x1f, 0x90}
	const all = 255 // the semantic allOf is 3, undefined 255
	run := func(id uint16, b []byte) []byte { return append(words(id, uint16(4+len(b))), b...) }
	for what, c := range map[string]struct {
		element uint16
		octets  []byte
		want    said
		bad     uint64
	}{
		"values": {291, append(append([]byte{all}, words(371, 65535)...), name...), said{"USERNAME": "ann"}, 0},
		"values of an enterprise": {291, append(append([]byte{all}, words(1<<15|33, 2)...), 0, 0, 0x1a, 0xd7, 0, 80),
			said{"YAF_APPLABEL": "80"}, 0},
		"records": {292, append(append([]byte{all}, words(301)...), address...),
			said{"POST_NAT_SRC_IPV4_ADDR": "203.0.113.9", "POST_NAPT_SRC_PORT": "8080"}, 0},
		"runs": {293, append(append([]byte{all}, run(300, name)...), run(301, address)...),
			said{"USERNAME": "ann", "POST_NAPT_SRC_PORT": "8080"}, 0},
		"nothing":                 {291, append([]byte{all}, words(371, 65535)...), said{}, 0},
		"values cut":              {291, append(append([]byte{all}, words(371, 65535)...), 9, 'a'), said{}, 1},
		"a template nobody knows": {292, append(append([]byte{all}, words(999)...), address...), said{}, 1},
		"a run that is too long":  {293, append([]byte{all}, words(301, 999, 1)...), said{}, 1},
		"a run of no length":      {293, append([]byte{all}, words(301, 0, 1)...), said{}, 1},
	} {
		t.Run(what, func(t *testing.T) {
			b := newBench(t, nil)
			outer := set(2, words(256, 2, 8, 4, c.element, 65535)...)
			record := append([]byte{192, 0, 2, 1}, varied(c.octets...)...)
			b.take(ipfixMessage(0, inner, outer, set(256, append(record[:len(record):len(record)], record...)...)), second)
			if len(b.records) != 2 {
				t.Fatalf("%d records, want 2", len(b.records))
			}
			for _, r := range b.records {
				for key, want := range c.want {
					if r[key] != want || r["IPV4_SRC_ADDR"] != "192.0.2.1" {
						t.Errorf("%s is %q, want %s", key, r[key], want)
					}
				}
			}
			b.counts(map[Counter]uint64{ListsBad: 2 * c.bad})
		})
	}
}

// Lists in lists are read as deep as there are some, and no deeper than is sensible.
func TestNestedLists(t *testing.T) {
	b := newBench(t, nil)
	templates := set(2, append(words(300, 1, 292, 65535), words(301, 1, 371, 65535)...)...)
	list := append(append([]byte{255}, words(301)...), varied('x')...)
	for range 10 {
		list = append(append([]byte{255}, words(300)...), varied(list...)...)
	}
	b.take(ipfixMessage(0, templates, set(2, words(256, 2, 8, 4, 292, 65535)...),
		set(256, append([]byte{192, 0, 2, 1}, varied(list...)...)...)), second)
	if len(b.records) != 1 || b.records[0]["USERNAME"] != "" {
		t.Errorf("got %v", b.records)
	}
	b.counts(map[Counter]uint64{ListsBad: 1})
}

// Times are those of the clock, in whatever unit and from whatever begin an exporter says them; the uptime of an
// exporter wraps after 49.7 days.
func TestTimes(t *testing.T) {
	const sent = 0x5f000000 // seconds: of messages of ipfixMessage
	ntp := func(seconds, fraction uint32) []byte {
		const since1900 = 2208988800
		return be.AppendUint32(be.AppendUint32(nil, seconds+since1900), fraction)
	}
	want := uint64(sent-10)*1000 + 500
	for what, c := range map[string]struct {
		element uint16
		octets  []byte
	}{
		"milliseconds":      {153, be.AppendUint64(nil, want)},
		"microseconds":      {155, ntp(sent-10, 1<<31)},
		"nanoseconds":       {157, ntp(sent-10, 1<<31)},
		"before the export": {159, be.AppendUint32(nil, 9_500_000)},
		"seconds":           {151, be.AppendUint32(nil, sent-10)},
	} {
		b := newBench(t, nil)
		b.take(ipfixMessage(0, set(2, words(256, 1, c.element, uint16(len(c.octets)))...), set(256, c.octets...)), second)
		exact := want
		if c.element == 151 {
			exact = uint64(sent-10) * 1000
		}
		if got := b.records[0]["FLOW_END_MILLISECONDS"]; got != plain(float64(exact)) {
			t.Errorf("%s: ended at %s, want %d", what, got, exact)
		}
	}
	b := newBench(t, nil)
	const uptime = 5000 // wrapped 5 s ago
	head := be.AppendUint32(be.AppendUint32(words(9, 2), uptime), sent)
	head = append(head, 0, 0, 0, 1, 0, 0, 0, 1)
	b.take(append(append(head, set(0, words(256, 2, 22, 4, 21, 4)...)...),
		set(256, be.AppendUint32(be.AppendUint32(nil, ^uint32(0)-4999), 1000)...)...), second)
	r := b.records[0]
	if r["FLOW_START_MILLISECONDS"] != plain(float64(sent*1000-10000)) || r["FLOW_END_MILLISECONDS"] != plain(float64(sent*1000-4000)) {
		t.Errorf("a flow over the wrap of the uptime is from %s to %s", r["FLOW_START_MILLISECONDS"], r["FLOW_END_MILLISECONDS"])
	}
}

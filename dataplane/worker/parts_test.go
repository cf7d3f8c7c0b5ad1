package worker

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
)

// broken returns the fragments of a datagram to port 7002, each with 8 octets of it but for the last.
func broken(id uint16, text string) (all []pkt, texts []string) {
	for at := 0; at < len(text); at += 8 {
		end := min(at+8, len(text))
		p := pkt{src: "a", dst: "b", sport: 40000, dport: 7002, id: id, offset: uint16(8 + at), more: end < len(text)}
		if at == 0 { // with the header of UDP
			p.offset = 0
		}
		all, texts = append(all, p), append(texts, text[at:end])
	}
	return all, texts
}

// fragmentsOf returns frames that carry fragments: of datagram 1, and "x1" to "x9" of datagram 2, or what is
// said in between.
func fragmentsOf(one, two string, order ...string) (frames []nic.Frame) {
	for i, what := range order {
		p, text := pkt{src: "a", dst: "b", sport: 40000, dport: 7002}, what
		id, of := uint16(1), one
		if n := strings.TrimPrefix(what, "x"); n != what {
			id, of, what = 2, two, n
		}
		if what >= "0" && what <= "9" {
			all, texts := broken(id, of)
			n := int(what[0] - '0')
			p, text = all[n], texts[n]
		}
		p.at = time.Duration(i) * 10 * time.Millisecond
		f := p.says(text)
		if p.offset > 0 { // there is no header of UDP to write behind
			copy(f.Bytes()[34:], text)
			f.Bytes()[17] = byte(20 + len(text))
		}
		frames = append(frames, f)
	}
	return frames
}

// A flow ends whose only datagram is incomplete, and nobody's.
func TestFragmentsOfNobody(t *testing.T) {
	for _, text := range []string{"Zabcdefghijklmnopqrstuvwxy", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"} {
		b := watch(t, looking(), fragmentsOf(text, "Q2ABCDEFGH", "0")...)
		if said := b.said(false); len(said) != 0 || b.report.Counters[Exported] != 1 {
			t.Errorf("%q: %q, %d records", text, said, b.report.Counters[Exported])
		}
	}
}

// TestDatagramsInFragments shows dissectors whole datagrams, as far as their fragments come in order, and what
// is there of others before anything else.
func TestDatagramsInFragments(t *testing.T) {
	asked := func(text string) string {
		return "ASKER=client KEY_ASKED=" + text + " PROTOCOL=key STATE=unanswered"
	}
	const text = "Q1abcdefghijklmnopqrstuvwxy" // 4 fragments
	whole := asked(text[2:])
	for _, c := range []struct {
		name  string
		order []string
		says  []string
		whole uint64
		cut   uint64
	}{
		{"in order", []string{"0", "1", "2", "3"}, []string{whole}, 1, 0},
		{"the first alone", []string{"0"}, []string{asked("abcdef")}, 0, 1},
		{"one comes twice", []string{"0", "1", "1", "2", "1", "3", "3"}, []string{whole}, 1, 0},
		{"one is lost", []string{"0", "1", "3"}, []string{asked("abcdefghijklmn")}, 0, 1},
		{"the last is lost", []string{"0", "1", "2"}, []string{asked("abcdefghijklmnopqrstuv")}, 0, 1},
		{"two at a time", []string{"0", "1", "x0", "x1", "2", "3"}, []string{asked("abcdefghijklmn"), asked("ABCDEFGH")}, 1, 1},
		{"two", []string{"0", "1", "2", "3", "x0", "x1"}, []string{whole, asked("ABCDEFGH")}, 1 + 1, 0},
		{"something else", []string{"0", "1", "Q3else", "2", "3"}, []string{asked("abcdefghijklmn"), asked("else")}, 0, 1},
		{"the first is later", []string{"1", "0", "2", "3"}, []string{asked("abcdef")}, 0, 1},
	} {
		frames := fragmentsOf(text, "Q2ABCDEFGH", c.order...)
		var said []string
		b := watch(t, looking(), frames...)
		for _, s := range b.said(false) {
			words := strings.Fields(s)
			kept := words[:0]
			for _, w := range words {
				if !strings.HasPrefix(w, "REQUEST_BYTES=") {
					kept = append(kept, w)
				}
			}
			said = append(said, strings.Join(kept, " "))
		}
		b.want(c.name, said, c.says...)
		if n := b.report.Counters; n[DatagramsWhole] != c.whole || n[DatagramsCut] != c.cut {
			t.Errorf("%s: %d whole, %d cut; want %d, %d", c.name, n[DatagramsWhole], n[DatagramsCut], c.whole, c.cut)
		}
	}
}

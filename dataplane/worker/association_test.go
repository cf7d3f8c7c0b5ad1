package worker

import (
	"encoding/binary"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dissect/app"
)

// control returns a chunk that carries no user data.
func control(kind byte, value string) string {
	return string([]byte{kind, 0, 0, byte(4 + len(value))}) + value + strings.Repeat("\x00", -len(value)&3)
}

// sctpFrames returns packets of an association, a second apart: "<" is from the server.
func sctpFrames(packets ...string) (all []nic.Frame) {
	for i, text := range packets {
		p := pkt{at: time.Duration(i) * time.Second, src: "a", dst: "b", sport: 40000, dport: 7002}
		if text[0] == '<' {
			p.src, p.dst, p.sport, p.dport = "b", "a", 7002, 40000
		}
		f := p.says("\x00\x00\x00\x00" + text[1:])
		f.Bytes()[23] = protoSCTP
		all = append(all, f)
	}
	return all
}

func initiates(kind byte, tag uint32, streams uint16) string {
	b := binary.BigEndian.AppendUint32(nil, tag)
	b = append(b, 0, 1, 0, 0)
	b = binary.BigEndian.AppendUint16(b, streams)
	return control(kind, string(append(b, 0, 10, 0, 0, 0, 1)))
}

// said returns what records say of SCTP, in the order of labels.
func sctpSaid(t *testing.T, v *flow.View, labels ...string) string {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, label := range labels {
		f := s.Named(label)
		if f == nil {
			t.Fatalf("%s is no field", label)
		}
		text := "-"
		if x, ok := v.Value(f); ok {
			text = string(f.Text(nil, x))
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

var bothWays = []string{"SCTP_CHUNKS_IN", "SCTP_DATA_IN", "SCTP_RETRANSMITTED_IN", "SCTP_LATE_IN", "SCTP_TAG_IN", "SCTP_STREAMS_IN",
	"SCTP_PPID_IN", "SCTP_ABORT_CAUSE_IN", "SCTP_STREAM_SUMS_IN", "SCTP_STATE"}

// TestAssociation meters an association from its beginning to its end, and the one that follows it.
func TestAssociation(t *testing.T) {
	data := func(tsn uint32, stream uint16, text string) string {
		return chunk{flags: alone, tsn: tsn, stream: stream, text: text}.octets()
	}
	frames := sctpFrames(">"+initiates(1, 0x1111, 5), "<"+initiates(2, 0x2222, 7), ">"+control(10, "cook"), "<"+control(11, ""),
		">"+data(1<<32-1, 0, "abc")+data(1, 3, "de"), ">"+data(0, 0, "f"), ">"+data(1, 3, "de"), ">"+data(100, 9, "late"), ">"+data(2, 1, "old"),
		"<"+control(3, "....")+data(7, 2, "xyz"), ">"+control(7, "...."), "<"+control(8, ""), ">"+control(14, ""),
		">"+initiates(1, 0x3333, 1), "<"+control(6, "\x00\x0c\x00\x04"))
	conf := usual()
	b := newBench(t, &feed{frames: frames}, conf)
	b.Step(0)
	b.Flush(0)
	b.drain()
	var got []string
	for i := range b.flows {
		got = append(got, fmt.Sprint(b.flows[i].End, " ", sctpSaid(t, &b.flows[i], bothWays...), " / ",
			sctpSaid(t, &b.flows[i], "SCTP_CHUNKS_OUT", "SCTP_TAG_OUT", "SCTP_STREAM_SUMS_OUT", "SCTP_ABORT_CAUSE_OUT")))
	}
	want := []string{
		"3 10 6 2 1 4369 5 0 - 0:2/4;3:1/2;9:1/4 closed / 5 8738 2:1/3 -",
		"4 1 0 0 0 13107 1 - - - aborted / 1 - - 12",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := range b.records {
		if v := b.flows[i]; sctpSaid(t, &v, "RETRANSMITTED_IN_PKTS", "TCP_WIN_MSS_IN", "TCP_FLAGS") != "- - -" {
			t.Error("it is said of SCTP what is of TCP")
		}
	}
}

// TestAssociationCut goes on with what it knows when a record is made of an association that lasts, and counts anew.
func TestAssociationCut(t *testing.T) {
	data := func(tsn uint32) string { return chunk{flags: alone, tsn: tsn, stream: 1, text: "abc"}.octets() }
	frames := sctpFrames(">"+initiates(1, 0x1111, 5), ">"+data(1), ">"+data(2), ">"+data(3), ">"+data(3), ">"+data(4))
	conf := usual()
	conf.Active = 3500 * time.Millisecond
	b := newBench(t, &feed{frames: frames, most: 1}, conf)
	for range frames {
		b.Step(0)
	}
	b.Flush(0)
	b.drain()
	var got []string
	for i := range b.flows {
		got = append(got, sctpSaid(t, &b.flows[i], bothWays...))
	}
	if want := []string{"4 3 0 0 4369 5 0 - 1:3/9 established", "2 2 1 0 4369 5 0 - 1:1/3 established"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAssociationOracle counts what tshark counts, in every capture that has SCTP.
func TestAssociationOracle(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip(err)
	}
	files, _ := filepath.Glob("../../../shared/captures/diameter/*.pcap*")
	n := 0
	for _, file := range files {
		if e := filepath.Ext(file); e != ".pcap" && e != ".pcapng" {
			continue
		}
		out, err := exec.Command("tshark", "-r", file, "-Y", "sctp && !icmp", "-T", "fields", "-e", "ip.src", "-e", "sctp.srcport",
			"-e", "ip.dst", "-e", "sctp.dstport", "-e", "sctp.chunk_type", "-e", "sctp.data_tsn_raw", "-e", "sctp.data_sid").Output()
		if err != nil || len(out) == 0 {
			continue
		}
		n += compareAssociations(t, file, string(out))
	}
	if n == 0 {
		t.Skip("there are no captures with SCTP")
	}
	t.Logf("%d directions of associations counted as tshark does", n)
}

// tally of a direction: chunks, DATA chunks, those again, streams.
func compareAssociations(t *testing.T, file, lines string) int {
	t.Helper()
	type count struct{ chunks, data, again int }
	want, seen := map[string]*count{}, map[string]bool{}
	for line := range strings.Lines(lines) {
		c := strings.Split(strings.TrimRight(line, "\n"), "\t")
		way := fmt.Sprintf("%s:%s>%s:%s", c[0], c[1], c[2], c[3])
		if want[way] == nil {
			want[way] = &count{}
		}
		if c[4] != "" {
			want[way].chunks += len(strings.Split(c[4], ","))
		}
		if c[5] == "" {
			continue
		}
		for _, tsn := range strings.Split(c[5], ",") {
			want[way].data++
			if seen[way+tsn] {
				want[way].again++
			}
			seen[way+tsn] = true
		}
	}
	got := map[string]*count{}
	r, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := newBench(t, r, usual())
	for !r.Done() {
		b.Step(0)
		b.drain()
	}
	b.Flush(0)
	b.drain()
	for i := range b.flows {
		v := &b.flows[i]
		if v.Proto != protoSCTP {
			continue
		}
		for d, suffix := range []string{"_IN", "_OUT"} {
			a, z := sctpSaid(t, v, "IPV4_SRC_ADDR", "L4_SRC_PORT"), sctpSaid(t, v, "IPV4_DST_ADDR", "L4_DST_PORT")
			if d == 1 {
				a, z = z, a
			}
			way := strings.ReplaceAll(a, " ", ":") + ">" + strings.ReplaceAll(z, " ", ":")
			words := strings.Fields(sctpSaid(t, v, "SCTP_CHUNKS"+suffix, "SCTP_DATA"+suffix, "SCTP_RETRANSMITTED"+suffix))
			if words[0] == "-" {
				continue
			}
			if got[way] == nil {
				got[way] = &count{}
			}
			for j, to := range []*int{&got[way].chunks, &got[way].data, &got[way].again} {
				n, _ := strconv.Atoi(words[j])
				*to += n
			}
		}
	}
	for way, w := range want {
		if g := got[way]; g == nil || *g != *w {
			t.Errorf("%s: %s: got %+v, want %+v", filepath.Base(file), way, g, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d directions, want %d", filepath.Base(file), len(got), len(want))
	}
	return len(want)
}

package collect

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// apart are captures of which tshark has no sums to compare with, for a reason, and what compares them instead.
var apart = map[string]string{
	"derived_netflow__akvorado__datalink-merged.pcap": "its record has no counts but a packet, which TestSection compares",
	"derived_netflow__beats__IPFIX-YAF-basic-with-applabel.pcap": "it has totals, and so have the statistics of its " +
		"exporter: TestGolden compares them",
	"tcpdump__sflow_multiple_counter_30_pdus.pcap": "it has NetFlow at a port that tshark does not know, and two samples " +
		"of nothing but a vendor's counters: TestCounters compares the others",
}

// Of every capture of export traffic there is, none is left out, each record is read, and their octets and
// packets are those that tshark finds.
func TestEveryCapture(t *testing.T) {
	for _, kind := range []string{"netflow", "sflow"} {
		files, _ := filepath.Glob(collection(kind + "/*.pcap"))
		if len(files) == 0 {
			t.Skip("the capture collection is not here")
		}
		for _, path := range files {
			t.Run(filepath.Base(path), func(t *testing.T) {
				b := newBench(t, func(o *Options) { o.RingSize = 16 << 20 })
				b.read(path)
				text := shark(t, path)
				for _, c := range []Counter{Unread, Truncated, RecordsBad, SetsBad, TemplatesBad, SamplesBad, ListsBad, RingFull} {
					if n := b.count(c); n != 0 {
						t.Errorf("%s is %d", CounterDocs[c].Name, n)
					}
				}
				if why := apart[filepath.Base(path)]; why != "" {
					t.Skip(why)
				}
				sampled(t, b, text)
				summed(t, b, text)
			})
		}
	}
}

// summed compares the sums of what NetFlow and IPFIX say.
func summed(t *testing.T, b *bench, text string) {
	t.Helper()
	total := func(name string) (n uint64) {
		for _, m := range regexp.MustCompile(`"cflow\.`+name+`": "(\d+)"`).FindAllStringSubmatch(text, -1) {
			x, _ := strconv.ParseUint(m[1], 10, 64)
			n += x
		}
		return n
	}
	for key, name := range map[string]string{"IN_BYTES": "octets", "IN_PKTS": "packets"} {
		want, got := total(name)+total("initiator_"+name), uint64(0)
		if want == 0 { // all that ASAs have
			want = total("permanent_" + name)
		}
		for _, r := range b.records {
			if r["SAMPLE_POOL"] == "" { // of sFlow tshark has no sums
				n, _ := strconv.ParseUint(r[key], 10, 64)
				got += n
			}
		}
		if got != want {
			t.Errorf("%s are %d together, tshark has %d", key, got, want)
		}
	}
}

// sampled compares how many packets and counters of sFlow there are.
func sampled(t *testing.T, b *bench, text string) {
	t.Helper()
	packets := 0
	for _, r := range b.records {
		if r["SAMPLE_POOL"] != "" {
			packets++
		}
	}
	if want := strings.Count(text, `"sflow.flow_sample.sampling_rate"`); packets != want {
		t.Errorf("%d packets were sampled, tshark has %d", packets, want)
	}
	if want := strings.Count(text, `"sflow.counters_sample.sequence_number"`); b.count(CounterRecords) != uint64(want) {
		t.Errorf("%d samples of counters, tshark has %d", b.count(CounterRecords), want)
	}
	if len(b.records) == 0 {
		t.Error("no record")
	}
}

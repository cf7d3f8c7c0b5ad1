package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// truth is what tshark says of a Call-ID.
type truth struct {
	method              string
	invited, accepted   bool
	final               string // last final response to an INVITE outside the call
	bye, cancelled      bool
	registered, refused int // final responses to REGISTER, each once
	from, to            string
}

// signalling reads what tshark says of each Call-ID of a capture.
func signalling(t *testing.T, path string) map[string]*truth {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(line []string, name string) string { return line[slices.Index(lines[0], name)] }
	all, seen := map[string]*truth{}, map[string]bool{}
	for _, line := range lines[1:] {
		id := column(line, "sip.Call-ID")
		number, method, _ := strings.Cut(column(line, "sip.CSeq"), " ")
		code := column(line, "sip.Status-Code")
		if id == "" || method == "" {
			continue
		}
		x := all[id]
		if x == nil {
			x = &truth{method: method, from: column(line, "sip.from.addr"), to: column(line, "sip.to.addr")}
			all[id] = x
		}
		once := id + " " + number + " " + method + " " + code + " " + column(line, "sip.Via")
		if x.note(method, code, !seen[once]); code != "" {
			seen[once] = true
		}
	}
	return all
}

func (x *truth) note(method, code string, first bool) {
	final := len(code) == 3 && code[0] >= '2'
	switch method {
	case "INVITE":
		x.invited = true
		if final && !x.accepted {
			x.final, x.accepted = code, code[0] == '2'
		}
	case "BYE":
		x.bye = true
	case "CANCEL":
		x.cancelled = true
	case "REGISTER":
		switch {
		case !first || !final:
		case code[0] == '2':
			x.registered++
		default:
			x.refused++
		}
	}
}

// state is the SIP_CALL_STATE of a call.
func (x *truth) state() []string {
	switch {
	case x.accepted && x.bye:
		return []string{"CALL_COMPLETED"}
	case x.accepted:
		return []string{"CALL_IN_PROGRESS"}
	case x.cancelled:
		return []string{"CALL_CANCELED"}
	case x.final != "":
		return []string{"CALL_ERROR"}
	}
	return []string{"CALL_STARTED", "CALL_RINGING"}
}

// TestCalls has every call of the captures be one record, with the state that tshark's messages
// tell, and every response to a REGISTER be counted once.
func TestCalls(t *testing.T) {
	for _, capture := range captures(t, ".tshark.sip.tsv") {
		t.Run(filepath.Base(capture), func(t *testing.T) {
			want := signalling(t, capture+".tshark.sip.tsv")
			calls, ok, other := map[string]map[string]any{}, map[string]int{}, map[string]int{}
			for _, o := range objects(t, must(t, "replay", "-q", "--json", "--records", "call", capture)) {
				id, _ := o["SIP_CALL_ID"].(string)
				if n, is := o["SIP_REGISTER_NUM_OK"].(float64); is {
					ok[id] += int(n)
					other[id] += int(o["SIP_REGISTER_NUM_OTHER"].(float64))
					continue
				}
				if id != "" && calls[id] != nil {
					t.Errorf("%s has two records", id)
				}
				if calls[id] = o; id != "" && (want[id] == nil || !want[id].invited) {
					t.Errorf("%s is no call", id)
				}
			}
			for id, x := range want {
				if x.registered != ok[id] || x.refused != other[id] {
					t.Errorf("%s: %d and %d responses to REGISTER, want %d and %d", id, ok[id], other[id], x.registered, x.refused)
				}
				if x.invited {
					x.compare(t, id, calls[id])
				}
			}
		})
	}
}

func (x *truth) compare(t *testing.T, id string, o map[string]any) {
	t.Helper()
	if o == nil {
		t.Errorf("%s has no record", id)
		return
	}
	state, _ := o["SIP_CALL_STATE"].(string)
	code := ""
	if n, ok := o["SIP_RESPONSE_CODE"].(float64); ok {
		code = strconv.Itoa(int(n))
	}
	if !slices.Contains(x.state(), state) || code != x.final {
		t.Errorf("%s is %s with %q, want %v with %q", id, state, code, x.state(), x.final)
	}
	from, to := o["SIP_CALLING_PARTY"].(string), o["SIP_CALLED_PARTY"].(string)
	if !strings.HasPrefix(x.from, from) || !strings.HasPrefix(x.to, to) {
		t.Errorf("%s is from %s to %s, want %s to %s", id, from, to, x.from, x.to)
	}
}

// TestCallMedia joins the media that tshark finds in captures to their calls: packets of each
// direction.
func TestCallMedia(t *testing.T) {
	captures(t, ".tshark.sip.tsv")
	for file, want := range map[string]map[string][2]any{
		"sip/wireshark-wiki__sip-rtp-g711.pcap": {
			"1-1966@10.0.2.20": {nil, 425.}, "1-1968@10.0.2.20": {nil, 414.}},
		"rtp/wireshark-wiki__sip-rtp-g722.pcap":      {"1-2161@10.0.2.20": {nil, 425.}},
		"sip/wireshark-wiki__SIP_CALL_RTP_G711.pcap": {"12013223@200.57.7.195": {891., 548.}},
	} {
		path := filepath.Join("../../../shared/captures", file)
		for _, o := range objects(t, must(t, "replay", "-q", "--json", "--records", "call", path)) {
			id, _ := o["SIP_CALL_ID"].(string)
			if w, ok := want[id]; ok && (o["RTP_IN_PKTS"] != w[0] || o["RTP_OUT_PKTS"] != w[1]) {
				t.Errorf("%s: %s has %v and %v packets", file, id, o["RTP_IN_PKTS"], o["RTP_OUT_PKTS"])
			}
		}
		flows := must(t, "replay", "-q", "--json", path)
		for id := range want {
			if !strings.Contains(flows, `"RTP_SIP_CALL_ID":"`+id+`"`) {
				t.Errorf("%s: no flow of media has the Call-ID %s", file, id)
			}
		}
	}
}

// TestCallWorkers makes the same records whatever number of workers share signalling and media.
func TestCallWorkers(t *testing.T) {
	for _, capture := range captures(t, ".tshark.sip.tsv") {
		var first []string
		for _, workers := range []string{"1", "2", "5"} {
			out := must(t, "replay", "-q", "--json", "--records", "call", "--workers", workers, capture)
			lines := strings.Split(out, "\n")
			slices.Sort(lines)
			if first == nil {
				first = lines
			}
			if !slices.Equal(lines, first) {
				t.Errorf("%s: %s workers make other records than 1", capture, workers)
			}
		}
	}
}

// TestCallLog writes the log of calls beside the others.
func TestCallLog(t *testing.T) {
	captures(t, ".tshark.sip.tsv")
	dir := t.TempDir()
	must(t, "replay", "-q", "--logs", dir, "../../../shared/captures/sip/wireshark-wiki__sip-rtp-g711.pcap")
	found, err := filepath.Glob(filepath.Join(dir, "*", "*", "*", "*", "call*.log"))
	if err != nil || len(found) != 1 {
		t.Fatalf("logs of calls: %v, %v", found, err)
	}
	b, err := os.ReadFile(found[0])
	if lines := strings.Split(strings.TrimSpace(string(b)), "\n"); err != nil || len(lines) != 3+2 ||
		!strings.Contains(lines[3], "\t1-1966@10.0.2.20\t") {
		t.Errorf("%v: %s", err, b)
	}
}

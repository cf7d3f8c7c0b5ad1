package app

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func ssdpSamples() []conversation {
	search := "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 3\r\nST: ssdp:all\r\nUSER-AGENT: Linux UPnP/1.1\r\n\r\n"
	notify := "NOTIFY * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\nUSN: uuid:1::upnp:rootdevice\r\n" +
		"Server: Debian UPnP/1.0\r\nLocation: http://192.0.2.1:8200/root.xml\r\nCache-Control: max-age=1800\r\n\r\n"
	answer := "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\nEXT:\r\n\r\n"
	c := says("a search and its answer", 17, flow.Forward, []byte(search))
	c.turns = append(c.turns, turn{dir: flow.Reverse, octets: []byte(answer)})
	return []conversation{c, says("an announcement", 17, flow.Forward, []byte(notify))}
}

// TestSSDPSays holds what is said of messages, and what is none.
func TestSSDPSays(t *testing.T) {
	got := ""
	for _, c := range ssdpSamples() {
		for _, e := range drive(&c, &SSDP).events {
			got += fmt.Sprintln(e.Kind, e.Fields)
		}
	}
	if want := `notice map[SSDP_HOST:239.255.255.250:1900 SSDP_METHOD:M-SEARCH SSDP_SERVER:Linux UPnP/1.1 SSDP_TYPE:ssdp:all]
notice map[SSDP_METHOD:200 SSDP_TYPE:upnp:rootdevice SSDP_USN:uuid:1::upnp:rootdevice]
notice map[SSDP_HOST:239.255.255.250:1900 SSDP_LOCATION:http://192.0.2.1:8200/root.xml SSDP_METHOD:NOTIFY SSDP_NTS:ssdp:alive SSDP_SERVER:Debian UPnP/1.0 SSDP_TYPE:upnp:rootdevice SSDP_USN:uuid:1::upnp:rootdevice]
`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for _, said := range []string{"HTTP/1.1 200 OK\r\nST: x\r\n\r\n", "M-SEARCH",
		"NOTIFY sip:x SIP/2.0\r\n\r\n", "NOTIFY * HTTP/1.1"} {
		x := says(said, 17, flow.Forward, []byte(said))
		if o := drive(&x, &SSDP); len(o.messages) > 0 {
			t.Errorf("%q is taken for SSDP", said)
		}
	}
	x := says("", 17, flow.Forward, []byte("NOTIFY * HTTP/1.1\r\nhello\r\n\r\n"))
	if o := drive(&x, &SSDP); len(o.messages) != 1 || o.messages[0].Flaw != ssdpFlaw {
		t.Errorf("a line that is no field: %+v", o.messages)
	}
}

// TestSSDPOracle compares methods and hosts with what tshark says, for which SSDP is HTTP.
func TestSSDPOracle(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	file := filepath.Join(corpus(t), "mixed", "nDPI__1kxun.pcap")
	out, err := exec.Command("tshark", "-r", file, "-Y", "ssdp", "-T", "fields", "-e", "http.request.method",
		"-e", "http.host", "-e", "http.server").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]int{}, map[string]int{}
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		want[strings.Join(strings.SplitN(line, "\t", 3), " ")]++
	}
	for _, c := range conversations(t, file) {
		for _, m := range drive(c, &SSDP).messages {
			f := m.Fields
			server := f["SSDP_SERVER"]
			if f["SSDP_METHOD"] == "M-SEARCH" {
				server = "" // it is a User-Agent
			}
			got[f["SSDP_METHOD"]+" "+f["SSDP_HOST"]+" "+server]++
		}
	}
	equal, all := 0, 0
	for k, n := range want {
		equal, all = equal+min(n, got[k]), all+n
	}
	if t.Logf("%d of %d messages as tshark says", equal, all); equal != all || len(got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

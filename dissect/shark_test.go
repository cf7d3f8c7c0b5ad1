package dissect

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/nic"
)

// The samples are what they say they are: tshark finds the protocols in them too.
func TestSamples(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	byLink := map[nic.Link][]sample{}
	for _, s := range samples() {
		if s.shark != "" {
			byLink[s.link] = append(byLink[s.link], s)
		}
	}
	for link, all := range byLink {
		file := filepath.Join(t.TempDir(), "samples.pcap")
		writeCapture(t, file, link, all)
		out, err := exec.Command(tshark, "-r", file, "-T", "fields", "-e", "frame.protocols").Output()
		if err != nil {
			t.Fatal(err)
		}
		stacks := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if len(stacks) != len(all) {
			t.Fatalf("tshark read %d of %d frames", len(stacks), len(all))
		}
		for i, s := range all {
			if !strings.Contains(":"+stacks[i]+":", ":"+s.shark) {
				t.Errorf("%s: tshark finds %s, want %s", s.name, stacks[i], s.shark)
			}
		}
	}
}

// writeCapture writes a pcap file; gopacket cannot write link types above 255.
func writeCapture(t *testing.T, name string, link nic.Link, all []sample) {
	b := binary.LittleEndian.AppendUint32(hx("d4c3b2a1 0200 0400 00000000 00000000 ffff0000"), uint32(link))
	for _, s := range all {
		for _, v := range []int{1, 0, len(s.frame), len(s.frame)} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		b = append(b, s.frame...)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

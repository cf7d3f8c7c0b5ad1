package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every number, name and port belongs to one application.
func TestAll(t *testing.T) {
	type place struct {
		transport string
		port      uint16
	}
	at, numbers, names := map[place]string{}, map[uint16]string{}, map[string]bool{}
	last := uint16(0)
	for _, a := range Applications {
		if a.Number <= last {
			t.Errorf("%s: number %d is not above the one before it", a.Name, a.Number)
		}
		last = a.Number
		if numbers[a.Number] != "" || names[a.Name] || a.Category == "" {
			t.Errorf("%s: number or name not its own, or no category", a.Name)
		}
		numbers[a.Number], names[a.Name] = a.Name, true
		byContent := slices.Contains([]uint16{HTTP2.Number, numberConnect, numberWebSocket, numberSMB1}, a.Number)
		if len(a.TCP)+len(a.UDP)+len(a.SCTP)+len(a.IP) == 0 && !byContent {
			t.Errorf("%s can never be found", a.Name)
		}
		for transport, ports := range map[string][]uint16{"tcp": a.TCP, "udp": a.UDP, "sctp": a.SCTP} {
			for _, port := range ports {
				p := place{transport, port}
				if at[p] != "" || port == 0 {
					t.Errorf("%s: port %v belongs to %q", a.Name, p, at[p])
				}
				at[p] = a.Name
			}
		}
		for _, ip := range a.IP {
			p := place{"ip", uint16(ip)}
			if at[p] != "" {
				t.Errorf("%s: protocol %d belongs to %q", a.Name, ip, at[p])
			}
			at[p] = a.Name
		}
		if got := ByNumber(a.Number); got == nil || got.Name != a.Name {
			t.Errorf("number %d finds %v, want %s", a.Number, got, a.Name)
		}
	}
	for _, n := range []uint16{0, 21, 65535} {
		if a := ByNumber(n); a != nil {
			t.Errorf("number %d finds %s, want nothing", n, a.Name)
		}
	}
}

func TestByPort(t *testing.T) {
	for _, c := range []struct {
		name     string
		proto    uint8
		src, dst uint16
		want     uint16
	}{
		{"the destination", 6, 40000, 443, 91},
		{"the source, when the destination says nothing", 6, 443, 40000, 91},
		{"the destination before the source", 6, 25, 80, 7},
		{"another transport", 17, 40000, 443, 188},
		{"both the same", 17, 123, 123, 9},
		{"a client port is no hint", 17, 51820, 40000, 0},
		{"but a server port that high is", 17, 40000, 51820, 206},
		{"SCTP with a port", 132, 1000, 3868, 237},
		{"SCTP without", 132, 1000, 1001, 84},
		{"nothing", 6, 40000, 40001, 0},
		{"later fragments have port 0", 17, 0, 0, 0},
		{"ICMP, whose port is type and code", 1, 0, 8 << 8, 81},
		{"ICMPv6", 58, 0, 128 << 8, 102},
		{"ESP", 50, 0, 0, 79},
		{"an unknown protocol", 253, 0, 53, 0},
	} {
		if got := ByPort(c.proto, c.src, c.dst); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// What nDPI called the flows it recognised, in its own results, must be spelled alike here.
func TestNamesAgainstNDPI(t *testing.T) {
	root, err := os.Getwd()
	for ; err == nil; root = filepath.Dir(root) {
		if _, e := os.Stat(filepath.Join(root, "go.mod")); e == nil {
			break
		}
	}
	results, _ := filepath.Glob(filepath.Join(root, "..", "shared", "captures", "*", "*.ndpi.out"))
	if len(results) == 0 {
		t.Skip("no captures beside the repository")
	}
	folded := map[string]string{}
	for _, a := range Applications {
		folded[strings.ToLower(a.Name)] = a.Name
	}
	proto := regexp.MustCompile(`\[proto: ([\d.]+)/([^\]]+)\]`)
	category := regexp.MustCompile(`\[cat: ([^/]+)/`)
	seen := 0
	for _, file := range results {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(b), "\n") {
			m := proto.FindStringSubmatch(line)
			if m == nil || strings.Contains(m[2], ".") {
				continue
			}
			name, ok := folded[strings.ToLower(m[2])]
			if !ok {
				continue
			}
			seen++
			a := ByNumber(number(m[1]))
			if a == nil || a.Name != m[2] {
				t.Errorf("%s: nDPI's %s %s is %v here (%s)", filepath.Base(file), m[1], m[2], a, name)
				continue
			}
			// What HTTP carries changes nDPI's category of a flow, not of HTTP.
			if c := category.FindStringSubmatch(line); c != nil && c[1] != a.Category && a.Number != 7 {
				t.Errorf("%s: nDPI's category of %s is %s, here %s", filepath.Base(file), m[2], c[1], a.Category)
			}
		}
	}
	if seen == 0 {
		t.Error("no application found in nDPI's results")
	}
}

func number(s string) (n uint16) {
	for _, c := range s {
		n = n*10 + uint16(c-'0')
	}
	return n
}

func TestAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if ByNumber(ByPort(6, 40000, 443)) == nil {
			t.Error("port 443 finds nothing")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkByPort(b *testing.B) {
	var n uint16
	for i := 0; b.Loop(); i++ {
		n += ByPort(6, uint16(i), uint16(i*40503))
	}
	_ = n
}

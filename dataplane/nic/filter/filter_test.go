package filter

import (
	"encoding/binary"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
)

// expressions exercise every kind of instruction that libpcap makes.
var expressions = []string{
	"ip", "ip6", "arp", "tcp", "udp", "icmp or icmp6", "tcp port 80", "udp port 53", "port 53",
	"not port 443", "src portrange 1024-65535", "host 10.0.0.1", "net 192.168.0.0/16",
	"src net 10.0.0.0/8 and tcp", "ip6 host fe80::1", "ip6 net 2000::/3", "greater 200", "less 100",
	"len > 500 and len < 1400", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[13] = 2",
	"ip[0] & 0xf > 5", "ip[6:2] & 0x1fff != 0", "udp[4:2] + 20 > 100", "ip[2:2] * 2 / 3 - 7 > 100",
	"ip[8] >> 4 = 4", "ip[8] << 2 != 256", "ip[2:2] % 3 = 1", "ip[12:4] ^ ip[16:4] > 0x01000000",
	"-ip[8] > 100", "ip[ip[0] & 0xf] | 3 > 40", "vlan", "vlan and tcp", "vlan 10 or vlan 100",
	"vlan and vlan and ip", "mpls", "pppoes and ip", "ether[0] & 1 = 1", "ether broadcast or multicast",
	"proto 132", "udp[8:4] = 0x01020304 or tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
}

// compiled compiles an expression, and skips the test where libpcap is not.
func compiled(t testing.TB, link nic.Link, expr string) *Program {
	t.Helper()
	p, err := Compile(link, 0, expr)
	if err != nil && strings.Contains(err.Error(), "without libpcap") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// captures returns the captures beside the repository that are at most limit octets large.
func captures(t testing.TB, limit int64) []string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
	}
	var files []string
	_ = filepath.WalkDir(filepath.Join(root, "..", "shared", "captures"),
		func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Size() <= limit && filepath.Ext(path) == ".pcap" {
				files = append(files, path)
			}
			return err
		})
	if len(files) == 0 {
		t.Skip("no captures beside the repository")
	}
	return files
}

// frame is a copy of a captured one.
type frame struct {
	data []byte
	wire uint32
	link nic.Link
}

// load reads a capture into memory; nil if it has frames of several link types.
func load(t testing.TB, path string) []frame {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []frame
	for !r.Done() {
		for _, f := range r.Burst() {
			all = append(all, frame{append([]byte{}, f.Bytes()...), f.Wire, f.Link})
			if f.Link != all[0].link {
				return nil
			}
		}
	}
	return all
}

// Expressions hold for as many frames of real captures as tcpdump says.
func TestTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip(err)
	}
	counted := regexp.MustCompile(`(?m)^(\d+) packets?$`)
	compared, held := 0, 0
	for n, path := range captures(t, 200_000) {
		frames := load(t, path)
		for e := n % 5; e < len(expressions) && len(frames) > 0; e += 5 {
			expr := expressions[e]
			out, err := exec.Command(tcpdump, "--count", "-r", path, "--", expr).CombinedOutput()
			found := counted.FindSubmatch(out)
			if err != nil || found == nil {
				p, err := Compile(frames[0].link, 0, expr)
				if strings.Contains(string(out), "truncated dump file") {
					break
				}
				if err == nil {
					t.Errorf("%s: %q is a program of %d where tcpdump says %s", path, expr, len(p.raw), out)
				}
				continue
			}
			p, n := compiled(t, frames[0].link, expr), 0
			for _, f := range frames {
				if p.Match(f.data, f.wire) {
					n++
				}
			}
			compared, held = compared+1, held+n
			if want := string(found[1]); strconv.Itoa(n) != want {
				t.Errorf("%s: %q holds for %d frames, for tcpdump %s", filepath.Base(path), expr, n, want)
			}
		}
	}
	if t.Logf("%d comparisons, %d frames held", compared, held); held == 0 {
		t.Error("nothing was compared")
	}
}

// ethernet is an Ethernet frame with tags, IPv4 and UDP from port 1000 to 53.
func ethernet(tags ...uint16) []byte {
	b := make([]byte, 12)
	for _, vid := range tags {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, 0x8100), vid)
	}
	b = binary.BigEndian.AppendUint16(b, 0x0800)
	b = append(b, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	return append(b, 1000>>8, 1000&255, 0, 53, 0, 8, 0, 0)
}

func TestMatch(t *testing.T) {
	plain, tagged, twice := ethernet(), ethernet(100), ethernet(100, 7)
	for _, c := range []struct {
		expr  string
		link  nic.Link
		frame []byte
		wire  uint32
		want  bool
	}{
		{"", nic.Ethernet, nil, 0, true},
		{" \t", nic.Ethernet, plain, 42, true},
		{"udp port 53", nic.Ethernet, plain, 42, true},
		{"udp port 53", nic.Ethernet, tagged, 46, false},
		{"vlan and udp port 53", nic.Ethernet, tagged, 46, true},
		{"vlan 100", nic.Ethernet, tagged, 46, true},
		{"vlan 101", nic.Ethernet, tagged, 46, false},
		{"vlan 100 and vlan 7 and udp", nic.Ethernet, twice, 50, true},
		{"udp port 53 or (vlan and udp port 53)", nic.Ethernet, tagged, 46, true},
		{"greater 1000", nic.Ethernet, plain, 1500, true}, // cut when captured
		{"greater 1000", nic.Ethernet, plain, 42, false},
		{"udp src port 1000", nic.RawIP, plain[14:], 28, true},
		{"udp src port 1000", nic.IPv4, plain[14:], 28, true},
		{"udp src port 1000", nic.Null, append([]byte{2, 0, 0, 0}, plain[14:]...), 32, true},
		{"ip6", nic.Null, []byte{30, 0, 0, 0}, 32, true}, // of another system
		{"udp src port 1000", nic.LinuxSLL2, append([]byte{19: 0, 0: 8}, plain[14:]...), 48, true},
		{"ip", nic.Ethernet, nil, 0, false},
		{"ip", nic.Ethernet, []byte{8}, 1, false},
		{"not ip", nic.Ethernet, nil, 0, false}, // what cannot be read is refused
		{"ip", nic.Ethernet, plain[:14], 42, true},
		{"udp", nic.Ethernet, plain[:23], 42, false},
		{"udp", nic.Ethernet, plain[:24], 42, true},
	} {
		if got := compiled(t, c.link, c.expr).Match(c.frame, c.wire); got != c.want {
			t.Errorf("%q of % x: %v", c.expr, c.frame, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	compiled(t, nic.Ethernet, "ip")
	for expr, want := range map[string]string{
		"tcp porf 80":     "syntax error",
		"ip\x00garbage":   "zero octet",
		"port 80 and":     "syntax error",
		"vlan 99999":      "99999",
		"ip proto nobody": "nobody",
		"inbound":         "not supported on Ethernet",
	} {
		p, err := Compile(nic.Ethernet, 0, expr)
		if p != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", expr, err, want)
		}
	}
}

// The kernel takes what Raw gives, and a nil program has none.
func TestRaw(t *testing.T) {
	if (*Program)(nil).Raw() != nil {
		t.Error("a nil program has instructions")
	}
	p := compiled(t, nic.Ethernet, "tcp port 80 or vlan 5")
	raw := p.Raw()
	raw[0].K ^= 1
	if p.Raw()[0] == raw[0] {
		t.Error("the program was changed from outside")
	}
	a, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(a)
	raw = p.Raw()
	prog := unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]}
	if err := unix.SetsockoptSockFprog(a, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		t.Error(err)
	}
	if p, err := Compile(nic.Ethernet, 96, "ip"); err != nil || run(p.code, ethernet(), 42) != 96 {
		t.Errorf("the kernel is not told how much to keep: %v", err)
	}
}

// Programs that do not end where they must are refused.
func TestVerify(t *testing.T) {
	ret := unix.SockFilter{Code: unix.BPF_RET, K: 1}
	for name, code := range map[string][]unix.SockFilter{
		"empty":      {},
		"no return":  {{Code: unix.BPF_LD | unix.BPF_IMM}},
		"code":       {{Code: 0x100 | unix.BPF_ALU}, ret},
		"load":       {{Code: unix.BPF_LD | unix.BPF_ABS | 0x18}, ret},
		"cell":       {{Code: unix.BPF_ST, K: cells}, ret},
		"arithmetic": {{Code: unix.BPF_ALU | 0xb0}, ret},
		"comparison": {{Code: unix.BPF_JMP | 0x50}, ret, ret},
		"far ja":     {{Code: unix.BPF_JMP | unix.BPF_JA, K: 1}, ret},
		"wide ja":    {{Code: unix.BPF_JMP | unix.BPF_JA, K: 1<<32 - 1}, ret},
		"far true":   {{Code: unix.BPF_JMP | unix.BPF_JEQ, Jt: 1}, ret},
		"far false":  {{Code: unix.BPF_JMP | unix.BPF_JEQ, Jf: 255}, ret},
		"right away": {ret, {Code: unix.BPF_JMP | unix.BPF_JA}},
	} {
		if verify(code) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := verify([]unix.SockFilter{{Code: unix.BPF_JMP | unix.BPF_JEQ, Jt: 1}, ret, ret}); err != nil {
		t.Error(err)
	}
}

func TestAllocations(t *testing.T) {
	p, frame := compiled(t, nic.Ethernet, "udp port 53 and not host 1.2.3.4"), ethernet()
	if n := testing.AllocsPerRun(1000, func() {
		if !p.Match(frame, 42) {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Any program that passes verify ends without a panic, and says what x/net's machine says
// where that knows the program.
func FuzzRun(f *testing.F) {
	for _, expr := range expressions {
		if p, err := Compile(nic.Ethernet, 0, expr); err == nil {
			b := []byte{}
			for _, i := range p.raw {
				b = binary.LittleEndian.AppendUint16(b, i.Code)
				b = append(b, i.Jt, i.Jf)
				b = binary.LittleEndian.AppendUint32(b, i.K)
			}
			f.Add(b, ethernet(5))
		}
	}
	f.Fuzz(func(t *testing.T, b, frame []byte) {
		var code []unix.SockFilter
		var raw []bpf.RawInstruction
		for ; len(b) >= 8; b = b[8:] {
			i := unix.SockFilter{
				Code: binary.LittleEndian.Uint16(b), Jt: b[2], Jf: b[3], K: binary.LittleEndian.Uint32(b[4:]),
			}
			code = append(code, i)
			raw = append(raw, bpf.RawInstruction{Op: i.Code, Jt: i.Jt, Jf: i.Jf, K: i.K})
		}
		if verify(code) != nil {
			return
		}
		got := run(decode(code), frame, uint32(len(frame)))
		instructions, known := bpf.Disassemble(raw)
		if !known {
			return
		}
		if slices.ContainsFunc(instructions, foreign) {
			return
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			return
		}
		if want, err := vm.Run(frame); err == nil && uint32(want) != got {
			t.Errorf("%d, x/net says %d: %v", got, want, instructions)
		}
	})
}

// foreign reports whether x/net's machine does an instruction in another way: what Linux
// adds at far offsets, and what it does not implement.
func foreign(i bpf.Instruction) bool {
	switch i := i.(type) {
	case bpf.LoadExtension, bpf.NegateA:
		return true
	case bpf.LoadAbsolute:
		return i.Off > 1<<20
	case bpf.LoadIndirect:
		return i.Off > 1<<20
	}
	return false
}

func BenchmarkMatch(b *testing.B) {
	frame := ethernet()
	for _, expr := range []string{"udp port 53", "tcp port 80 or udp port 53 and not net 192.168.0.0/16"} {
		p := compiled(b, nic.Ethernet, expr)
		b.Run(expr, func(b *testing.B) {
			for range b.N {
				if !p.Match(frame, 42) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(expr+" by x/net", func(b *testing.B) {
			var raw []bpf.RawInstruction
			for _, i := range p.raw {
				raw = append(raw, bpf.RawInstruction{Op: i.Code, Jt: i.Jt, Jf: i.Jf, K: i.K})
			}
			instructions, _ := bpf.Disassemble(raw)
			vm, err := bpf.NewVM(instructions)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if n, err := vm.Run(frame); n == 0 || err != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}

package fingerprint

import (
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

const df = flow.SYNDontFragment

// opened is a SYN as TCP remembers it. A shift below 0 is no window scale option.
func opened(ttl uint8, window, maxSegment uint16, shift int, options uint32) *flow.TCP {
	return &flow.TCP{
		Seen: flow.SeenPacket | flow.SeenSYN, InitialFlags: wire.SYN, SYNFlags: df | flow.SYNIdentified,
		SYNTTL: ttl, SYNWindow: window, MSS: maxSegment, Scale: uint8(shift + 1), Options: options,
	}
}

func TestOS(t *testing.T) {
	linux := layout(mss, selective, stamps, nop, scale)
	windows := layout(mss, nop, scale, nop, nop, selective)
	apple := layout(mss, nop, scale, nop, nop, stamps, selective)
	with := func(t *flow.TCP, change func(*flow.TCP)) *flow.TCP { change(t); return t }
	for _, c := range []struct {
		name string
		syn  *flow.TCP
		want string
	}{
		{"Linux 2.6", opened(58, 5840, 1460, 2, linux), "Linux"},
		{"Linux 3", opened(62, 14600, 1360, 8, linux), "Linux"},
		{"Linux 5", opened(64, 64240, 1460, 7, linux), "Linux"},
		{"Linux with a hop limit of 1, as BGP sets it", opened(1, 29200, 1460, 9, linux), "Linux"},
		{"Linux with fast open", opened(64, 64240, 1460, 7, linux|15<<20), "Linux"},
		{"Linux with time stamps off",
			opened(64, 5840, 1460, 0, layout(mss, nop, nop, selective, nop, scale)), "Linux"},
		{"Android", opened(60, 65535, 1460, 9, linux), "Android"},
		{"Windows XP", opened(116, 65535, 1460, -1, layout(mss, nop, nop, selective)), "Windows"},
		{"Windows 7", opened(128, 8192, 1460, 2, windows), "Windows"},
		{"Windows 10", opened(120, 64240, 1460, 8, windows), "Windows"},
		{"Windows with time stamps", opened(120, 65535, 1460, 8, layout(mss, nop, scale, selective, stamps)),
			"Windows"},
		{"macOS", opened(64, 65535, 1460, 6, apple), "macOS/iOS"},
		{"iOS over IPv6, which has no don't fragment",
			with(opened(56, 65535, 1440, 6, apple), func(t *flow.TCP) { t.SYNFlags = flow.SYNVersion6 }),
			"macOS/iOS"},
		{"FreeBSD", opened(55, 65535, 1460, 6, layout(mss, nop, scale, selective, stamps)), "FreeBSD"},
		{"OpenBSD", opened(60, 16384, 1460, 6, layout(mss, nop, nop, selective, nop, scale, nop, nop)), "OpenBSD"},
		{"NetBSD", opened(48, 32768, 1460, 3, layout(mss, nop, scale, selective, nop, nop, nop, nop)), "NetBSD"},
		{"Solaris", opened(62, 49640, 1460, 0, windows), "Solaris"},
		{"Cisco IOS",
			with(opened(255, 4128, 536, -1, layout(mss)), func(t *flow.TCP) { t.SYNFlags = 0 }), "Cisco IOS"},

		{"a scanner", opened(50, 1024, 1460, -1, layout(mss)), ""},
		{"no options", opened(64, 65535, 0, -1, 0), ""},
		{"Windows' options from another hop limit", opened(255, 8192, 1460, 2, windows), ""},
		{"Linux with fragments allowed",
			with(opened(64, 64240, 1460, 7, linux), func(t *flow.TCP) { t.SYNFlags = flow.SYNIdentified }), ""},
		{"a SYN+ACK",
			with(opened(64, 65160, 1460, 7, linux), func(t *flow.TCP) { t.InitialFlags |= wire.ACK }), ""},
		{"no SYN", with(opened(64, 64240, 1460, 7, linux), func(t *flow.TCP) { t.Seen = flow.SeenPacket }), ""},
		{"nothing", &flow.TCP{}, ""},
	} {
		got, ok := OS(c.syn)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", c.name, got, ok, c.want)
		}
	}
}

func TestAllocations(t *testing.T) {
	syn := opened(64, 64240, 1460, 7, layout(mss, selective, stamps, nop, scale))
	if n := testing.AllocsPerRun(100, func() { OS(syn) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

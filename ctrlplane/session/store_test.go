package session

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const start = 1_700_000_000 * uint64(time.Second)

func open(t testing.TB, entries int) *Store {
	t.Helper()
	s, err := New(Limits{entries, int64(entries) * (entryOctets + 8*blockOctets)})
	if err != nil {
		t.Fatal(err)
	}
	s.Tick(start)
	return s
}

func key(i int) Key {
	return Endpoint(Media, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).As16(), 4000)
}

func counted(s *Store, name string) uint64 { return s.Stats().Counts[name] }

// TestKeys writes and reads keys of all kinds.
func TestKeys(t *testing.T) {
	four := netip.MustParseAddr("192.0.2.1").As16()
	six := netip.MustParseAddr("2001:db8::1").As16()
	for want, k := range map[string]Key{
		"media:192.0.2.1:4000":      Endpoint(Media, four, 4000),
		"media:[2001:db8::1]:4000":  Endpoint(Media, six, 4000),
		"data:192.0.2.1:0":          Endpoint(Data, four, 0),
		"user:2001:db8::1":          Address(User, six),
		"name:192.0.2.1":            Address(Name, four),
		"tunnel:192.0.2.1/beef":     Tunnel(four, 0xbeef),
		"user:2001:db8::/64":        Prefix(six, 64),
		"user-before:192.0.2.1":     Address(User, four).Former(),
		"tunnel-before:192.0.2.1/7": Tunnel(four, 7).Former(),
	} {
		got, err := ParseKey(k.String())
		if k.String() != want || err != nil || got != k {
			t.Errorf("%q: %q, %v, %v", want, k, got, err)
		}
	}
	for _, bad := range []string{"", "media", "media:", "media:192.0.2.1", "tunnel:192.0.2.1", "tunnel:192.0.2.1/",
		"tunnel:192.0.2.1/100000000", "name:x", "call:192.0.2.1", ":192.0.2.1", "media:::ffff:1.2.3.4:1",
		"user:::ffff:192.0.2.1", "user:2001:db8::1/64", "user:2001:db8::/0", "name:2001:db8::/64", "user:fe80::1%eth0", "media:192.0.2.1:04000"} {
		if k, err := ParseKey(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, k)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"media:192.0.2.1:4000", "media:[2001:db8::1]:4000", "tunnel:192.0.2.1/beef", "user:::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := ParseKey(s); err == nil && k.String() != s {
			t.Errorf("%q was read from %q", k, s)
		}
	})
}

// TestStore is what a map would do, with values of all lengths and times that end.
func TestStore(t *testing.T) {
	type value struct {
		octets []byte
		until  uint64
	}
	s, r, want, now := open(t, 4096), rand.New(rand.NewPCG(1, 2)), map[Key]value{}, start
	for n := range 50_000 {
		k := key(r.IntN(1500))
		switch r.IntN(8) {
		case 0:
			s.Delete(k)
			delete(want, k)
		case 1:
			now += uint64(r.IntN(3)) * uint64(time.Second) / 2
			s.Tick(now)
		case 2, 3, 4:
			v := value{bytes.Repeat([]byte{byte(n)}, r.IntN(Longest+1)), 0}
			life := time.Duration(1+r.IntN(2000)) * time.Second
			v.until = now + uint64(life)
			s.Put(k, v.octets, life)
			want[k] = v
		default:
			got, ok := s.Get(nil, k)
			v, has := want[k]
			has = has && v.until > now
			if ok != has || ok && !bytes.Equal(got, v.octets) {
				t.Fatalf("step %d: %q is %x, %v; want %x, %v", n, k, got, ok, v.octets, has)
			}
		}
	}
	seen := 0
	for k, x := range s.All() {
		seen++
		if v := want[k]; string(v.octets) != x.Value || uint64(x.Left) != v.until-now {
			t.Fatalf("%q is %q for %v", k, x.Value, x.Left)
		}
	}
	if seen == 0 || seen > s.Len() || counted(s, "evicted") > 0 || counted(s, "expired") == 0 {
		t.Errorf("%d of %d shown; %v", seen, s.Len(), s.Stats().Counts)
	}
	s.Tick(now + 10_000*uint64(time.Second))
	s.Tick(now + 20_000*uint64(time.Second))
	st := s.Stats()
	if c := st.Counts; st.Sessions != 0 || c["added"] != c["deleted"]+c["expired"] {
		t.Errorf("in the end %v", st)
	}
}

// TestLimits keeps within its limits whatever comes, and counts what gives way.
func TestLimits(t *testing.T) {
	const entries = 1024
	s, err := New(Limits{entries, entries * (entryOctets + 2*blockOctets)})
	if err != nil {
		t.Fatal(err)
	}
	long := []byte(strings.Repeat("v", Longest))
	for i := range 10 * entries {
		s.Put(key(i), long[:i%(Longest+1)], time.Hour)
	}
	st := s.Stats()
	if st.Sessions > entries || st.Octets > entries*(entryOctets+2*blockOctets) ||
		st.Counts["evicted"] != st.Counts["added"]-st.Sessions {
		t.Errorf("%+v", st)
	}
	s.Put(key(1), make([]byte, Longest+1), time.Hour)
	s.Put(key(1), nil, 0)
	if counted(s, "refused") != 2 {
		t.Errorf("%d refused", counted(s, "refused"))
	}
	for _, l := range []Limits{{}, {15, 1 << 20}, {1 << 20, 1 << 20}, {16, 2000}, {1 << 32, 1 << 50}} {
		if _, err := New(l); err == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
}

// TestTogether has goroutines do everything at once.
func TestTogether(t *testing.T) {
	s := open(t, 2048)
	var all sync.WaitGroup
	for g := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for n := range 5000 {
				k := key(r.IntN(4000))
				switch r.IntN(6) {
				case 0:
					s.Delete(k)
				case 1:
					s.Tick(start + uint64(n)*uint64(time.Second)/100)
				case 2:
					for range s.All() {
						break
					}
				case 3:
					if v, ok := s.Get(nil, k); ok && string(v) != k.String() {
						t.Errorf("%q is %q", k, v)
					}
				default:
					s.Put(k, []byte(k.String()), time.Minute)
				}
			}
		}()
	}
	all.Wait()
	if c := s.Stats(); c.Counts["added"] != c.Sessions+c.Counts["deleted"]+c.Counts["expired"]+c.Counts["evicted"] {
		t.Errorf("%+v", c)
	}
}

// TestAlloc does without the allocator to look up, and to put what is known.
func TestAlloc(t *testing.T) {
	s, value, room := open(t, 1024), []byte("a84b4c76e66710@pc33.atlanta.example.com"), make([]byte, 0, Longest)
	for i := range 500 {
		s.Put(key(i), value, time.Hour)
	}
	n := testing.AllocsPerRun(1000, func() {
		s.Get(room, key(7))
		s.Get(room, key(600))
		s.Put(key(8), value, time.Hour)
		s.Delete(key(9))
		s.Put(key(9), value, time.Hour)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestDocs has every counter explained, and each name once.
func TestDocs(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range append(CounterDocs[:], RedisDocs[:]...) {
		if d.Name == "" || !strings.HasSuffix(d.Doc, ".") || seen[d.Name] {
			t.Errorf("counter %q: %q", d.Name, d.Doc)
		}
		seen[d.Name] = true
	}
}

// BenchmarkMillion holds a million sessions, of Call-IDs of 39 octets. Memory is that of the
// process, by the way of which the store takes it.
func BenchmarkMillion(b *testing.B) {
	const million = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := New(Limits{million * 9 / 8, 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	s.Tick(start)
	for i := range million {
		s.Put(key(i), fmt.Appendf(nil, "%08d4c76e66710@pc33.atlanta.example.com", i), time.Hour)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	octets := float64(after.HeapAlloc-before.HeapAlloc) / million
	value, room := []byte("a84b4c76e66710@pc33.atlanta.example.com"), make([]byte, 0, Longest)
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"get", func() { room, _ = s.Get(room[:0], key(r.IntN(million))) }},
		{"miss", func() { s.Get(room[:0], key(million+r.IntN(million))) }},
		{"put", func() { s.Put(key(r.IntN(million)), value, time.Hour) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
			b.ReportMetric(octets, "octets/session")
		})
	}
	b.Run("changes", func(b *testing.B) { // a second: 5000 end and 5000 begin
		n := million
		for b.Loop() {
			for range 5000 {
				s.Delete(key(n - million))
				s.Put(key(n), value, time.Hour)
				n++
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "us/5000")
	})
	if c := counted(s, "evicted"); c > 0 {
		b.Errorf("%d evicted", c)
	}
}

// TestNever asks for what nobody has told anything of, which is a miss like others, until somebody does.
func TestNever(t *testing.T) {
	s := open(t, 64)
	s.Put(key(1), []byte("call"), time.Hour)
	k := Address(Name, netip.MustParseAddr("192.0.2.1").As16())
	if _, ok := s.Peek(nil, k); ok || counted(s, "misses") != 1 {
		t.Errorf("known: %v, misses: %d", ok, counted(s, "misses"))
	}
	s.Put(k, []byte("host"), time.Hour)
	if v, ok := s.Peek(nil, k); !ok || string(v) != "host" || counted(s, "misses") != 1 {
		t.Errorf("known: %v %q, misses: %d", ok, v, counted(s, "misses"))
	}
}

package ring

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"
)

var ne = binary.NativeEndian

func formatted(t testing.TB, buffer int) (*Ring, []byte) {
	t.Helper()
	mem := make([]byte, Size(buffer))
	r, err := Format(mem)
	if err != nil {
		t.Fatal(err)
	}
	return r, mem
}

func TestHeaderFitsItsPage(t *testing.T) {
	var h header
	if unsafe.Sizeof(h) > page {
		t.Errorf("header is %d octets", unsafe.Sizeof(h))
	}
	if a, b := unsafe.Offsetof(h.head), unsafe.Offsetof(h.tail); a%128 != 0 || b%128 != 0 || a == b {
		t.Errorf("head at %d and tail at %d share a pair of cache lines", a, b)
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct{ buffer, want int }{
		{-1, page + 4096}, {0, page + 4096}, {4096, page + 4096}, {4097, page + 8192}, {1 << 20, page + 1<<20},
	} {
		if got := Size(c.buffer); got != c.want {
			t.Errorf("Size(%d) = %d, want %d", c.buffer, got, c.want)
		}
	}
}

// Messages of all lengths arrive whole and in order while both sides are busy.
func TestOrderUnderLoad(t *testing.T) {
	const messages = 200_000
	r, mem := formatted(t, 8192)
	go produce(r, messages)
	c, err := Attach(mem)
	if err != nil {
		t.Fatal(err)
	}
	rnd, want := rand.New(rand.NewPCG(1, 2)), uint64(0)
	for {
		closed := c.Closed()
		k, b := c.Next()
		if k == None {
			if closed {
				break
			}
			c.Release()
			runtime.Gosched()
			continue
		}
		n := 8 + rnd.IntN(3000)
		if k != Kind(1+want%2) || len(b) != n || ne.Uint64(b) != want || b[n-1] != filler(want, n) {
			t.Fatalf("message %d: kind %d, %d octets, number %d", want, k, len(b), ne.Uint64(b))
		}
		want++
	}
	if want != messages || c.Corrupt() != 0 {
		t.Errorf("%d messages of %d, %d corrupt", want, messages, c.Corrupt())
	}
}

// filler is the last octet of message i of n octets.
func filler(i uint64, n int) byte {
	if n == 8 {
		return byte(i >> 56)
	}
	return byte(i) ^ byte(n)
}

func produce(r *Ring, messages uint64) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := uint64(0); i < messages; i++ {
		n := 8 + rnd.IntN(3000)
		b := r.Reserve(Kind(1+i%2), n)
		for ; b == nil; b = r.Reserve(Kind(1+i%2), n) {
			r.Commit()
			runtime.Gosched()
		}
		ne.PutUint64(b, i)
		b[n-1] = filler(i, n)
		if i%7 == 0 {
			r.Commit()
		}
	}
	r.Close()
}

func TestNothingBeforeCommit(t *testing.T) {
	r, _ := formatted(t, 0)
	if r.Reserve(Flow, 10) == nil {
		t.Fatal("an empty ring is full")
	}
	if k, _ := r.Next(); k != None {
		t.Errorf("kind %d before Commit", k)
	}
	r.Commit()
	if k, b := r.Next(); k != Flow || len(b) != 10 {
		t.Errorf("kind %d, %d octets", k, len(b))
	}
}

// A ring filled to the brim keeps what it has and takes more as soon as there is room,
// wherever the positions are.
func TestFull(t *testing.T) {
	r, _ := formatted(t, 0)
	if r.Reserve(Flow, r.Max()+1) != nil || r.Reserve(Flow, -1) != nil {
		t.Error("a message longer than Max found room")
	}
	written, read := uint64(0), uint64(0)
	for _, n := range []int{8, 100, 1000, r.Max()} {
		for range 50 {
			for b := r.Reserve(Flow, n); b != nil; b = r.Reserve(Flow, n) {
				ne.PutUint64(b, written)
				written++
			}
			r.Commit()
			if r.Used() > r.Cap() || r.Used() < n {
				t.Fatalf("used %d of %d", r.Used(), r.Cap())
			}
			for k, b := r.Next(); k != None; k, b = r.Next() {
				if ne.Uint64(b) != read {
					t.Fatalf("message %d, want %d", ne.Uint64(b), read)
				}
				read++
			}
			r.Release()
			if r.Used() != 0 {
				t.Fatalf("used %d after all was released", r.Used())
			}
			if r.Reserve(Stats, 8) == nil { // moves the positions on
				t.Fatal("an empty ring is full")
			}
			r.Commit()
			r.Next()
			r.Release()
		}
	}
	if read != written || read == 0 {
		t.Errorf("read %d of %d", read, written)
	}
}

// Either side may be restarted: messages that were committed and not released come again.
func TestRestart(t *testing.T) {
	r, mem := formatted(t, 0)
	send := func(p *Ring, i uint64) {
		ne.PutUint64(p.Reserve(Flow, 8), i)
		p.Commit()
	}
	expect := func(c *Ring, want ...uint64) {
		t.Helper()
		for _, w := range want {
			if k, b := c.Next(); k != Flow || ne.Uint64(b) != w {
				t.Fatalf("kind %d %v, want number %d", k, b, w)
			}
		}
		if k, _ := c.Next(); k != None {
			t.Fatalf("another message of kind %d", k)
		}
	}
	attach := func() *Ring {
		t.Helper()
		a, err := Attach(mem)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	send(r, 1)
	send(r, 2)
	c := attach()
	c.Next()
	c.Release()
	expect(c, 2)         // read, not released
	r.Reserve(Flow, 100) // never committed
	c, r = attach(), attach()
	send(r, 3)
	expect(c, 2, 3)
	c.Release()
	r.Close()
	if c = attach(); !c.Closed() {
		t.Error("not closed after a restart")
	}
	expect(c)
}

func TestAttachRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(mem []byte) []byte
	}{
		{"nothing", func([]byte) []byte { return nil }},
		{"short", func(m []byte) []byte { return m[:page+100] }},
		{"shifted", func(m []byte) []byte { return append(m, make([]byte, 9)...)[1:] }},
		{"magic", func(m []byte) []byte { m[0]++; return m }},
		{"version", func(m []byte) []byte { m[8]++; return m }},
		{"size of zero", func(m []byte) []byte { ne.PutUint64(m[16:], 0); return m }},
		{"size beyond the memory", func(m []byte) []byte { ne.PutUint64(m[16:], 1<<20); return m }},
		{"size no power of two", func(m []byte) []byte { ne.PutUint64(m[16:], 4095); return m }},
		{"tail before head", func(m []byte) []byte { ne.PutUint64(m[256:], 8); return m }},
		{"head too far", func(m []byte) []byte { ne.PutUint64(m[128:], 4096+8); return m }},
		{"head unaligned", func(m []byte) []byte { ne.PutUint64(m[128:], 4); return m }},
	} {
		_, mem := formatted(t, 0)
		if _, err := Attach(c.spoil(mem)); err == nil {
			t.Errorf("%s: attached", c.name)
		}
	}
	if _, err := Format(make([]byte, Size(0)+8)); err == nil {
		t.Error("formatted memory of an odd size")
	}
}

func TestMemory(t *testing.T) {
	fd, mem, err := Memory(Size(0))
	if err != nil {
		t.Skip(err)
	}
	r, err := Format(mem)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Map(fd)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Attach(other)
	if err != nil {
		t.Fatal(err)
	}
	copy(r.Reserve(Stats, 5), "hello")
	r.Commit()
	if k, b := c.Next(); k != Stats || string(b) != "hello" {
		t.Errorf("kind %d %q", k, b)
	}
	if err := Unmap(other); err != nil {
		t.Error(err)
	}
	if _, err := Map(0); err == nil {
		t.Error("mapped standard input")
	}
}

func TestAllocations(t *testing.T) {
	r, _ := formatted(t, 1<<16)
	if n := testing.AllocsPerRun(1000, func() {
		for range 10 {
			r.Reserve(Flow, 900)
		}
		r.Commit()
		for k, _ := r.Next(); k != None; k, _ = r.Next() {
			continue
		}
		r.Release()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever the memory holds, and whatever the other side does to it, both ends return.
func FuzzRing(f *testing.F) {
	f.Add([]byte{}, uint64(0), uint64(0))
	f.Add([]byte{3: 0, 4: 1, 8: 9, 12: 2}, uint64(24), uint64(8))
	f.Add([]byte{30, 0, 0, 0, 1, 0, 0, 0}, uint64(4096), uint64(1<<40))
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0}, uint64(4099), uint64(0))
	f.Fuzz(func(t *testing.T, image []byte, head, tail uint64) {
		r, mem := formatted(t, 0)
		copy(mem[page:], image)
		ne.PutUint64(mem[128:], head)
		ne.PutUint64(mem[256:], tail)
		drain(t, r)
		c, err := Attach(mem)
		if err != nil {
			return
		}
		drain(t, c)
		for range 100 {
			if b := r.Reserve(Flow, 100); b != nil && len(b) != 100 {
				t.Errorf("room of %d", len(b))
			}
		}
		r.Commit()
		if u := r.Used(); u < 0 || u > r.Cap() {
			t.Errorf("used %d", u)
		}
		drain(t, c)
	})
}

func drain(t *testing.T, r *Ring) {
	got := 0
	for k, b := r.Next(); b != nil; k, b = r.Next() {
		if got += prefix + len(b); got > r.Cap() {
			t.Fatalf("more than the ring holds: kind %d, %d octets", k, len(b))
		}
	}
	r.Release()
}

func BenchmarkRing(b *testing.B) {
	r, _ := formatted(b, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		r.Reserve(Flow, 900)
		r.Commit()
		r.Next()
		r.Release()
	}
}

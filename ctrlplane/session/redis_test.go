package session

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// server is a redis-server of the test's own.
type server struct {
	t    *testing.T
	path string
	cmd  *exec.Cmd
}

func serve(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	s := &server{t: t, path: filepath.Join(t.TempDir(), "redis.sock")}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.path, "--save", "", "--appendonly", "no",
		"--dir", filepath.Dir(s.path))
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	until(s.t, "redis-server listens", func() bool {
		c, err := net.Dial("unix", s.path)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends the server by SIGKILL.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// cli asks the server by Debian's client.
func (s *server) cli(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("redis-cli", append([]string{"-s", s.path}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}

// probe is a store that shares.
func probe(t *testing.T, path string, entries, queue int) (*Store, *Redis) {
	t.Helper()
	s := open(t, entries)
	o := DefaultOptions().Redis
	o.Address, o.Prefix, o.Queue = path, "site", queue
	r, err := s.Share(o, func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return s, r
}

func knows(s *Store, k Key, value string) func() bool {
	return func() bool {
		h := s.shard(k)
		h.mu.Lock()
		defer h.mu.Unlock()
		i := h.find(k)
		return i != 0 && string(h.value(nil, &h.entries[i-1])) == value
	}
}

// TestShare has what one probe puts be known to another before it asks, to Redis under the names of
// the manual, and to one that comes later.
func TestShare(t *testing.T) {
	srv := serve(t)
	a, ra := probe(t, srv.path, 1024, 64)
	b, rb := probe(t, srv.path, 1024, 64)
	until(t, "both are up", func() bool {
		return ra.Stats().Up && rb.Stats().Up && srv.cli("PUBSUB", "NUMSUB", "site:changes") == "site:changes\n2"
	})
	a.Put(key(1), []byte("call 1"), time.Hour)
	until(t, "the other knows", knows(b, key(1), "call 1"))
	if got := srv.cli("GET", "site:media:10.0.0.1:4000"); got != "call 1" {
		t.Errorf("Redis has %q", got)
	}
	if got := srv.cli("PTTL", "site:media:10.0.0.1:4000"); len(got) != 7 || got > "3600000" {
		t.Errorf("for %s milliseconds", got)
	}
	b.Put(key(1), []byte("call 2"), time.Hour)
	until(t, "the first hears of it", knows(a, key(1), "call 2"))

	c, _ := probe(t, srv.path, 1024, 64) // which loads once it hears everything
	until(t, "a late one has loaded it", knows(c, key(1), "call 2"))
	b.Delete(key(1))
	for _, s := range []*Store{a, c} {
		until(t, "all forget", func() bool { return !s.has(key(1)) })
	}
	if got := srv.cli("EXISTS", "site:media:10.0.0.1:4000"); got != "0" {
		t.Errorf("Redis still has it")
	}

	srv.cli("SET", "site:media:10.0.0.9:4000", "by hand", "PX", "60000") // not published
	srv.cli("PUBLISH", "site:changes", "somebody says nonsense")
	srv.cli("PUBLISH", "site:changes", "x 1000 media:10.0.0.8:4000 "+strings.Repeat("v", Longest+1))
	if _, ok := a.Get(nil, key(9)); ok {
		t.Error("it is known before it was asked for")
	}
	until(t, "it was asked for", knows(a, key(9), "by hand"))
	a.Get(nil, key(10))
	a.Get(nil, key(10))
	until(t, "nonsense is counted", func() bool { return ra.Stats().Counts["garbled"] == 2 })
	until(t, "Redis does not know", func() bool { return ra.Stats().Counts["unknown"] == 1 })
}

// TestOutage kills Redis under load and starts another that knows nothing. Both probes go on, say
// that it is away, and in the end all of them know everything that was put.
func TestOutage(t *testing.T) {
	srv := serve(t)
	const n = 6000
	a, ra := probe(t, srv.path, 4*n, 128) // the queue is too short for the load
	b, rb := probe(t, srv.path, 4*n, 128)
	until(t, "both are up", func() bool { return ra.Stats().Up && rb.Stats().Up })
	value := func(i int) string { return fmt.Sprintf("call %d", i) }
	for i := range n {
		s := []*Store{a, b}[i%2]
		s.Put(key(i), []byte(value(i)), time.Hour)
		switch i {
		case n / 4:
			srv.kill()
		case n / 2:
			until(t, "it is seen to be away", func() bool { return !ra.Stats().Up && !rb.Stats().Up })
		}
		if _, ok := s.Get(nil, key(i)); !ok {
			t.Fatal("what was put is not known here")
		}
	}
	if st := ra.Stats(); st.Error == "" || st.Counts["outages"] != 1 || st.Counts["failures"] == 0 {
		t.Errorf("while it is away: %+v", st)
	}
	srv.start()
	until(t, "all is written", func() bool { return srv.cli("DBSIZE") == fmt.Sprint(n) })
	for i := range n {
		other := []*Store{b, a}[i%2]
		until(t, "the other knows", func() bool {
			got, ok := other.Get(nil, key(i))
			return ok && string(got) == value(i)
		})
	}
	if st := a.Stats(); !st.Redis.Up || st.Counts["evicted"] > 0 {
		t.Errorf("in the end: %+v", st)
	}
}

// TestNobody is as good as alone if there is no Redis at all.
func TestNobody(t *testing.T) {
	s, r := probe(t, filepath.Join(t.TempDir(), "none.sock"), 1024, 16)
	for i := range 500 {
		s.Put(key(i), []byte("here"), time.Hour)
		s.Get(nil, key(i+1000))
		if i%2 == 0 {
			s.Delete(key(i))
		}
	}
	until(t, "it is tried", func() bool { return r.Stats().Counts["failures"] > 0 })
	st := s.Stats()
	if x := st.Redis; st.Sessions != 250 || x.Up || x.Error == "" || x.Queued > 16 || x.Counts["undeleted"] == 0 {
		t.Errorf("%+v %+v", st, st.Redis)
	}
	if _, err := s.Share(DefaultOptions().Redis, nil); err == nil {
		t.Error("it can be shared twice")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// TestOptions refuses what cannot work, and says which key to change.
func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"memory ":  {Entries: 1 << 20, Memory: 1 << 20},
		"address ": {Redis: RedisOptions{Address: "redis", Prefix: "weir"}},
		"prefix ":  {Redis: RedisOptions{Address: "redis:6379", Prefix: "a*"}},
	} {
		err := o.Check()
		if err == nil {
			err = o.Redis.Check()
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), ";") {
			t.Errorf("%v, want %q…", err, want)
		}
	}
	o := DefaultOptions()
	if o.Redis.Address = "/run/redis.sock"; o.Check() != nil || o.Redis.Check() != nil {
		t.Errorf("%v, %v", o.Check(), o.Redis.Check())
	}
}

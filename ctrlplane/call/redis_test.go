package call

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
)

// redisServer starts a redis-server of the test's own at a socket; the function kills it.
func redisServer(t *testing.T, socket string) (kill func()) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	c := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
		"--dir", filepath.Dir(socket))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redis-server listens", func() bool {
		n, err := net.Dial("unix", socket)
		if err == nil {
			n.Close()
		}
		return err == nil
	})
	return func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}

// remote is a probe with sessions of its own, which it shares through Redis.
func remote(t *testing.T, socket string) (*desk, *session.Redis) {
	t.Helper()
	o := session.DefaultOptions()
	s, err := session.New(session.Limits{Entries: o.Entries, Octets: o.Memory})
	if err != nil {
		t.Fatal(err)
	}
	o.Redis.Address, o.Redis.Queue = socket, 256
	r, err := s.Share(o.Redis, func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	d := newDesk(t, func(o *Options) { o.Sessions = s })
	s.Tick(start)
	return d, r
}

// between is a call of many: who calls, and the two ends of its media.
func between(n int) (id, caller, callee string) {
	return fmt.Sprintf("call %d", n), fmt.Sprintf("10.1.%d.%d:4000", n>>8, n&255), fmt.Sprintf("10.2.%d.%d:6000", n>>8, n&255)
}

// TestProbes has one probe see the signalling of calls and another their media, with Redis between them. It is
// killed while calls begin, and another starts that knows nothing: nobody waits for it, and once it is back all
// media has the Call-ID of its call, at the other probe, and each call is one record at its own.
func TestProbes(t *testing.T) {
	const calls = 1500
	socket := filepath.Join(t.TempDir(), "redis.sock")
	kill := redisServer(t, socket)
	defer func() { kill() }()
	near, rn := remote(t, socket)
	far, rf := remote(t, socket)
	up := func(want bool) func() bool {
		return func() bool { return rn.Stats().Up == want && rf.Stats().Up == want }
	}
	eventually(t, "both are up", up(true))
	heard := func(n int) string {
		id, a, b := between(n)
		got := far.media(rtp{src: a, dst: b, first: 4, last: 5, sent: 50, back: 50, going: true})
		if got != "" && got != id {
			t.Fatalf("media of %q is said to be of %q", id, got)
		}
		return got
	}
	early := 0
	for n := range calls {
		id, a, b := between(n)
		near.say(sip{method: "INVITE", id: id, to: "bob", code: 200, ring: 0.5, answer: 3, offer: "audio " + a,
			reply: "audio " + b})
		switch n {
		case calls / 3:
			kill()
		case calls / 2:
			eventually(t, "it is seen to be away", up(false))
		case 2 * calls / 3:
			kill = redisServer(t, socket)
		}
		if heard(n) != "" {
			early++
		}
	}
	eventually(t, "it is back", up(true))
	for n := range calls {
		eventually(t, "the media has a call", func() bool { return heard(n) != "" })
	}
	for n := range calls {
		id, _, _ := between(n)
		near.say(sip{method: "BYE", id: id, cseq: 2, to: "bob", code: 200, begin: 60, answer: 60.1})
	}
	near.flush()
	far.flush()
	with := 0
	for _, o := range far.made {
		if id, _ := o["RTP_SIP_CALL_ID"].(string); id != "" {
			with++
		}
	}
	t.Logf("%d of %d calls were known at once; near %+v, far %+v", early, calls, rn.Stats(), rf.Stats())
	if len(near.made) != calls || len(far.made) != calls || with != calls {
		t.Errorf("%d records of calls and %d of media, %d of which with a Call-ID", len(near.made), len(far.made), with)
	}
	if rn.Stats().Counts["outages"] != 1 {
		t.Errorf("it was not away: %+v", rn.Stats())
	}
	near.balanced()
}

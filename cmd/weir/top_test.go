package main

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/manage"
	"github.com/weir-probe/weir/ctrlplane/watch"
	"github.com/weir-probe/weir/dataplane/nic"
)

// sights are what is seen of a probe that has all kinds of trouble, two seconds apart.
func sights() (before, now sight) {
	began := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	failed := began.Add(time.Hour)
	greatest := uint64(2_340_000)
	make := func(n uint64) sight {
		s := sight{at: began.Add(time.Hour + time.Duration(n)*time.Second)}
		s.status = manage.Status{
			Version: "1.0", State: "metering", Config: 7, Metering: &began,
			Packets: map[string]uint64{"received": 1_000_000 + n*600_000, "metered_octets": n * 1_250_000_000, "ring_full": n},
			Refused: map[string]uint64{"ipv4_checksum": 12, "short": 3 * n}, Flows: 123_456, Capacity: 262_144,
			RingUsed: 20, RingSize: 100, Records: n * 5_000, Events: 17 * n,
			Exporters: []manage.Exporter{
				{Account: egress.Account{Name: "ntop", Exported: 1_234_567, Dropped: map[string]uint64{"queue_full": 40 * n}, Queued: 512}},
				{Account: egress.Account{Name: "archive", Exported: 99, Paused: true, Spooled: 4_000}},
				{Account: egress.Account{Name: "away", Error: "dial tcp 192.0.2.9:4739: connect: connection refused", Dropped: map[string]uint64{}},
					LastFailure: &failed},
				{Account: egress.Account{Name: "a name that is far too long for a table", Exported: 1}},
			},
		}
		s.queues = []manage.Queue{{Name: "lan/0", Stats: nic.Stats{Missed: 100 * n}}, {Name: "lan/1", Stats: nic.Stats{Missed: 5, NoBuffer: 2}}}
		for i := range byte(20) {
			h := manage.Host{Talker: watch.Talker{Address: netip.AddrFrom4([4]byte{192, 0, 2, i}), Octets: 5e9 >> i}}
			if i == 1 {
				h.Name = "very-long-name-of-a-host.of-some-department.example\x1b[31m"
			}
			s.hosts = append(s.hosts, h)
		}
		for _, name := range []string{"TLS", "QUIC", "", "DNS", "HTTP", "SSH", "RTP", "SIP", "NTP", "SMTP", "Radius"} {
			key := map[string]any{"L7_PROTO_NAME": name}
			if name == "" {
				delete(key, "L7_PROTO_NAME")
			}
			s.apps.Rows = append(s.apps.Rows, manage.AggregateRow{Key: key, AggregateSums: manage.AggregateSums{In: 1_000_000, Out: 123, Records: 5}})
		}
		s.apps.Total = manage.AggregateSums{In: 99_000_000, Out: 8_000_000, Records: 4_711}
		for i, host := range []string{"IPV4_DST_ADDR", "IPV6_DST_ADDR", "IPV4_DST_ADDR", "IPV4_DST_ADDR", "IPV4_DST_ADDR"} {
			address := map[string]string{"IPV4_DST_ADDR": "198.51.100.7", "IPV6_DST_ADDR": "2001:db8:85a3:8d3:1319:8a2e:370:7348"}[host]
			s.slow.Rows = append(s.slow.Rows, manage.AggregateRow{
				Key:           map[string]any{host: address, "L4_DST_PORT": float64(53 + i), "TRANSACTION_PROTOCOL": "postgresql"},
				AggregateSums: manage.AggregateSums{Records: 10, Greatest: &greatest, Sums: map[string]uint64{"TRANSACTION_LATENCY_USEC": 45_678}},
			})
		}
		return s
	}
	return make(0), make(2)
}

// TestTopView pins what a terminal shows, of the smallest size and of a large one: no line is too long, and there
// is not one more than fits.
func TestTopView(t *testing.T) {
	before, now := sights()
	for golden, size := range map[string]tea.WindowSizeMsg{"80x24": {Width: 80, Height: 24}, "132x50": {Width: 132, Height: 50}} {
		var m tea.Model = picture{every: 2 * time.Second}
		for _, msg := range []tea.Msg{size, seen{sight: before}, seen{sight: now}} {
			m, _ = m.Update(msg)
		}
		got := m.View()
		lines := strings.Split(got, "\n")
		if len(lines) != size.Height {
			t.Errorf("%s: %d lines", golden, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > size.Width || strings.ContainsAny(line, "\x1b\r") {
				t.Errorf("%s: %q", golden, line)
			}
		}
		path := filepath.Join("testdata", "top-"+golden+".txt")
		if *update {
			write(t, path, got+"\n")
		}
		want, err := os.ReadFile(path)
		if err != nil || got+"\n" != string(want) {
			t.Errorf("%s, %v: got\n%s", golden, err, got)
		}
	}
}

// TestTopKeys presses keys: what is held does not ask, an answer that fails is told, and the first one ends it.
func TestTopKeys(t *testing.T) {
	before, now := sights()
	asked := 0
	var m tea.Model = picture{every: 2 * time.Second, width: 80, height: 24, look: func() (sight, error) {
		asked++
		return now, nil
	}}
	press := func(key string) tea.Cmd {
		var c tea.Cmd
		m, c = m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)})
		return c
	}
	m, _ = m.Update(seen{sight: before})
	press(" ")
	if m, _ = m.Update(due{}); asked != 0 || !strings.Contains(m.View(), "HELD") {
		t.Errorf("asked %d times\n%s", asked, m.View())
	}
	press(" ")
	_, c := m.Update(due{})
	m, _ = m.Update(c())
	if asked != 1 || !strings.Contains(m.View(), "600k packets/s  10.0Gbit/s") {
		t.Errorf("asked %d times\n%s", asked, m.View())
	}
	press("+")
	if press("+"); m.(picture).every != 500*time.Millisecond {
		t.Errorf("it is drawn every %v", m.(picture).every)
	}
	m, _ = m.Update(seen{err: errors.New("connection refused")})
	if v := m.View(); !strings.Contains(v, "NO ANSWER since") || !strings.Contains(v, "TALKERS") {
		t.Errorf("got\n%s", v)
	}
	if c := press("q"); c == nil || c() != tea.Quit() {
		t.Error("q does not end it")
	}
	end, c := picture{}.Update(seen{err: errors.New("connection refused")})
	if end.(picture).fatal == nil || c() != tea.Quit() {
		t.Error("it goes on though nobody has ever answered")
	}
}

// TestTopTerminal watches a probe that meters in a terminal, as script(1) makes one, and without.
func TestTopTerminal(t *testing.T) {
	s := newSite(t)
	stop := make(chan struct{})
	defer close(stop)
	s.commit(s.meters("", ""))
	go talk(t, stop)
	socket := filepath.Join(s.dir, "manage.sock")
	until(t, "there is a talker", func() bool {
		out := must(t, "top", "--once", "--socket", socket)
		return strings.Contains(out, "127.0.0.1") && strings.Contains(out, "(all)") && strings.Contains(out, "json ")
	})
	if _, errs, status := invoke(t, "top", "--once", "--socket", socket+"s"); status != exitFailed || !strings.Contains(errs, "weir run --store") {
		t.Errorf("status %d: %s", status, errs)
	}
	if _, err := exec.LookPath("script"); err != nil {
		t.Skip(err)
	}
	c := exec.Command("script", "-qec", "stty rows 24 cols 80; exec "+weir+" top --interval 300ms --socket "+socket, "/dev/null")
	c.Env = append(os.Environ(), "TERM=xterm")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	screen := &log{}
	c.Stdout, c.Stderr = screen, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Process.Kill() })
	until(t, "it is drawn", func() bool {
		got := screen.String()
		return strings.Contains(got, "packets/s") && strings.Contains(got, "EXPORTER") && strings.Contains(got, "127.0.0.1")
	})
	io.WriteString(in, "q")
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%v\n%s", err, screen)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("q does not end it")
	}
	if got := screen.String(); !strings.Contains(got, "\x1b[?1049h") || !strings.Contains(got, "\x1b[?1049l") {
		t.Error("the terminal is not left as it was")
	}
}

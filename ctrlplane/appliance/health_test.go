package appliance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	sick := errors.New("the dataplane does not run")
	hopeless := fmt.Errorf("it ended 10 times: %w", ErrHopeless)
	for _, c := range []struct {
		name, good string  // the slot that was confirmed last; slot A runs
		looks      []error // what is wrong at each look, the last one from then on
		want       error   // how the judgement ends
		confirmed  string
	}{
		{"well", "A", []error{nil}, nil, "A"},
		{"well on trial", "B", []error{sick, nil, sick, nil}, nil, "A"},
		{"never well on trial", "B", []error{sick}, ErrUnhealthy, ""},
		{"crashing on trial", "B", []error{sick, hopeless}, ErrUnhealthy, ""},
		{"not well, but no other would be", "A", []error{hopeless}, context.DeadlineExceeded, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine(t, 2)
			put(t, m, grubFile, grubTitle+"GOOD="+c.good+"\n")
			n, confirmed := 0, ""
			h := Health{
				Machine: m, Patience: 200 * time.Millisecond, Well: 20 * time.Millisecond, Every: time.Millisecond,
				Say: t.Logf,
				Look: func(context.Context) error {
					n++
					return c.looks[min(n, len(c.looks))-1]
				},
				Confirm: func(slot string) error { confirmed = slot; return nil },
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := h.Judge(ctx); !errors.Is(err, c.want) || confirmed != c.confirmed {
				t.Errorf("it ends with %v and slot %q is confirmed; want %v and %q", err, confirmed, c.want, c.confirmed)
			}
		})
	}
}

// TestConsole types at the console of a machine that has started.
func TestConsole(t *testing.T) {
	for _, c := range []struct {
		typed, says, network string
		reset, restart       bool
	}{
		{"2\n192.0.2.10/24\n192.0.2.1\n192.0.2.53\n", "", "Address=192.0.2.10/24\nLLDP=no\nGateway=192.0.2.1\n" +
			"DNS=192.0.2.53\n", false, false},
		{"2\n192.0.2.10/24\n2001:db8::1\n\n", "not done: gateway", "DHCP=yes", false, false},
		{"2\nnonsense\n", "not done", "DHCP=yes", false, false},
		{"1\n", "", "DHCP=yes", false, false},
		{"3\n", "", "DHCP=yes", false, true},
		{"6\nno\n", "RESET", "DHCP=yes", false, false},
		{"6\nRESET\n", "RESET", "DHCP=yes", true, true},
	} {
		m := machine(t, 2)
		port(t, m, "0000:00:03.0", "enp0s3", "e1000e", "3")
		start(t, preparer(t, m))
		var out strings.Builder
		restarted := false
		console := Console{
			Machine: m, In: bufio.NewReader(strings.NewReader(c.typed)), Out: &out,
			Status: func() []string { return []string{"weir.service active"} },
			Apply:  m.Reconfigure, Restart: func(bool) error { restarted = true; return nil },
		}
		console.Show()
		if err := console.Menu(); err != nil {
			t.Fatalf("%q: %v", c.typed, err)
		}
		if !strings.Contains(out.String(), c.says) || !strings.Contains(out.String(), "set-up code") {
			t.Errorf("%q: it says\n%s", c.typed, out.String())
		}
		if n := m.read(networkDir, "10-enp0s3.network"); !strings.Contains(n, strings.TrimSpace(c.network)) {
			t.Errorf("%q: the network is\n%s", c.typed, n)
		}
		if reset := m.there(resetFile); reset != c.reset || restarted != c.restart {
			t.Errorf("%q: reset %v, restart %v", c.typed, reset, restarted)
		}
	}
}

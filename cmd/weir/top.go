package main

import (
	"fmt"
	"io"
	"net/url"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/manage"
)

// topView is the command that shows a probe while it runs.
func topView() *cobra.Command {
	k := &ctl{}
	var every time.Duration
	var once bool
	c := &cobra.Command{
		Use:   "top",
		Short: "Watch a probe that runs, in a terminal",
		Long: "Show rates, losses, who talks most, exporters and the worst latencies of a probe that runs with a store\n" +
			"(weir run --store), as it goes on. A terminal of 80 columns and 24 lines is enough; more show more. Whom to\n" +
			"ask is said as for weir ctl. Keys: q ends, space holds the picture, + and - change how often it is drawn.",
		Example: `  weir top
  weir top --url https://192.0.2.1:8443 --pin AB:CD:... --token-file t
  weir top --once                    draw once and end, for scripts`,
		Args:              arguments(cobra.NoArgs),
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return k.connect(c) },
		RunE: func(c *cobra.Command, _ []string) error {
			if every < 200*time.Millisecond || every > time.Hour {
				return usagef("--interval %v is out of range; it may be from 200ms to 1h", every)
			}
			m := picture{look: k.look, every: every, width: 80, height: 24}
			if once {
				return m.once(c.OutOrStdout())
			}
			end, err := tea.NewProgram(m, tea.WithAltScreen()).Run()
			if err != nil {
				return fmt.Errorf("terminal: %w; --once needs none", err)
			}
			return end.(picture).fatal
		},
	}
	k.flags(c.Flags())
	c.Flags().DurationVar(&every, "interval", 2*time.Second, "how often to look")
	c.Flags().BoolVar(&once, "once", false, "look twice, a second apart, draw, and end")
	return c
}

// sight is what was seen of a probe at a time.
type sight struct {
	at     time.Time
	status manage.Status
	queues []manage.Queue
	hosts  []manage.Host
	apps   manage.AggregateTop
	slow   manage.AggregateTop
}

// look asks the probe for everything.
func (k *ctl) look() (s sight, err error) {
	const rows = "50"
	apps := url.Values{"by": {"L7_PROTO_NAME"}, "limit": {rows}}
	slow := url.Values{
		"by": {"TRANSACTION_PROTOCOL,IPV4_DST_ADDR,L4_DST_PORT"}, "kind": {"event"}, "limit": {rows},
		"greatest": {"TRANSACTION_LATENCY_USEC"}, "order": {"greatest"}, "sums": {"TRANSACTION_LATENCY_USEC"},
		"filter": {"TRANSACTION_LATENCY_USEC > 0"},
	}
	for _, part := range []struct {
		path string
		into any
	}{
		{"/v1/status", &s.status}, {"/v1/queues", &s.queues}, {"/v1/top?limit=" + rows, &s.hosts},
		{"/v1/aggregates/top?" + apps.Encode(), &s.apps}, {"/v1/aggregates/top?" + slow.Encode(), &s.slow},
	} {
		if _, err := k.ask("GET", part.path, nil, part.into); err != nil {
			return s, err
		}
	}
	s.at = time.Now()
	return s, nil
}

// picture is what the terminal shows. It is a tea.Model.
type picture struct {
	look          func() (sight, error)
	every         time.Duration
	width, height int
	before, now   *sight
	trouble       error // of the last look
	held          bool
	fatal         error // that ended it
}

type (
	seen struct {
		sight
		err error
	}
	due struct{}
)

func (p picture) see() tea.Msg {
	s, err := p.look()
	return seen{s, err}
}

func (p picture) later() tea.Cmd { return tea.Tick(p.every, func(time.Time) tea.Msg { return due{} }) }

// Init implements tea.Model.
func (p picture) Init() tea.Cmd { return p.see }

// Update implements tea.Model.
func (p picture) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.width, p.height = m.Width, m.Height
	case tea.KeyMsg:
		return p.key(m.String())
	case due:
		if p.held {
			return p, p.later()
		}
		return p, p.see
	case seen:
		if p.trouble = m.err; m.err == nil {
			p.before, p.now = p.now, &m.sight
		} else if p.now == nil {
			p.fatal = m.err // it never worked: say so where it can be read
			return p, tea.Quit
		}
		return p, p.later()
	}
	return p, nil
}

func (p picture) key(key string) (tea.Model, tea.Cmd) {
	switch key {
	case "q", "ctrl+c", "esc":
		return p, tea.Quit
	case " ":
		p.held = !p.held
	case "+":
		p.every = max(p.every/2, 250*time.Millisecond)
	case "-":
		p.every = min(p.every*2, time.Minute)
	}
	return p, nil
}

// once draws without a terminal.
func (p picture) once(w io.Writer) error {
	for range 2 {
		s, err := p.look()
		if err != nil {
			return err
		}
		if p.before, p.now = p.now, &s; p.before == nil {
			time.Sleep(time.Second)
		}
	}
	_, err := fmt.Fprintln(w, p.View())
	return err
}

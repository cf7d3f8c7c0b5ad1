package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-probe/weir/ctrlplane/manage"
)

// View implements tea.Model: as many rows of each list as fit.
func (p picture) View() string {
	if p.now == nil {
		return "asking the probe"
	}
	head := p.head()
	foot := fmt.Sprintf("q ends  space holds  +- interval %v", p.every)
	if p.held {
		foot = "HELD  " + foot
	}
	if p.trouble != nil {
		foot = "NO ANSWER since " + p.now.at.Format("15:04:05") + ": " + p.trouble.Error()
	}
	left := max(p.height-len(head)-1, 12) // lines for the lists, their titles with them
	exporters := min(len(p.now.status.Exporters), max(left/4-1, 2))
	slow := max(left/4-1, 2)
	talkers := max(left-exporters-slow-3, 2)
	lines := append(head, p.beside(p.talkers(talkers), p.applications(talkers), talkers+1)...)
	lines = append(lines, p.exporters(exporters)...)
	lines = append(lines, p.latencies(slow)...)
	for len(lines) < p.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines, foot)
	for i := range lines {
		lines[i] = cut(lines[i], p.width)
	}
	return strings.Join(lines, "\n")
}

// head is how things are: state, rates, what is full, what is lost.
func (p picture) head() (lines []string) {
	s := &p.now.status
	state := fmt.Sprintf("weir %s  %s  configuration %d", s.Version, s.State, s.Config)
	if s.Metering != nil {
		state += "  up " + p.now.at.Sub(*s.Metering).Round(time.Second).String()
	}
	lines = append(lines, p.ends(state, p.now.at.Format("15:04:05")))
	switch {
	case s.Error != "":
		lines = append(lines, "TROUBLE   "+s.Error)
	case s.Until != nil:
		lines = append(lines, "CONFIRM   until "+s.Until.Local().Format("15:04:05")+": weir ctl config confirm")
	case len(s.Waits) > 0:
		lines = append(lines, "WAITS     for a restart of the dataplane: "+strings.Join(s.Waits, ", "))
	}
	packets := func(name string) func(*sight) uint64 {
		return func(x *sight) uint64 { return x.status.Packets[name] }
	}
	lines = append(lines, fmt.Sprintf("rates     %s packets/s  %sbit/s  %s flows/s  %s events/s", p.rate(packets("received"), 1),
		p.rate(packets("metered_octets"), 8), p.rate(func(x *sight) uint64 { return x.status.Records }, 1),
		p.rate(func(x *sight) uint64 { return x.status.Events }, 1)))
	lines = append(lines, fmt.Sprintf("flows     %s active, %s%% of the table; rings %s%% full", short(float64(s.Flows)),
		share(s.Flows, s.Capacity), share(s.RingUsed, s.RingSize)))
	return append(lines, p.losses()...)
}

// losses are packets and records that are lost, by the reason, in all and as they are lost now.
func (p picture) losses() []string {
	type loss struct {
		name string
		of   func(*sight) uint64
	}
	sum := func(of func(*manage.Queue) uint64) func(*sight) uint64 {
		return func(x *sight) (n uint64) {
			for i := range x.queues {
				n += of(&x.queues[i])
			}
			return n
		}
	}
	all := []loss{
		{"missed", sum(func(q *manage.Queue) uint64 { return q.Missed })},
		{"no_buffer", sum(func(q *manage.Queue) uint64 { return q.NoBuffer })},
		{"errors", sum(func(q *manage.Queue) uint64 { return q.Errors })},
	}
	for _, name := range []string{"ring_full", "events_ring_full"} {
		all = append(all, loss{name, func(x *sight) uint64 { return x.status.Packets[name] }})
	}
	for _, name := range slices.Sorted(maps.Keys(p.now.status.Refused)) {
		all = append(all, loss{name, func(x *sight) uint64 { return x.status.Refused[name] }})
	}
	for _, r := range p.reasons() {
		all = append(all, loss{"exporters:" + r, func(x *sight) (n uint64) {
			for i := range x.status.Exporters {
				n += x.status.Exporters[i].Dropped[r]
			}
			return n
		}})
	}
	var words []string
	for _, l := range all {
		if n := l.of(p.now); n > 0 {
			words = append(words, fmt.Sprintf("%s %s (%s/s)", l.name, short(float64(n)), p.rate(l.of, 1)))
		}
	}
	if len(words) == 0 {
		return []string{"lost      nothing"}
	}
	line, lines := "lost     ", []string(nil)
	for _, w := range words {
		if len(line)+len(w)+2 > p.width && line != "lost     " && len(lines) < 1 {
			lines, line = append(lines, line), "         "
		}
		line += " " + w
	}
	return append(lines, line)
}

// reasons returns why exporters dropped something.
func (p picture) reasons() []string {
	all := map[string]bool{}
	for i := range p.now.status.Exporters {
		for r := range p.now.status.Exporters[i].Dropped {
			all[r] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (p picture) talkers(n int) []string {
	lines := []string{"TALKERS                           OCTETS"}
	for i := range p.now.hosts[:min(n, len(p.now.hosts))] {
		h := &p.now.hosts[i]
		lines = append(lines, fmt.Sprintf("%-31s %8s", cut(cmp.Or(h.Name, h.Address.String()), 31), short(float64(h.Octets))))
	}
	return lines
}

func (p picture) applications(n int) []string {
	lines := []string{"APPLICATIONS        IN     OUT   FLOWS"}
	row := func(name string, x *manage.AggregateSums) {
		lines = append(lines, fmt.Sprintf("%-14s %7s %7s %7s", cut(name, 14), short(float64(x.In)), short(float64(x.Out)),
			short(float64(x.Records))))
	}
	a := &p.now.apps
	for i := range a.Rows[:min(n-1, len(a.Rows))] {
		name, _ := a.Rows[i].Key["L7_PROTO_NAME"].(string)
		row(cmp.Or(name, "(unknown)"), &a.Rows[i].AggregateSums)
	}
	if a.Total.Records > 0 {
		row("(all)", &a.Total)
	}
	return lines
}

func (p picture) exporters(n int) []string {
	lines := []string{"EXPORTER         EXPORTED DROPPED  QUEUED SPOOLED STATE"}
	for i := range p.now.status.Exporters[:min(n, len(p.now.status.Exporters))] {
		x := &p.now.status.Exporters[i]
		state := exporterState(x, p.now.at)
		lines = append(lines, fmt.Sprintf("%-16s %8s %7s %7d %7s %s", cut(x.Name, 16), short(float64(x.Exported)),
			short(float64(x.Lost())), x.Queued, short(float64(x.Spooled)), state))
	}
	return lines
}

// latencies are the slowest answers of servers, and how slow they are on average.
func (p picture) latencies(n int) []string {
	lines := []string{"WORST LATENCIES                               GREATEST   AVERAGE TRANSACTIONS"}
	for i := range p.now.slow.Rows[:min(n, len(p.now.slow.Rows))] {
		r := &p.now.slow.Rows[i]
		host, _ := r.Key["IPV4_DST_ADDR"].(string)
		if host == "" {
			host, _ = r.Key["IPV6_DST_ADDR"].(string)
		}
		port, _ := r.Key["L4_DST_PORT"].(float64)
		protocol, _ := r.Key["TRANSACTION_PROTOCOL"].(string)
		name := protocol + " " + host + " " + strconv.Itoa(int(port))
		var greatest, average float64
		if r.Greatest != nil {
			greatest = float64(*r.Greatest)
		}
		if r.Records > 0 {
			average = float64(r.Sums["TRANSACTION_LATENCY_USEC"]) / float64(r.Records)
		}
		lines = append(lines, fmt.Sprintf("%-42s %11s %9s %12s", cut(name, 42), micros(greatest), micros(average),
			short(float64(r.Records))))
	}
	return lines
}

// beside puts two lists side by side.
func (p picture) beside(left, right []string, lines int) (all []string) {
	for i := range lines {
		var a, b string
		if i < len(left) {
			a = left[i]
		}
		if i < len(right) {
			b = right[i]
		}
		all = append(all, fmt.Sprintf("%-41s%s", a, b))
	}
	return all
}

// rate is how fast a counter grows, as of the last two looks. One that began anew says nothing.
func (p picture) rate(of func(*sight) uint64, times float64) string {
	if p.before == nil || of(p.now) < of(p.before) {
		return "-"
	}
	seconds := p.now.at.Sub(p.before.at).Seconds()
	if seconds <= 0 {
		return "-"
	}
	return short(float64(of(p.now)-of(p.before)) * times / seconds)
}

// short writes a number in few characters: 999, 1.23k, 45.6M.
func short(n float64) string {
	units := " kMGTPE"
	i := 0
	for n >= 999.5 && i < len(units)-1 {
		n /= 1000
		i++
	}
	switch {
	case i == 0:
		return fmt.Sprintf("%.0f", n)
	case n < 9.995:
		return fmt.Sprintf("%.2f%c", n, units[i])
	case n < 99.95:
		return fmt.Sprintf("%.1f%c", n, units[i])
	}
	return fmt.Sprintf("%.0f%c", n, units[i])
}

// micros writes microseconds as people say them.
func micros(n float64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%.0f µs", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f ms", n/1000)
	}
	return fmt.Sprintf("%.2f s", n/1e6)
}

func share(n, of uint64) string {
	if of == 0 {
		return "0"
	}
	return strconv.FormatUint(n*100/of, 10)
}

// ends writes two texts at the ends of a line.
func (p picture) ends(left, right string) string {
	gap := p.width - utf8.RuneCountInString(left) - utf8.RuneCountInString(right)
	return left + strings.Repeat(" ", max(gap, 1)) + right
}

// cut cuts a text to so many characters, and leaves out what would not be printed.
func cut(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return '?'
		}
		return c
	}, s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n-1, 0)]) + "…"
}

package appliance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Console is the dialogue at the screen and the serial line. It shows what one needs to reach the machine,
// and changes what one needs to be reached; it gives no shell.
type Console struct {
	Machine
	In      *bufio.Reader
	Out     io.Writer
	Version string
	Status  func() []string      // of the services, a line each
	Apply   func(Settings) error // makes the network what the settings say
	Restart func(off bool) error
	Update  func() error // installs what is on a medium
}

// Show says how things are.
func (c *Console) Show() {
	s, err := c.LoadState()
	if err != nil {
		fmt.Fprintln(c.Out, "the machine is not ready:", err)
	}
	line := func(name, format string, a ...any) {
		fmt.Fprintf(c.Out, "  %-12s %s\n", name, fmt.Sprintf(format, a...))
	}
	state := "confirmed"
	if c.OnTrial() {
		state = "on trial"
	}
	fmt.Fprintf(c.Out, "\n%s: weir %s, slot %s (%s)\n\n", s.Identity.Host, c.Version, s.Slot, state)
	for _, p := range s.Ports {
		if p.Use == Management {
			line("management", "%s %s %s", p.Interface, p.MAC, strings.Join(addresses(p.Interface), " "))
		}
	}
	line("certificate", "SHA-256 %s", s.Identity.Fingerprint)
	if c.read(identityDir, "setup-code") != "" {
		line("set-up code", "%s", s.Identity.Code)
	}
	for _, p := range s.Ports {
		if p.Use == Management {
			continue
		}
		note := ""
		if p.Note != "" {
			note = ": " + p.Note
		}
		line("port", "%s %s, %s%s", p.Address, p.Interface, p.Use, note)
	}
	for _, text := range c.Status() {
		line("service", "%s", text)
	}
	for _, n := range s.Notes {
		line("note", "%s", n)
	}
	fmt.Fprint(c.Out, "\nEnter: menu\n")
}

// addresses returns those of an interface that others can reach.
func addresses(name string) (list []string) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return []string{"(" + err.Error() + ")"}
	}
	all, err := i.Addrs()
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			list = append(list, p.String())
		}
	}
	if err != nil || len(list) == 0 {
		return []string{"(no address yet)"}
	}
	return list
}

// Await waits until the port that manages has an address and the services run, so that the first that is
// shown is worth reading; but not for longer than patience.
func (c *Console) Await(patience time.Duration) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Second) {
		ready := true
		for _, text := range c.Status() {
			ready = ready && strings.HasSuffix(text, " active")
		}
		s, err := c.LoadState()
		for _, p := range s.Ports {
			ready = ready && (p.Use != Management || !strings.HasPrefix(addresses(p.Interface)[0], "("))
		}
		if ready && err == nil {
			return
		}
	}
}

// Menu asks what to do and does it.
func (c *Console) Menu() error {
	fmt.Fprint(c.Out, "\n  1 address by DHCP\n  2 address of your choice\n  3 restart\n  4 turn off\n"+
		"  5 update from a medium\n  6 factory reset\n  Enter: back\n")
	answer, err := c.ask("Choice")
	if err != nil {
		return err
	}
	switch answer {
	case "1":
		err = c.setNetwork(func(s *Settings) error {
			s.Address, s.Gateway, s.DNS = netip.Prefix{}, netip.Addr{}, nil
			return nil
		})
	case "2":
		err = c.setNetwork(c.askAddress)
	case "3", "4":
		err = c.Restart(answer == "4")
	case "5":
		err = c.Update()
	case "6":
		err = c.reset()
	}
	if err != nil && err != io.EOF {
		fmt.Fprintln(c.Out, "not done:", err)
		return nil
	}
	return err
}

func (c *Console) ask(what string) (string, error) {
	fmt.Fprintf(c.Out, "%s: ", what)
	line, err := c.In.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *Console) setNetwork(change func(*Settings) error) error {
	s, err := c.LoadSettings()
	if err != nil {
		return err
	}
	if err := change(&s); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := c.SaveSettings(s); err != nil {
		return err
	}
	return c.Apply(s)
}

func (c *Console) askAddress(s *Settings) error {
	text, err := c.ask("Address with the length of its network, like 192.0.2.10/24")
	if err != nil {
		return err
	}
	if s.Address, err = netip.ParsePrefix(text); err != nil {
		return err
	}
	s.Gateway, s.DNS = netip.Addr{}, nil
	if text, err = c.ask("Gateway, or nothing"); err != nil {
		return err
	}
	if text != "" {
		if s.Gateway, err = netip.ParseAddr(text); err != nil {
			return err
		}
	}
	if text, err = c.ask("Name servers, or nothing"); err != nil {
		return err
	}
	for _, word := range strings.Fields(text) {
		a, err := netip.ParseAddr(word)
		if err != nil {
			return err
		}
		s.DNS = append(s.DNS, a)
	}
	return nil
}

// reset forgets everything if whoever asks for it means it.
func (c *Console) reset() error {
	answer, err := c.ask("Configuration, identity and everything recorded are removed. Write RESET to go on")
	if err != nil || answer != "RESET" {
		return err
	}
	if err := c.Reset(); err != nil {
		return err
	}
	return c.Restart(false)
}

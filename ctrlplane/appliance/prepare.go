package appliance

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// State is what preparing found, for the console.
type State struct {
	Identity Identity
	Ports    []Port
	Notes    []string // what went wrong and did not keep the machine from starting
	Slot     string
}

const (
	stateFile   = "/run/weir-appliance/state.json"
	machineFile = "/efi/grub/machine" // what GRUB tells the kernel of this machine, in either slot
	resetFile   = "/var/lib/weir-appliance/reset"
)

// kept is what is of this machine alone, which a factory reset removes.
var kept = [...]string{"/var/lib/weir", "/var/lib/weir-ssh", "/var/lib/weir-appliance"}

// Preparer makes a machine ready. Its functions are the world outside, which tests do without.
type Preparer struct {
	Machine
	Now   func() time.Time
	Owner func(path string) error   // gives what is the control plane's to it
	Seed  func() (Seed, error)      // what the machine is to be set up from, if there is such a thing
	Check func(config string) error // judges a configuration
	Allow func(config string) []int // the TCP ports at which it has weir listen for who manages
	Host  func(name string) error   // names the machine
	Say   func(format string, a ...any)
}

// Seed is what a medium has for a machine that is not set up yet.
type Seed struct {
	Config, Settings, Keys string // weir.toml, appliance.toml, authorized_keys
}

// Prepare makes the machine ready, at every start. If restart is true, the kernel has to be told what it
// was not told at this start, and nothing else was done.
func (p *Preparer) Prepare() (restart bool, err error) {
	if p.there(resetFile) {
		p.Say("factory reset: everything of this machine is removed")
		if err := p.forget(); err != nil {
			return false, fmt.Errorf("factory reset: %w", err)
		}
	}
	for _, dir := range kept {
		if err := os.MkdirAll(p.at(dir), 0o750); err != nil {
			return false, err
		}
	}
	s := State{Slot: p.argument("rauc.slot")}
	if s.Identity, err = p.Identify(p.Now()); err != nil {
		return false, fmt.Errorf("identity: %w", err)
	}
	if restart, err = p.tell(s.Identity); err != nil || restart {
		return restart, err
	}
	return false, p.ready(&s)
}

// tell has GRUB tell the kernel which processors and memory are set aside and who it is. That is decided at
// first start and then stays, in either slot.
func (p *Preparer) tell(id Identity) (restart bool, err error) {
	if p.grubVariables(machineFile)["machine_id"] == id.ID {
		return false, nil
	}
	t, err := p.Tune()
	if err != nil {
		return false, err
	}
	p.Say("first start: the kernel is told %s", t.Arguments())
	err = p.setGrubVariables(machineFile, "machine_id="+id.ID, "machine="+t.Arguments())
	return err == nil, err
}

// ready does what is to be done at every start.
func (p *Preparer) ready(s *State) error {
	note := func(err error) {
		if err != nil {
			s.Notes = append(s.Notes, err.Error())
			p.Say("%v", err)
		}
	}
	note(p.Host(s.Identity.Host))
	fresh := p.read(ConfigFile) == ""
	var seed Seed
	var err error
	if fresh {
		seed, err = p.Seed()
		note(err)
		note(p.takeSettings(seed))
	}
	settings, err := p.LoadSettings()
	note(err)
	ports, err := p.Ports()
	note(err)
	s.Ports = Assign(ports, settings.Management)
	p.Bind(s.Ports)
	if fresh {
		if err := p.configure(seed.Config, s.Ports, note); err != nil {
			return err
		}
	}
	note(p.Network(s.Ports, settings, p.Allow(p.at(ConfigFile))))
	note(p.Owner(p.at(kept[0])))
	return p.saveState(s)
}

// takeSettings takes over what the seed has beside the configuration.
func (p *Preparer) takeSettings(seed Seed) error {
	var errs []error
	if seed.Settings != "" {
		settings, err := parseSettings([]byte(seed.Settings))
		if err == nil {
			err = p.SaveSettings(settings)
		}
		errs = append(errs, err)
	}
	if seed.Keys != "" {
		errs = append(errs, replace(p.at(kept[1], "authorized_keys"), []byte(seed.Keys), 0o600))
	}
	return errors.Join(errs...)
}

// configure writes the first configuration: the seed, or if that has mistakes, what the machine comes with.
func (p *Preparer) configure(seed string, ports []Port, note func(error)) error {
	t, err := p.Tune()
	if err != nil {
		return err
	}
	text, err := Complete(seed, ports, t)
	if err == nil {
		err = p.Check(text)
	}
	if err != nil && seed != "" {
		note(fmt.Errorf("the configuration to set up from is not taken: %w", err))
		text, err = Complete("", ports, t)
	}
	if err != nil {
		return err
	}
	return replace(p.at(ConfigFile), []byte(text), 0o640)
}

// forget removes what is of this machine. The order to do so goes last, so that it is done again if the power
// fails meanwhile.
func (p *Preparer) forget() error {
	err := p.setGrubVariables(machineFile)
	for _, dir := range kept {
		entries, readErr := os.ReadDir(p.at(dir))
		if readErr != nil && !errors.Is(readErr, os.ErrNotExist) {
			err = errors.Join(err, readErr)
		}
		for _, e := range entries {
			if path := filepath.Join(dir, e.Name()); path != resetFile {
				err = errors.Join(err, os.RemoveAll(p.at(path)))
			}
		}
	}
	if err != nil {
		return err
	}
	syscall.Sync()
	return os.Remove(p.at(resetFile))
}

// Reset orders a factory reset, which is done at the next start.
func (m Machine) Reset() error {
	if err := os.MkdirAll(filepath.Dir(m.at(resetFile)), 0o750); err != nil {
		return err
	}
	return replace(m.at(resetFile), nil, 0o600)
}

func (m Machine) saveState(s *State) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(m.at(stateFile)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(m.at(stateFile), b, 0o600)
}

// LoadState returns what preparing found.
func (m Machine) LoadState() (s State, err error) {
	b, err := os.ReadFile(m.at(stateFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/appliance"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/dataplane/flow"
)

// thisMachine is the one that weir runs on.
const thisMachine = appliance.Machine("/")

func applianceCommand(schema *flow.Schema) *cobra.Command {
	c := &cobra.Command{
		Use:   "appliance",
		Short: "What the services of the appliance image run",
		Long: "What the services of the appliance image run (image/README.md).\n" +
			"On other machines they are of no use.",
		Hidden: true,
		Args:   arguments(cobra.NoArgs),
		RunE:   func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	sub := func(name, short string, run func() error) {
		c.AddCommand(&cobra.Command{Use: name, Short: short, Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return run() }})
	}
	sub("prepare", "make the machine ready, at every start", func() error { return prepareMachine(schema) })
	sub("health", "confirm the running version, or go back", func() error { return judge(schema) })
	sub("console", "show how things are, and the menu", console)
	sub("reset", "forget everything of this machine at the next start", thisMachine.Reset)
	return c
}

func say(format string, a ...any) { fmt.Printf("weir: "+format+"\n", a...) }

func prepareMachine(schema *flow.Schema) error {
	p := &appliance.Preparer{
		Machine: thisMachine, Now: time.Now, Say: say,
		Seed:  appliance.FindSeed,
		Owner: giveToControlPlane,
		Host:  func(name string) error { return unix.Sethostname([]byte(name)) },
		Check: func(text string) error {
			_, problems := config.Parse("weir.toml", []byte(text), checks(schema))
			return problems.Err()
		},
		Allow: func(path string) []int { return listening(path, schema) },
	}
	restart, err := p.Prepare()
	if err != nil || !restart {
		return err
	}
	if err := exec.Command("systemctl", "--no-block", "reboot").Run(); err != nil {
		return err
	}
	select {} // nothing that comes after this is to start
}

// giveToControlPlane makes a directory and what is in it the property of the user of the control plane, and
// of the group that it shares with the dataplane.
func giveToControlPlane(dir string) error {
	u, err := user.Lookup("weir")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

// listening returns the TCP ports at which a configuration has weir listen for who manages, and that of SSH
// if somebody has put a key there.
func listening(path string, schema *flow.Schema) (ports []int) {
	cfg, _ := config.Load(path, checks(schema))
	for _, listen := range []string{cfg.Metrics.Listen, cfg.Management.Listen} {
		_, port, err := net.SplitHostPort(listen)
		if err != nil {
			continue
		}
		if n, err := strconv.Atoi(port); err == nil {
			ports = append(ports, n)
		}
	}
	if _, err := os.Stat("/var/lib/weir-ssh/authorized_keys"); err == nil {
		ports = append(ports, 22)
	}
	return ports
}

// services are the units that have to work.
var services = [...]string{"weir-dataplane.service", "weir.service"}

// judge confirms the running version, or has the machine start the one before.
func judge(schema *flow.Schema) error {
	h := &appliance.Health{
		Machine: thisMachine, Patience: 10 * time.Minute, Well: 10 * time.Second, Every: time.Second, Say: say,
		Look:    func(ctx context.Context) error { return look(ctx, schema) },
		Confirm: confirm,
	}
	err := h.Judge(context.Background())
	if errors.Is(err, appliance.ErrUnhealthy) {
		say("%v; the version before starts again", err)
		return errors.Join(err, exec.Command("systemctl", "--no-block", "reboot").Run())
	}
	return err
}

// look says what is wrong with the machine: a service that does not run, or nothing that answers who manages.
func look(ctx context.Context, schema *flow.Schema) error {
	for _, s := range services {
		if n := restarts(s); n >= tooOften {
			return fmt.Errorf("%s ended %d times: %w", s, n, appliance.ErrHopeless)
		}
		if state := unitState(s); state != "active" {
			return fmt.Errorf("%s is %s", s, state)
		}
	}
	cfg, problems := config.Load(appliance.ConfigFile, checks(schema))
	if len(problems) > 0 {
		return problems.Err()
	}
	if cfg.Metrics.Listen == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return answers(ctx, cfg.Metrics.Listen)
}

// answers returns nil if weir answers at the address where it is to listen.
func answers(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, port) + "/metrics"
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", q.URL, a.Status)
	}
	return nil
}

// tooOften is how many ends of a service show that it will not work.
const tooOften = 10

// restarts returns how often a unit was started again by itself.
func restarts(unit string) int {
	out, _ := exec.Command("systemctl", "show", "--value", "--property=NRestarts", unit).Output()
	n, _ := strconv.Atoi(strings.TrimSpace(string(out)))
	return n
}

func unitState(unit string) string {
	out, err := exec.Command("systemctl", "is-active", unit).Output()
	if state := strings.TrimSpace(string(out)); state != "" {
		return state
	}
	return fmt.Sprint(err)
}

// confirm tells RAUC and GRUB that the slot is good.
func confirm(slot string) error {
	if err := command("rauc", "status", "mark-good"); err != nil {
		return err
	}
	return command("grub-editenv", "/efi/grub/grubenv", "set", "GOOD="+slot)
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// installFromMedium has RAUC install the update on a medium, and says how far it is.
func installFromMedium() error {
	return appliance.OnMedium(func(dir string) error {
		c := exec.Command("rauc", "install", filepath.Join(dir, "weir-update.raucb"))
		c.Stdout, c.Stderr = os.Stdout, os.Stdout
		return c.Run()
	})
}

// console shows how things are and waits for somebody who wants more.
func console() error {
	c := &appliance.Console{
		Machine: thisMachine, In: bufio.NewReader(os.Stdin), Out: os.Stdout, Version: version,
		Status: func() (lines []string) {
			for _, s := range services {
				lines = append(lines, s+" "+unitState(s))
			}
			return lines
		},
		Apply: func(s appliance.Settings) error {
			if err := thisMachine.Reconfigure(s); err != nil {
				return err
			}
			return command("networkctl", "reload")
		},
		Update: installFromMedium,
		Restart: func(off bool) error {
			if off {
				return command("systemctl", "--no-block", "poweroff")
			}
			return command("systemctl", "--no-block", "reboot")
		},
	}
	c.Await(30 * time.Second)
	c.Show()
	for {
		if _, err := c.In.ReadString('\n'); err != nil {
			return err
		}
		if err := c.Menu(); err != nil {
			return err
		}
		c.Show()
	}
}

package appliance

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// machine makes a tree of files that looks like a machine with that many cores of two threads, and 8 GiB.
func machine(t *testing.T, cores int) Machine {
	t.Helper()
	m := Machine(t.TempDir())
	put(t, m, "/proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n")
	put(t, m, "/proc/cmdline", "ro rauc.slot=A quiet")
	put(t, m, "/efi/grub/grubenv", grubTitle+"ORDER=A B\nGOOD=A\n####")
	put(t, m, "/sys/devices/system/cpu/online", fmt.Sprintf("0-%d", 2*cores-1))
	for i := range 2 * cores {
		put(t, m, fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i),
			fmt.Sprintf("%d,%d", i%cores, i%cores+cores))
	}
	put(t, m, "/sys/bus/pci/drivers_probe", "")
	put(t, m, "/run/here", "")
	return m
}

func put(t *testing.T, m Machine, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.at(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.at(path), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// port adds an Ethernet port to the machine.
func port(t *testing.T, m Machine, address, name, driver, group string) {
	t.Helper()
	dir := "/sys/bus/pci/devices/" + address
	put(t, m, dir+"/class", "0x020000\n")
	put(t, m, dir+"/driver_override", "(null)\n")
	if name != "" {
		put(t, m, dir+"/virtio0/net/"+name+"/address", "")
		put(t, m, "/sys/class/net/"+name+"/address", "52:54:00:00:00:01\n")
	}
	if driver != "" {
		put(t, m, "/sys/bus/pci/drivers/"+driver+"/unbind", "")
		link(t, m, "/sys/bus/pci/drivers/"+driver, dir+"/driver")
	}
	if group != "" {
		put(t, m, "/sys/kernel/iommu_groups/"+group+"/devices/"+address, "")
		link(t, m, "/sys/kernel/iommu_groups/"+group, dir+"/iommu_group")
	}
}

func link(t *testing.T, m Machine, to, from string) {
	t.Helper()
	if err := os.Symlink(m.at(to), m.at(from)); err != nil {
		t.Fatal(err)
	}
}

// preparer returns one whose world outside is the test.
func preparer(t *testing.T, m Machine) *Preparer {
	return &Preparer{
		Machine: m, Now: time.Now, Say: t.Logf,
		Owner: func(string) error { return nil },
		Seed:  func() (Seed, error) { return Seed{}, nil },
		Check: func(string) error { return nil },
		Allow: func(string) []int { return []int{9469} },
		Host:  func(string) error { return nil },
	}
}

// start starts the machine as often as it takes, and returns what it found.
func start(t *testing.T, p *Preparer) State {
	t.Helper()
	for range 2 {
		restart, err := p.Prepare()
		if err != nil {
			t.Fatal(err)
		}
		if !restart {
			s, err := p.LoadState()
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	t.Fatal("it starts again and again")
	return State{}
}

// TestFirstStart sees a machine become a probe, and stay the same one at the next start.
func TestFirstStart(t *testing.T) {
	m := machine(t, 4)
	port(t, m, "0000:00:03.0", "enp0s3", "e1000e", "3")
	port(t, m, "0000:00:04.0", "enp0s4", vfio, "4")
	port(t, m, "0000:00:05.0", "enp0s5", "igb", "")
	p := preparer(t, m)
	s := start(t, p)
	uses := []Use{Management, DPDK, Kernel}
	for i, want := range uses {
		if s.Ports[i].Use != want {
			t.Errorf("port %s is for %s, not %s", s.Ports[i].Address, s.Ports[i].Use, want)
		}
	}
	if !strings.Contains(s.Ports[2].Note, "IOMMU") {
		t.Errorf("nobody is told why port 3 is not DPDK's: %q", s.Ports[2].Note)
	}
	text := m.read(ConfigFile)
	for _, want := range []string{
		`port = "0000:00:04.0"`, `interface = "enp0s5"`, "cores = [1, 2, 3]", "[metrics]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "enp0s3") {
		t.Error("the port that manages meters")
	}
	vars := m.grubVariables(machineFile)
	const isolated = "isolcpus=managed_irq,domain,1-3 "
	if vars["machine_id"] != s.Identity.ID || !strings.Contains(vars["machine"], isolated) {
		t.Errorf("the kernel is told %q", vars)
	}
	const allowed = `add rule inet weir input iifname { "enp0s3" } tcp dport { 9469 } accept`
	if got := m.read(allowFile); got != allowed {
		t.Errorf("what comes in: %s", got)
	}
	put(t, m, ConfigFile, "changed")
	if again := start(t, p); again.Identity != s.Identity || m.read(ConfigFile) != "changed" {
		t.Error("the next start made another machine of it")
	}
}

func TestSeed(t *testing.T) {
	const exporter = "[[exporter]]\nformat = \"ipfix\"\nto = \"udp://192.0.2.1:4739\"\n"
	for _, c := range []struct {
		name, seed string
		bad        error
		has, not   string
	}{
		{"no inputs", "schema = 1\n" + exporter, nil, `port = "0000:00:04.0"`, "zmq"},
		{"inputs", "schema = 1\n[[input]]\ninterface = \"x\"\n" + exporter, nil, `interface = "x"`, "0000:00:04.0"},
		{"no TOML", "schema = = 1", nil, "zmq", "= ="},
		{"mistakes", "schema = 1\n[flow]\ncapacity = -1\n", errors.New("negative"), "zmq", "-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := machine(t, 2)
			port(t, m, "0000:00:03.0", "enp0s3", "e1000e", "3")
			port(t, m, "0000:00:04.0", "enp0s4", vfio, "4")
			p := preparer(t, m)
			p.Seed = func() (Seed, error) {
				return Seed{Config: c.seed, Settings: "address = \"192.0.2.10/24\"\ngateway = \"192.0.2.1\"\n"}, nil
			}
			p.Check = func(text string) error {
				if strings.Contains(text, "capacity = -1") {
					return c.bad
				}
				return nil
			}
			s := start(t, p)
			text := m.read(ConfigFile)
			if !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
				t.Errorf("the configuration is\n%s", text)
			}
			if taken := len(s.Notes) == 0; taken == strings.Contains(text, "zmq") {
				t.Errorf("notes %q", s.Notes)
			}
			if n := m.read(networkDir, "10-enp0s3.network"); !strings.Contains(n, "Address=192.0.2.10/24\n") {
				t.Errorf("the network is\n%s", n)
			}
		})
	}
}

// TestReset sees that nothing of the machine is left, and that it is another one then.
func TestReset(t *testing.T) {
	m := machine(t, 2)
	port(t, m, "0000:00:03.0", "enp0s3", "e1000e", "3")
	p := preparer(t, m)
	before := start(t, p)
	put(t, m, "/var/lib/weir/spool/1", "flows")
	if err := m.Reset(); err != nil {
		t.Fatal(err)
	}
	after := start(t, p)
	if after.Identity.ID == before.Identity.ID || after.Identity.Code == before.Identity.Code ||
		after.Identity.Fingerprint == before.Identity.Fingerprint {
		t.Error("something of the identity is left")
	}
	if _, err := os.Stat(m.at("/var/lib/weir/spool/1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the spool is left: %v", err)
	}
}

// TestGrub has GRUB's own program read what we write.
func TestGrub(t *testing.T) {
	tool, err := exec.LookPath("grub-editenv")
	if err != nil {
		t.Skip(err)
	}
	m := machine(t, 4)
	tuning, err := m.Tune()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.setGrubVariables(machineFile, "machine_id=0123", "machine="+tuning.Arguments()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, m.at(machineFile), "list").CombinedOutput()
	if want := "machine_id=0123\nmachine=" + tuning.Arguments() + "\n"; err != nil || string(out) != want {
		t.Errorf("%v: GRUB reads %q, want %q", err, out, want)
	}
	if err := exec.Command(tool, m.at(machineFile), "set", "more=1").Run(); err != nil {
		t.Error("GRUB cannot write it:", err)
	}
	if vars := m.grubVariables(machineFile); vars["more"] != "1" || vars["machine_id"] != "0123" {
		t.Errorf("we read %q", vars)
	}
}

func TestTune(t *testing.T) {
	for _, c := range []struct {
		cores    int
		isolated []int
	}{{1, nil}, {2, []int{1}}, {4, []int{1, 2, 3}}, {9, []int{2, 3, 4, 5, 6, 7, 8}}} {
		got, err := machine(t, c.cores).Tune()
		if err != nil || !slices.Equal(got.Isolated, c.isolated) {
			t.Errorf("%d cores: %v are isolated, want %v (%v)", c.cores, got.Isolated, c.isolated, err)
		}
		if got.Pages*2 > got.Memory/2 || got.Pages*2 < 512 {
			t.Errorf("%d cores: %d huge pages of %d MiB", c.cores, got.Pages, got.Memory)
		}
	}
}

// TestGroup leaves a port to the kernel that the IOMMU cannot tell from a disk.
func TestGroup(t *testing.T) {
	m := machine(t, 2)
	port(t, m, "0000:00:03.0", "enp0s3", "e1000e", "3")
	port(t, m, "0000:00:04.0", "enp0s4", "ixgbe", "4")
	put(t, m, "/sys/kernel/iommu_groups/4/devices/0000:00:05.0", "")
	put(t, m, "/sys/bus/pci/devices/0000:00:05.0/class", "0x010601\n")
	put(t, m, "/sys/bus/pci/drivers/ahci/unbind", "")
	link(t, m, "/sys/bus/pci/drivers/ahci", "/sys/bus/pci/devices/0000:00:05.0/driver")
	s := start(t, preparer(t, m))
	if p := s.Ports[1]; p.Use != Kernel || !strings.Contains(p.Note, "0000:00:05.0") {
		t.Errorf("port %+v", p)
	}
	if text := m.read("/sys/bus/pci/devices/0000:00:04.0/driver_override"); text != "(null)" {
		t.Errorf("it was bound all the same: %s", text)
	}
}

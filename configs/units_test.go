package configs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exposure is how exposed a unit may be at most, in tenths, as systemd-analyze security rates it from 0 to 100.
const exposure = "22"

var units = []string{"weir.service", "weir-dataplane.service"}

// placed puts the units and what the appliance adds to them into a directory, with a program that there is.
func placed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, pattern := range []string{"lib/systemd/system/*.service", "../image/root/usr/lib/systemd/system/weir*.service",
		"../image/root/usr/lib/systemd/system/weir*.service.d/*.conf"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) < 2 {
			t.Fatalf("%s: %v, %v", pattern, some, err)
		}
		paths = append(paths, some...)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, path[strings.LastIndex(path, "/system/")+8:])
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "/usr/bin/weir ", self+" ")
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd is not installed")
	}
	out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	return string(out), err
}

// TestUnits has systemd judge the units, on a machine of anybody and on the appliance: nothing is unknown, and
// they are no more exposed than is said.
func TestUnits(t *testing.T) {
	dir := placed(t)
	for _, appliance := range []bool{true, false} {
		for _, unit := range units {
			if !appliance {
				os.RemoveAll(filepath.Join(dir, unit+".d"))
			}
			path := filepath.Join(dir, unit)
			out, err := analyze(t, "verify", "--man=no", path)
			for line := range strings.Lines(out) {
				if strings.Contains(line, "weir") { // there are units of others, which are not ours to judge
					t.Errorf("%s: %s", unit, line)
				}
			}
			if err != nil && strings.Contains(out, "weir") {
				t.Errorf("%s: %v", unit, err)
			}
			out, err = analyze(t, "security", "--offline=true", "--no-pager", "--threshold="+exposure, path)
			if err != nil {
				t.Errorf("%s is too exposed: %v\n%s", unit, err, out)
			}
		}
	}
	bare := filepath.Join(dir, "bare.service")
	text := "[Service]\nExecStart=/bin/true\nNoNewPrivilege=yes\n"
	if err := os.WriteFile(bare, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := analyze(t, "security", "--offline=true", "--threshold="+exposure, bare); err == nil {
		t.Errorf("a unit without any protection passes: %s", out)
	}
	if out, _ := analyze(t, "verify", "--man=no", bare); !strings.Contains(out, "NoNewPrivilege") {
		t.Errorf("a misspelt setting passes: %s", out)
	}
}

// TestUnitSettings wants of both units what the two processes rely on, wherever systemd is not installed.
func TestUnitSettings(t *testing.T) {
	capabilities := map[string]string{"weir.service": "CAP_NET_BIND_SERVICE", "weir-dataplane.service": "CAP_NET_RAW"}
	users := map[string]bool{}
	for _, unit := range units {
		b, err := os.ReadFile(filepath.Join("lib/systemd/system", unit))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes",
			"WatchdogSec=.+", "Restart=always", "CapabilityBoundingSet=" + capabilities[unit], "AmbientCapabilities=" + capabilities[unit],
			"SystemCallFilter=@system-service", "MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes"} {
			if !regexp.MustCompile("(?m)^" + want + "$").Match(b) {
				t.Errorf("%s lacks %s", unit, want)
			}
		}
		user := regexp.MustCompile("(?m)^User=(.+)$").FindSubmatch(b)
		if user == nil || users[string(user[1])] || string(user[1]) == "root" {
			t.Fatalf("%s has no user of its own", unit)
		}
		users[string(user[1])] = true
		known, err := os.ReadFile("lib/sysusers.d/weir.conf")
		if err != nil || !strings.Contains(string(known), fmt.Sprintf("u %s ", user[1])) {
			t.Errorf("nobody makes the user %s: %v", user[1], err)
		}
	}
}

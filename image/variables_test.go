package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestVariables writes GRUB's variables as RAUC does, by way of ours, and again after the power failed while
// they were written.
func TestVariables(t *testing.T) {
	const real, ours = "/usr/bin/grub-editenv", "root/usr/lib/weir/bin/grub-editenv"
	if _, err := os.Stat(real); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "grubenv")
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	both := func(want string) {
		t.Helper()
		for _, copy := range []string{file, file + ".1"} {
			if got := run(real, copy, "list"); got != want {
				t.Errorf("%s has\n%swant\n%s", filepath.Base(copy), got, want)
			}
		}
	}
	for _, copy := range []string{file, file + ".1"} {
		run(real, copy, "create")
		run(real, copy, "set", "GOOD=A", "A_OK=1")
	}
	run(ours, file, "set", "ORDER=B A", "B_OK=1")
	both("GOOD=A\nA_OK=1\nORDER=B A\nB_OK=1\n")
	for _, left := range []string{"", "# GRUB Env", strings.Repeat("\x00", 1024)} {
		if err := os.WriteFile(file, []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(ours, file, "list"); !strings.Contains(got, "ORDER=B A") {
			t.Errorf("with %q left, it has %q", left, got)
		}
		run(ours, file, "set", "B_OK=1")
		both("GOOD=A\nA_OK=1\nORDER=B A\nB_OK=1\n")
	}
}

// TestScript has GRUB's own parser read what it is to do.
func TestScript(t *testing.T) {
	if _, err := exec.LookPath("grub-script-check"); err != nil {
		t.Skip(err)
	}
	if out, err := exec.Command("grub-script-check", "grub.cfg").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

package image

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// settled starts the machine and waits until its version is confirmed.
func (g *guest) settled(slot string) {
	g.t.Helper()
	g.start()
	g.await("slot "+slot+" is well and stays", 0)
	g.await("Enter: menu", 0)
}

// identity is what the console shows of who the machine is.
func (g *guest) identity() string {
	text := g.console.String()
	i := strings.LastIndex(text, "SHA-256 ")
	if i < 0 {
		return ""
	}
	return text[i : i+len("SHA-256 ")+3*32-1]
}

// update asks for the update on the medium, in the console's menu, and returns where in what the line says.
func (g *guest) update() int {
	g.t.Helper()
	at := len(g.console.String())
	g.say("")
	at = g.await("Choice: ", at)
	g.say("5")
	return at
}

// bundle returns the update that was built.
func bundle(t *testing.T) string { return filepath.Join(output(t), "weir-update.raucb") }

// medium puts an update on the medium in the machine, which may run meanwhile.
func (g *guest) medium(update string) {
	g.t.Helper()
	g.seed = filepath.Join(g.dir, "medium")
	g.do("truncate", "-s", "400M", g.seed)
	g.do("mkfs.vfat", "-n", "WEIR-SEED", g.seed)
	g.do("mcopy", "-i", g.seed, update, "::weir-update.raucb")
}

// full skips what takes hours under software emulation.
func full(t *testing.T) {
	if os.Getenv("WEIR_IMAGE_FULL") == "" {
		t.Skip("takes long; make image-test-full does it")
	}
}

// TestUpdate has a machine refuse updates that are not what they should be, takes it from slot A to slot B, and
// sees it come back from an update that does not work.
func TestUpdate(t *testing.T) {
	full(t)
	g := newGuest(t, bios)
	g.medium(foreign(t, g, bundle(t)))
	g.settled("A")
	who := g.identity()
	g.await("not done", g.await("signature verification failed", g.update()))
	g.medium(corrupted(t, g, bundle(t)))
	g.await("not done", g.update())
	g.medium(bundle(t))
	at := g.await("Booting `weir, slot B'", g.update())
	g.await("slot B is well and stays", at)
	g.await("Enter: menu", at)
	if g.identity() != who || who == "" {
		t.Errorf("the machine was %q and is %q", who, g.identity())
	}
	g.medium(crashing(t))
	at = g.await("Booting `weir, slot A'", g.update())
	at = g.await("this version did not prove itself", at)
	at = g.await("Booting `weir, slot B'", at)
	g.await("slot B is well and stays", at)
	g.await("Enter: menu", at)
	if g.identity() != who {
		t.Errorf("the machine was %q and is %q", who, g.identity())
	}
}

// foreign returns a copy of an update that somebody else has signed.
func foreign(t *testing.T, g *guest, update string) string {
	path, key, cert := filepath.Join(g.dir, "foreign.raucb"), filepath.Join(g.dir, "key"), filepath.Join(g.dir, "cert")
	g.do("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3000", "-subj", "/CN=somebody",
		"-keyout", key, "-out", cert)
	g.do("rauc", "--keyring="+filepath.Join(output(t), "keys/update.cert.pem"), "--cert="+cert, "--key="+key,
		"resign", "--signing-keyring="+cert, update, path)
	return path
}

// corrupted returns a copy of an update with some octets in its middle changed.
func corrupted(t *testing.T, g *guest, update string) string {
	b, err := os.ReadFile(update)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		b[len(b)/2+i] ^= 0xff
	}
	path := filepath.Join(g.dir, "corrupt.raucb")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// crashing builds an update whose dataplane ends as soon as it starts, signed as it should be.
func crashing(t *testing.T) string {
	t.Helper()
	dir, extra := t.TempDir(), t.TempDir()
	for _, name := range []string{".base", "base.stamp", "initrd.stamp", "initrd.zst", "keys"} {
		if err := os.Symlink(filepath.Join(output(t), name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	unit := filepath.Join(extra, "etc/systemd/system/weir-dataplane.service.d")
	if err := os.MkdirAll(unit, 0o755); err != nil {
		t.Fatal(err)
	}
	text := "[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=100ms\n"
	if err := os.WriteFile(filepath.Join(unit, "crash.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t}
	g.do("cp", "-a", filepath.Join(output(t), ".work/boot"), filepath.Join(dir, ".work-boot"))
	g.do("sh", "-c", fmt.Sprintf("mkdir %s/.work && mv %[1]s/.work-boot %[1]s/.work/boot", dir))
	g.do("env", "IMAGE_EXTRA="+extra, "IMAGE_LEVEL=1", "./build", "../bin/weir", dir)
	return filepath.Join(dir, "weir-update.raucb")
}

// cuts is how often the power fails.
func cuts(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("WEIR_IMAGE_CUTS")); err == nil {
		return n
	}
	return 20
}

// TestPower pulls the plug at random moments of an update, from the order to install to the start of what was
// installed. Every time the machine has to start, be the same one, and take the next update.
func TestPower(t *testing.T) {
	full(t)
	g := newGuest(t, bios)
	g.medium(bundle(t))
	g.settled("A")
	who := g.identity()
	g.update()
	began := time.Now()
	g.await("Booting `weir, slot B'", 0)
	span := time.Since(began) + 20*time.Second
	g.await("slot B is well and stays", 0)
	t.Logf("from the order to the start of slot B: %v", span)
	for i := range cuts(t) {
		g.update()
		after := rand.N(span)
		time.Sleep(after)
		g.kill()
		last := g.console.String()
		last = last[max(0, len(last)-200):]
		g.start()
		g.await("is well and stays", 0)
		g.await("Enter: menu", 0)
		if g.identity() != who || who == "" {
			t.Fatalf("cut %d: the machine was %q and is %q", i, who, g.identity())
		}
		t.Logf("cut %d after %v, at %q: it starts", i, after.Round(time.Millisecond), last)
	}
}

package subscriber

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// socketOfRedis returns the path for the socket of a server of the test's own.
func socketOfRedis(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: apt-get install redis-server")
	}
	return filepath.Join(t.TempDir(), "redis.sock")
}

// startRedis starts one, and returns what kills it.
func startRedis(t *testing.T, path string) (kill func()) {
	t.Helper()
	c := exec.Command("redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
		"--dir", filepath.Dir(path))
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() { _ = c.Process.Kill(); _ = c.Wait() }
	t.Cleanup(kill)
	for range 200 {
		if k, err := net.Dial("unix", path); err == nil {
			k.Close()
			return kill
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("redis-server does not listen")
	return nil
}

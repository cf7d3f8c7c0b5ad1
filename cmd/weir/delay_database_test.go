package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// database is a server that can be started and asked.
type database struct {
	name  string // of the dissector
	start func(t *testing.T, dir string) (address string)
	ask   func(c net.Conn, n int) error // logs in and asks n times
}

// TestDatabaseLatency has databases answer behind a proxy that takes a known time, as
// TestApplicationLatency has a server of HTTP. Servers that are not installed are left out.
func TestDatabaseLatency(t *testing.T) {
	a, b := hosts(t)
	for _, db := range []database{
		{"redis", startRedis, askRedis},
		{"postgresql", startPostgreSQL, askPostgreSQL},
		{"mysql", startMariaDB, askMariaDB},
	} {
		t.Run(db.name, func(t *testing.T) {
			server := db.start(t, open(t))
			for _, delay := range []time.Duration{40 * time.Millisecond, 150 * time.Millisecond} {
				db.measure(t, a, b, server, delay)
			}
		})
	}
}

// measure asks a server behind a delay, and compares what is measured with it.
func (db *database) measure(t *testing.T, a, b, server string, delay time.Duration) {
	t.Helper()
	var l net.Listener
	if err := inside(a, func() (err error) { l, err = net.Listen("tcp", "192.0.2.1:0"); return err }); err != nil {
		t.Skip("listening in a network namespace: ", err)
	}
	defer l.Close()
	go detain(l, server, delay)
	records := path{router: a}.meterAt(t, "wa", func() {
		for range 3 { // connections
			var c net.Conn
			err := inside(b, func() (err error) { c, err = net.Dial("tcp", l.Addr().String()); return err })
			if err == nil {
				c.SetDeadline(time.Now().Add(10 * time.Second))
				err = db.ask(c, 3)
				c.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	is := map[string]any{"RECORD_KIND": "event", "TRANSACTION_PROTOCOL": db.name}
	got := time.Duration(least(t, records, "TRANSACTION_LATENCY_USEC", is)) * time.Microsecond
	t.Logf("%v, injected %v", got, delay)
	if (got - delay).Abs() > delay/20+2*time.Millisecond {
		t.Errorf("the latency is %v behind a delay of %v", got, delay)
	}
}

// serve starts a program, by an account that is not root's if it wants that, and waits until it can be asked
// at a port of this machine.
func serve(t *testing.T, account string, command ...string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)
	for i, word := range command {
		if word == "PORT" {
			command[i] = port
		}
	}
	c := exec.Command(command[0], command[1:]...)
	c.SysProcAttr = as(t, account)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	for range 300 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not listen", command[0])
	return ""
}

// as returns what has a program run by an account. It must not be made to end with a thread: those that
// were in a network namespace do.
func as(t *testing.T, account string) *syscall.SysProcAttr {
	t.Helper()
	attr := &syscall.SysProcAttr{}
	if account == "" {
		return attr
	}
	u, err := user.Lookup(account)
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr
}

// open returns a directory that other accounts may get into.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-database-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// give makes a directory belong to an account.
func give(t *testing.T, dir, account string) {
	t.Helper()
	if c := as(t, account).Credential; os.Chown(dir, int(c.Uid), int(c.Gid)) != nil {
		t.Skip("giving a directory away needs root")
	}
}

// prepare runs a program that has to end well.
func prepare(t *testing.T, account string, command ...string) {
	t.Helper()
	c := exec.Command(command[0], command[1:]...)
	c.SysProcAttr = as(t, account)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[0], err, out)
	}
}

func startRedis(t *testing.T, dir string) string {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip(err)
	}
	return serve(t, "", "redis-server", "--port", "PORT", "--bind", "127.0.0.1", "--dir", dir, "--save", "")
}

func askRedis(c net.Conn, n int) error {
	for range n {
		if _, err := io.WriteString(c, "*1\r\n$4\r\nPING\r\n"); err != nil {
			return err
		}
		b := make([]byte, 7)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "+PONG\r\n" {
			return fmt.Errorf("answered %q: %v", b, err)
		}
	}
	return nil
}

func startPostgreSQL(t *testing.T, dir string) string {
	bin, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(bin) == 0 {
		t.Skip("PostgreSQL is not installed: apt-get install postgresql")
	}
	give(t, dir, "postgres")
	data := filepath.Join(dir, "data")
	prepare(t, "postgres", filepath.Join(bin[0], "initdb"), "-D", data, "-A", "trust", "-N")
	return serve(t, "postgres", filepath.Join(bin[0], "postgres"), "-D", data, "-p", "PORT", "-k", dir,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
}

func askPostgreSQL(c net.Conn, n int) error {
	const startup = "\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00"
	says := startup
	for range n + 1 {
		if _, err := io.WriteString(c, says); err != nil {
			return err
		}
		for kind := byte(0); kind != 'Z'; {
			head := make([]byte, 5)
			if _, err := io.ReadFull(c, head); err != nil {
				return err
			}
			if kind = head[0]; kind == 'E' {
				return errors.New("an error")
			}
			if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head[1:]))-4); err != nil {
				return err
			}
		}
		says = "Q\x00\x00\x00\x0dselect 1\x00"
	}
	return nil
}

func startMariaDB(t *testing.T, dir string) string {
	if _, err := exec.LookPath("mariadbd"); err != nil {
		t.Skip("MariaDB is not installed: apt-get install mariadb-server")
	}
	give(t, dir, "mysql")
	data := filepath.Join(dir, "data")
	prepare(t, "mysql", "mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal")
	return serve(t, "mysql", "mariadbd", "--no-defaults", "--datadir="+data, "--skip-grant-tables", "--skip-networking=0",
		"--bind-address=127.0.0.1", "--socket="+filepath.Join(dir, "socket"), "--port", "PORT")
}

func askMariaDB(c net.Conn, n int) error {
	// A login of ann without a password: capabilities, the greatest packet, characters, and nothing else.
	login := "\x00\x82\x00\x00\x00\x00\x00\x01\x21" + string(make([]byte, 23)) + "ann\x00\x00"
	says := "\x25\x00\x00\x01" + login
	end := func(b []byte, packet int) bool { return true }
	for i := range n + 2 {
		for packet := 0; ; packet++ {
			head := make([]byte, 4)
			if _, err := io.ReadFull(c, head); err != nil {
				return err
			}
			b := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
			if _, err := io.ReadFull(c, b); err != nil {
				return err
			}
			if len(b) == 0 || b[0] == 0xff {
				return fmt.Errorf("answered %q", b)
			}
			if end(b, packet) {
				break
			}
		}
		if i == n+1 {
			return nil
		}
		if i > 0 { // a column, its end, a row, and the end of rows
			says, end = "\x09\x00\x00\x00\x03select 1", func(b []byte, packet int) bool { return packet == 4 }
		}
		if _, err := io.WriteString(c, says); err != nil {
			return err
		}
	}
	return nil
}

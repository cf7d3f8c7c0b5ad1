package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// leaves returns the commands below one that do something, by what follows its name.
func leaves(c *cobra.Command, path string) (all []string) {
	for _, sub := range c.Commands() {
		name := strings.TrimSpace(path + " " + sub.Name())
		if sub.HasSubCommands() {
			all = append(all, leaves(sub, name)...)
		} else if sub.Name() != "help" {
			all = append(all, name)
		}
	}
	return all
}

// TestCtlJSON has every command of ctl print for programs: one value of JSON, a value a line, or nothing if there
// is nothing to tell. None is left out.
func TestCtlJSON(t *testing.T) {
	s := newSite(t)
	file := func(name, text string) string {
		path := filepath.Join(s.dir, name)
		write(t, path, text)
		return path
	}
	good := file("good.toml", strings.Replace(s.base(), "listen = \"127.0.0.1:0\"\n", "", 1)+"[log]\nlevel = \"debug\"\n")
	cert, key := keyPair(t, s.dir)
	const value, lines, nothing, toml = "value", "lines", "nothing", "toml"
	seen := map[string]bool{}
	for _, step := range []struct {
		name, args, prints string
	}{
		{"whoami", "", value}, {"setup", "", value}, {"status", "", value}, {"system", "", value}, {"workers", "", value},
		{"queues", "", value}, {"ports", "", value}, {"collected", "", value}, {"exporters", "", value}, {"sessions", "", value}, {"audit", "", value},
		{"top", "", value}, {"top", "--by PROTOCOL --series", value}, {"log-level", "", value}, {"log-level", "debug", nothing},
		{"tail", "--recent", lines}, {"user list", "", value}, {"user set", "ann --role admin --password", nothing},
		{"login", "ann", value}, {"token new", "scripts --life 1h --user ann", value}, {"token list", "", value},
		{"config get", "", toml}, {"config validate", good, value}, {"config put", good, value}, {"config diff", "", value},
		{"config commit", "-m louder --confirm 10m", value}, {"config confirm", "", value}, {"config history", "", value},
		{"config rollback", "1", value}, {"config put", good, value}, {"config discard", "", nothing},
		{"support", filepath.Join(s.dir, "support.tgz"), nothing}, {"certificate", cert + " " + key, value},
		{"reset", "--sure", nothing},
	} {
		seen[step.name] = true
		args := append([]string{"ctl", "--json", "--socket", filepath.Join(s.dir, "manage.sock")}, strings.Fields(step.name+" "+step.args)...)
		c := exec.Command(weir, args...)
		c.Stdin = strings.NewReader("correct horse battery\n")
		var errs bytes.Buffer
		c.Stderr = &errs
		text, err := c.Output()
		if err != nil {
			t.Errorf("weir ctl %s %s: %v: %s", step.name, step.args, err, errs.String())
			continue
		}
		out := strings.TrimSpace(string(text))
		switch step.prints {
		case value:
			if !json.Valid([]byte(out)) {
				t.Errorf("%s %s prints %q", step.name, step.args, out)
			}
		case lines:
			objects(t, out)
		case nothing:
			if out != "" {
				t.Errorf("%s %s prints %q", step.name, step.args, out)
			}
		case toml:
			if !strings.Contains(out, "schema = 1") {
				t.Errorf("%s %s prints %q", step.name, step.args, out)
			}
		}
	}
	// These need a terminal, another machine or packets, and have tests of their own.
	elsewhere := strings.Fields("pause resume restart update logout password")
	for _, name := range leaves(ctlCommand(), "") {
		if !seen[name] && !slices.Contains(elsewhere, name) && name != "config edit" && name != "token revoke" && name != "user remove" &&
			!strings.HasPrefix(name, "track") {
			t.Errorf("weir ctl %s is not tried", name)
		}
	}
}

// TestCompletion has bash itself complete command lines, of words that are known and of those that the probe says.
func TestCompletion(t *testing.T) {
	const helpers = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(helpers); err != nil {
		t.Skip("bash-completion is not installed")
	}
	s := newSite(t)
	socket := "--socket " + filepath.Join(s.dir, "manage.sock")
	s.commit(s.meters("", ""))
	for _, test := range []struct {
		line, want string
		not        string
	}{
		{"weir ct", "ctl", "status"}, {"weir ctl sta", "status", "system"}, {"weir ctl restart ", "dataplane egress", "status"},
		{"weir ctl tail dn", "dns", "http"}, {"weir ctl log-level ", "debug info warn error", ""},
		{"weir ctl config ", "commit confirm diff discard edit get history put rollback validate", "status"},
		{"weir ctl " + socket + " pause ", "json", ""}, {"weir ctl " + socket + " config rollback ", "1 2", ""},
		{"weir top --onc", "--once", "--interval"},
	} {
		script := fmt.Sprintf("set -e; source %s; PATH=%s:$PATH; source <(weir completion bash); COMP_LINE=%q; COMP_POINT=${#COMP_LINE}; "+
			"read -ra COMP_WORDS <<< \"$COMP_LINE\"; [ \"${COMP_LINE: -1}\" != ' ' ] || COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "+
			"set +e; COMP_TYPE=9 __start_weir; printf '%%s\\n' \"${COMPREPLY[@]}\"", helpers, filepath.Dir(weir), test.line)
		out, err := exec.Command("bash", "-c", script).CombinedOutput()
		var got []string
		for line := range strings.Lines(string(out)) {
			if words := strings.Fields(line); len(words) > 0 {
				got = append(got, words[0])
			}
		}
		for _, word := range strings.Fields(test.want) {
			if !slices.Contains(got, word) {
				t.Errorf("%q becomes %q, %v", test.line, out, err)
			}
		}
		if test.not != "" && slices.Contains(got, test.not) {
			t.Errorf("%q becomes %q", test.line, out)
		}
	}
}

// TestTail watches flows and events as they come, those that meet a condition alone.
func TestTail(t *testing.T) {
	s := newSite(t)
	server, err := net.ListenPacket("udp", "127.0.0.77:53")
	if err != nil {
		t.Skip(err)
	}
	defer server.Close()
	go answer(server)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		c, err := net.Dial("udp", "127.0.0.77:53")
		if err != nil {
			return
		}
		defer c.Close()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				c.Write(question(uint16(i), fmt.Sprintf("host-%d", i%2)))
			}
		}
	}()
	text := strings.Replace(s.meters("", ""), "udp port 4711", "udp port 4711 or udp port 53", 1)
	s.commit(strings.Replace(text, "streams = 0\n", "", 1))
	for _, o := range objects(t, s.ctl("tail", "dns", "--filter", `DNS_QUERY == "host-1.example"`, "-n", "5")) {
		if o["DNS_QUERY"] != "host-1.example" {
			t.Errorf("got %v", o)
		}
	}
	all := objects(t, s.ctl("tail", "events", "-n", "20"))
	if len(all) != 20 {
		t.Errorf("%d events", len(all))
	}
	flows := objects(t, s.ctl("tail", "flows", "--filter", "L4_DST_PORT == 53 and IN_PKTS > 0", "--template", "%L4_DST_PORT %IN_PKTS", "-n", "1"))
	if len(flows) != 1 || flows[0]["L4_DST_PORT"] != 53.0 || flows[0]["IPV4_SRC_ADDR"] != nil {
		t.Errorf("got %v", flows)
	}
	if out := s.ctl("tail", "--recent", "flows", "--filter", "L4_DST_PORT == 54"); out != "" {
		t.Errorf("got %s", out)
	}
	if _, errs, status := s.try("tail", "--filter", "L4_DST_PORT ="); status != exitFailed || !strings.Contains(errs, "cannot be read") {
		t.Errorf("status %d: %s", status, errs)
	}
	s.ctl("top", "--by", "DNS_QUERY", "--kind", "dns", "--order", "records") // it begins to count
	until(t, "names are summed up", func() bool {
		out := s.ctl("top", "--by", "DNS_QUERY", "--kind", "dns", "--order", "records")
		return strings.Contains(out, "host-0.example") && strings.Contains(out, "host-1.example") && strings.Contains(out, "(total)")
	})
}

// question is a query for an address (RFC 1035, section 4).
func question(id uint16, host string) []byte {
	b := []byte{byte(id >> 8), byte(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for _, label := range []string{host, "example"} {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0, 0, 1, 0, 1)
}

// answer says of every name that it does not exist.
func answer(c net.PacketConn) {
	b := make([]byte, 512)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		b[2], b[3] = 0x81, 0x83
		c.WriteTo(b[:n], from)
	}
}

// keyPair makes a certificate and its key.
func keyPair(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
		"-subj", "/CN=weir.example", "-days", "1", "-out", cert, "-keyout", key).CombinedOutput()
	if err != nil {
		t.Skipf("openssl: %v %s", err, out)
	}
	return cert, key
}

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const radiusConfig = `prefix = /usr
libdir = /usr/lib/freeradius
logdir = %[1]s
run_dir = %[1]s
raddbdir = %[1]s
pidfile = %[1]s/radius.pid
log {
	destination = stdout
}
security {
	reject_delay = 0
}
proxy_requests = no
client nas {
	ipaddr = 192.0.2.0/24
	secret = testing123
}
modules {
	pap {
	}
	files {
		usersfile = %[1]s/users
	}
	always ok {
		rcode = ok
	}
}
server default {
	listen {
		type = auth
		ipaddr = 192.0.2.2
		port = 1812
	}
	listen {
		type = acct
		ipaddr = 192.0.2.2
		port = 1813
	}
	authorize {
		files
		pap
	}
	authenticate {
		pap
	}
	accounting {
		ok
	}
}
`

// TestRealRADIUS has users of a real RADIUS server send, one after the other, from the same address: each flow is of
// whom the server let in and the accounting says, and of nobody in between. One of them is tracked by his IMSI.
func TestRealRADIUS(t *testing.T) {
	m := newNetwork(t, "radius", "freeradius", "radclient")
	const addr = "198.51.100.5"
	ip(t, "-n "+m.users+" addr add "+addr+"/32 dev wa")
	ip(t, "-n "+m.core+" route add "+addr+" via 192.0.2.1")
	ip(t, "-n "+m.users+" route add 203.0.113.80 via 192.0.2.2 src "+addr)
	dir := open(t)
	write(t, filepath.Join(dir, "radiusd.conf"), fmt.Sprintf(radiusConfig, dir))
	write(t, filepath.Join(dir, "dictionary"), "$INCLUDE /usr/share/freeradius/dictionary\n")
	write(t, filepath.Join(dir, "users"), "ann Cleartext-Password := \"opensesame\"\n\tFramed-IP-Address = "+addr+"\n")
	_, said := programIn(t, m.core, "freeradius", "-f", "-l", "stdout", "-d", dir, "-n", "radiusd")
	until(t, "freeradius is ready", func() bool { return strings.Contains(said.String(), "Ready to process") })
	tell := func(port, what, attributes string) {
		t.Helper()
		c := exec.Command("ip", "netns", "exec", m.users, "radclient", "-t", "10", "192.0.2.2:"+port, what, "testing123")
		c.Stdin = strings.NewReader(attributes)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("radclient: %v: %s\n%s", err, out, said)
		}
	}
	account := func(status, user, id, more string) {
		t.Helper()
		tell("1813", "acct", fmt.Sprintf("Acct-Status-Type = %s, User-Name = %s, Acct-Session-Id = %q, NAS-Identifier = bras1, "+
			"Framed-IP-Address = %s, Calling-Station-Id = \"02-00-5E-10-00-01\"%s\n", status, user, id, addr, more))
	}
	send := func() {
		t.Helper()
		time.Sleep(2 * time.Second) // another flow
		runIn(t, m.users, "ping", "-c", "3", "-i", "0.2", "-W", "5", "203.0.113.80")
		time.Sleep(200 * time.Millisecond)
	}
	m.ctl("track", "start", "001010000000005")
	send()
	tell("1812", "auth", "User-Name = ann, User-Password = opensesame, NAS-Identifier = bras1\n")
	send()
	account("Start", "ann", "1", ", 3GPP-IMSI = \"001010000000005\"")
	until(t, "he is known", func() bool { return m.tracks()[0].Known == 1 })
	send()
	account("Stop", "ann", "1", ", 3GPP-IMSI = \"001010000000005\"")
	until(t, "he is gone", func() bool { return m.tracks()[0].Known == 0 })
	send()
	account("Start", "bob", "2", "")
	send()
	time.Sleep(3 * time.Second)
	m.ctl("track", "stop", "1")
	type part struct {
		at   float64
		user string
	}
	var flows []part
	for _, o := range m.records() {
		if text := fmt.Sprint(o); strings.Contains(text, "opensesame") {
			t.Errorf("the password is told: %s", text)
		}
		if o["IPV4_SRC_ADDR"] == addr && o["PROTOCOL"] == 1.0 {
			user, _ := o["FLOW_USER_NAME"].(string)
			flows = append(flows, part{o["FLOW_START_MILLISECONDS"].(float64), user})
		}
	}
	slices.SortFunc(flows, func(a, b part) int { return int(a.at - b.at) })
	var users []string
	for _, f := range flows {
		users = append(users, f.user)
	}
	if want := []string{"", "ann", "ann", "", "bob"}; !slices.Equal(users, want) {
		t.Errorf("flows are of %q, want %q\n%s", users, want, m.ctl("status"))
	}
	file := filepath.Join(m.dir, "user.pcapng")
	m.ctl("track", "fetch", "1", file)
	if n := len(shark(t, file, "icmp && ip.addr == "+addr, "frame.number")); n != 6 || n != len(shark(t, file, "frame", "frame.number")) {
		t.Errorf("%d frames of him are kept, of %d, want 6: %v\n%v\n%+v", n, len(shark(t, file, "frame", "frame.number")),
			shark(t, file, "frame", "frame.time_epoch"), shark(t, m.all, "radius", "frame.time_epoch", "radius.code"), m.said)
	}
}

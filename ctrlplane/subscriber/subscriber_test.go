package subscriber

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// acct shows accounting of a session.
func (d *desk) acct(ms uint64, status, user, id, ip string, more ...string) {
	d.t.Helper()
	d.event("radius", ms, nodes, append([]string{"RADIUS_REQ_MSG_TYPE", "4", "RADIUS_RSP_MSG_TYPE", "5",
		"RADIUS_ACCT_STATUS_TYPE", status, "RADIUS_USER_NAME", user, "RADIUS_ACCT_SESSION_ID", id,
		"RADIUS_NAS_IDENTIFIER", "bras1", "RADIUS_FRAMED_IP_ADDR", ip}, more...)...)
}

const web = "203.0.113.80"

// TestReuse gives an address to one user after the other: a flow is of whom it was all the time.
func TestReuse(t *testing.T) {
	d := newDesk(t, nil)
	const ip = "198.51.100.5"
	d.user("", 0, 500, ip, web)
	d.acct(1000, acctStart, "ann", "1", ip, "RADIUS_CALLING_STATION_ID", "02-00-5E-10-00-01")
	d.user("ann", 1000, 1500, ip, web)
	d.user("ann", 1000, 1500, web, ip) // the server is hers
	d.user("", 900, 1500, ip, web)     // it began before
	d.acct(5000, acctStop, "ann", "1", ip)
	d.user("ann", 1000, 4900, ip, web)
	d.user("", 1000, 5100, ip, web) // it went on
	d.user("", 5100, 5200, ip, web)
	d.acct(6000, acctStart, "bob", "2", ip)
	d.user("bob", 6000, 7000, ip, web)
	d.user("ann", 1500, 4900, ip, web) // a record that comes late
	d.user("", 4000, 6500, ip, web)
	d.acct(8000, acctStart, "eve", "3", ip) // nobody said that bob has gone
	d.user("bob", 6100, 7900, ip, web)
	d.user("", 6100, 8100, ip, web)
	d.user("eve", 8000, 8100, ip, web)
	d.user("", 1500, 4900, ip, web) // two users ago: not known any more
	if got := d.flow(8000, 8001, ip, web); got["SUBSCRIBER_NAS"] != "bras1" || got["SUBSCRIBER_SESSION"] != "3" {
		t.Errorf("%v", got)
	}
	if n := d.count("displaced"); n != 1 {
		t.Errorf("%d displaced", n)
	}
}

// TestLate shows signalling in another order than it was said.
func TestLate(t *testing.T) {
	d := newDesk(t, nil)
	const ip = "198.51.100.6"
	d.acct(6000, acctStart, "bob", "2", ip)
	d.acct(1000, acctStart, "ann", "1", ip)
	d.acct(5000, acctStop, "ann", "1", ip)
	d.user("ann", 1000, 4900, ip, web)
	d.user("", 1000, 5100, ip, web)
	d.user("bob", 6000, 6100, ip, web)
	d.acct(7000, acctStop, "bob", "2", ip)
	d.acct(6500, acctInterim, "bob", "2", ip) // he has gone
	d.user("bob", 6000, 6900, ip, web)
	d.user("", 7100, 7200, ip, web)
	d.acct(9000, acctStart, "eve", "3", "198.51.100.7", "RADIUS_ACCT_DELAY_TIME", "2") // it is said 2 s later
	d.user("eve", 7000, 7100, "198.51.100.7", web)
}

// TestGrace holds that traffic may begin before its signalling only if nobody else can have had the address.
func TestGrace(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Grace = time.Second })
	const ip = "198.51.100.8"
	d.acct(5000, acctStart, "ann", "1", ip)
	d.user("ann", 4200, 6000, ip, web)
	d.user("", 3900, 6000, ip, web)
	d.acct(8000, acctStop, "ann", "1", ip)
	d.acct(8500, acctStart, "bob", "2", ip)
	d.user("bob", 8100, 9000, ip, web)
	d.user("", 7900, 9000, ip, web)
}

// TestPrefixes finds users by their IPv6 prefixes, also delegated ones.
func TestPrefixes(t *testing.T) {
	d := newDesk(t, nil)
	d.event("radius", 1000, nodes, "RADIUS_REQ_MSG_TYPE", "1", "RADIUS_RSP_MSG_TYPE", "2", "RADIUS_USER_NAME", "ann",
		"RADIUS_NAS_IP_ADDR", "192.0.2.1", "RADIUS_FRAMED_IPV6_PREFIX", "2001:db8:1::/64",
		"RADIUS_DELEGATED_IPV6_PREFIX", "2001:db8:100::/57", "RADIUS_FRAMED_IPV6_ADDR", "2001:db8:7::7",
		"RADIUS_FRAMED_IP_ADDR", "198.51.100.9")
	six := func(r *flow.Record) { r.Version = 6 }
	for src, want := range map[string]string{
		"2001:db8:1::5": "ann", "2001:db8:1:1::5": "", "2001:db8:100:7f::1": "ann", "2001:db8:100:80::1": "",
		"2001:db8:7::7": "ann", "2001:db8:7::8": "",
	} {
		d.user(want, 1000, 2000, src, "2001:db8:ffff::1", six)
	}
	d.user("ann", 1000, 2000, "198.51.100.9", web)
	if d.flow(1000, 2000, "198.51.100.9", web)["SUBSCRIBER_NAS"] != "192.0.2.1" {
		t.Error("the NAS is not said")
	}
}

// TestRestart ends all sessions of a NAS that begins anew, and no others.
func TestRestart(t *testing.T) {
	d := newDesk(t, nil)
	d.acct(1000, acctStart, "ann", "1", "198.51.100.1")
	d.acct(1000, acctStart, "bob", "2", "198.51.100.2", "RADIUS_NAS_IP_ADDR", "192.0.2.9")
	d.event("radius", 1000, nodes, "RADIUS_REQ_MSG_TYPE", "4", "RADIUS_ACCT_STATUS_TYPE", acctStart, "RADIUS_USER_NAME", "eve",
		"RADIUS_NAS_IDENTIFIER", "bras2", "RADIUS_ACCT_SESSION_ID", "1", "RADIUS_FRAMED_IP_ADDR", "198.51.100.3")
	d.event("radius", 5000, nodes, "RADIUS_REQ_MSG_TYPE", "4", "RADIUS_ACCT_STATUS_TYPE", acctOn,
		"RADIUS_NAS_IDENTIFIER", "bras1")
	d.user("", 6000, 6100, "198.51.100.1", web)
	d.user("", 6000, 6100, "198.51.100.2", web)
	d.user("eve", 6000, 6100, "198.51.100.3", web)
	d.user("ann", 1000, 4000, "198.51.100.1", web)
}

// TestTimeout forgets a session whose accounting stays away.
func TestTimeout(t *testing.T) {
	d := newDesk(t, nil)
	d.acct(1000, acctStart, "ann", "1", "198.51.100.1", "RADIUS_ACCT_INTERIM_INTERVAL", "60")
	d.acct(1000, acctStart, "bob", "2", "198.51.100.2")
	d.c.Tick(at(150_000), d.emit)
	d.user("ann", 140_000, 150_000, "198.51.100.1", web)
	d.c.Tick(at(200_000), d.emit)
	d.c.Tick(at(202_000), d.emit)
	d.user("", 203_000, 204_000, "198.51.100.1", web)
	d.user("bob", 203_000, 204_000, "198.51.100.2", web)
	if d.count("timed_out") != 1 || d.count("active") != 1 {
		t.Errorf("%d timed out, %d active", d.count("timed_out"), d.count("active"))
	}
}

// TestGTP1 follows a session of version 1 through an update by another SGSN to its end.
func TestGTP1(t *testing.T) {
	d := newDesk(t, nil)
	d.event("gtp", 1000, nodes, "GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RSP_MSG_TYPE", "17", "GTPV1_RESPONSE_CAUSE", "128",
		"GTPV1_END_USER_IMSI", "001010000000001", "GTPV1_APN_NAME", "internet", "GTPV1_END_USER_IP", "198.51.100.7",
		"GTP_C2S_F_TEIDS", "ctrl/c1/192.0.2.1;data/d1/192.0.2.1", "GTP_S2C_F_TEIDS", "ctrl/c2/192.0.2.2;data/d2/192.0.2.2",
		"GTP_CELL", "cgi:001-01-1-1", "TRANSACTION_ASKER", "client")
	up := tunnelled(0xd2, 0xd1, "192.0.2.1", "192.0.2.2")
	d.user("001010000000001", 1000, 2000, "198.51.100.7", web, up)
	d.user("", 900, 2000, "198.51.100.7", web, up)
	d.user("", 1000, 2000, "198.51.100.8", web, tunnelled(0xd3, 0, "192.0.2.1", "192.0.2.2"))
	d.user("001010000000001", 1000, 2000, "10.0.0.1", web, tunnelled(0xd2, 0, "192.0.2.1", "192.0.2.2"))
	d.event("gtp", 5000, [2]string{"192.0.2.3", "192.0.2.2"}, "GTPV1_REQ_MSG_TYPE", "18", "GTPV1_RSP_MSG_TYPE", "19",
		"GTPV1_RESPONSE_CAUSE", "128", "GTPV1_C2S_TEID", "0xc2", "GTP_C2S_F_TEIDS", "ctrl/c3/192.0.2.3;data/d3/192.0.2.3",
		"GTP_CELL", "cgi:001-01-2-2", "TRANSACTION_ASKER", "client")
	moved := tunnelled(0xd2, 0xd3, "192.0.2.3", "192.0.2.2")
	d.user("001010000000001", 5000, 6000, "198.51.100.7", web, moved)
	d.user("001010000000001", 1000, 4000, "198.51.100.7", web, up)
	if got := d.flow(5000, 6000, "198.51.100.7", web, moved); got["SUBSCRIBER_CELL"] != "cgi:001-01-2-2" {
		t.Errorf("%v", got)
	}
	d.event("gtp", 8000, peers, "GTPV1_REQ_MSG_TYPE", "20", "GTPV1_RSP_MSG_TYPE", "21", "GTPV1_RESPONSE_CAUSE", "128",
		"GTPV1_C2S_TEID", "0xc3", "TRANSACTION_ASKER", "server")
	if d.count("lost") != 1 { // no such SGSN is at the other end of this flow
		t.Errorf("%d lost", d.count("lost"))
	}
	d.event("gtp", 8000, [2]string{"192.0.2.3", "192.0.2.2"}, "GTPV1_REQ_MSG_TYPE", "20", "GTPV1_RESPONSE_CAUSE", "128",
		"GTPV1_C2S_TEID", "0xc3", "TRANSACTION_ASKER", "server")
	d.user("", 9000, 9100, "198.51.100.7", web, moved)
	d.user("001010000000001", 5000, 7900, "198.51.100.7", web, moved)
}

// TestGTP2 follows a session of version 2: its bearers, a handover, and its end.
func TestGTP2(t *testing.T) {
	d := newDesk(t, nil)
	d.event("gtp", 1000, nodes, "GTPV2_REQ_MSG_TYPE", "32", "GTPV2_RSP_MSG_TYPE", "33", "GTPV2_RESPONSE_CAUSE", "16",
		"GTPV2_END_USER_IMSI", "001010000000002", "GTPV2_APN_NAME", "ims", "GTPV2_PDN_IP", "0xc6336408", "GTP_BEARER_ID", "5",
		"GTP_C2S_F_TEIDS", "10/a1/192.0.2.1", "GTP_S2C_F_TEIDS", "11/a2/192.0.2.2;1/b1/192.0.2.20", "TRANSACTION_ASKER", "client")
	d.event("gtp", 1500, nodes, "GTPV2_REQ_MSG_TYPE", "34", "GTPV2_RSP_MSG_TYPE", "35", "GTPV2_RESPONSE_CAUSE", "16",
		"GTPV2_C2S_TEID", "0xa2", "GTP_C2S_F_TEIDS", "0/e1/192.0.2.31", "TRANSACTION_ASKER", "client")
	first := tunnelled(0xb1, 0xe1, "192.0.2.31", "192.0.2.20")
	d.user("001010000000002", 2000, 3000, "198.51.100.8", web, first)
	d.event("gtp", 4000, nodes, "GTPV2_REQ_MSG_TYPE", "95", "GTPV2_RSP_MSG_TYPE", "96", "GTPV2_RESPONSE_CAUSE", "16",
		"GTPV2_C2S_TEID", "0xa1", "GTP_C2S_F_TEIDS", "1/b2/192.0.2.20", "GTP_S2C_F_TEIDS", "0/e2/192.0.2.31",
		"TRANSACTION_ASKER", "server")
	d.user("001010000000002", 4000, 4500, "198.51.100.8", web, tunnelled(0xb2, 0xe2, "192.0.2.31", "192.0.2.20"))
	d.user("001010000000002", 4000, 4500, "198.51.100.8", web, first)
	d.event("gtp", 5000, nodes, "GTPV2_REQ_MSG_TYPE", "34", "GTPV2_RSP_MSG_TYPE", "35", "GTPV2_RESPONSE_CAUSE", "16",
		"GTPV2_C2S_TEID", "0xa2", "GTP_C2S_F_TEIDS", "0/e3/192.0.2.32;0/e4/192.0.2.32", "TRANSACTION_ASKER", "client")
	d.user("001010000000002", 5000, 5500, "198.51.100.8", web, tunnelled(0xb1, 0xe3, "192.0.2.32", "192.0.2.20"))
	d.user("", 5100, 5500, "10.0.0.1", web, tunnelled(0, 0xe1, "192.0.2.31", "192.0.2.20"))
	d.event("gtp", 7000, nodes, "GTPV2_REQ_MSG_TYPE", "36", "GTPV2_RSP_MSG_TYPE", "37", "GTPV2_RESPONSE_CAUSE", "16",
		"GTPV2_C2S_TEID", "0xa2", "TRANSACTION_ASKER", "client")
	d.user("", 7500, 7600, "198.51.100.8", web, first)
	d.event("gtp", 1000, nodes, "GTPV2_REQ_MSG_TYPE", "32", "GTPV2_RSP_MSG_TYPE", "33", "GTPV2_RESPONSE_CAUSE", "73",
		"GTPV2_END_USER_IMSI", "001010000000009", "GTPV2_PDN_IP", "0xc6336409")
	if d.count("opened") != 1 || d.count("ended") != 1 || d.count("active") != 0 {
		t.Errorf("opened %d, ended %d", d.count("opened"), d.count("ended"))
	}
}

// TestTwoTunnels gives nobody a flow whose two tunnels are of two.
func TestTwoTunnels(t *testing.T) {
	d := newDesk(t, nil)
	for _, x := range [][4]string{{"001010000000001", "a1", "b1", "198.51.100.1"}, {"001010000000002", "a2", "b2", "198.51.100.2"}} {
		d.event("gtp", 1000, nodes, "GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_END_USER_IMSI", x[0],
			"GTPV1_END_USER_IP", x[3], "GTP_C2S_F_TEIDS", "data/"+x[1]+"/192.0.2.1", "GTP_S2C_F_TEIDS", "data/"+x[2]+"/192.0.2.2")
	}
	d.user("001010000000001", 1000, 2000, "198.51.100.1", web, tunnelled(0xb1, 0xa1, "192.0.2.1", "192.0.2.2"))
	d.user("", 1000, 2000, "198.51.100.1", web, tunnelled(0xb1, 0xa2, "192.0.2.1", "192.0.2.2"))
	if d.count("ambiguous") != 1 {
		t.Errorf("%d ambiguous", d.count("ambiguous"))
	}
}

// TestContested gives nobody an address that two access points use at the same time.
func TestContested(t *testing.T) {
	d := newDesk(t, nil)
	for _, x := range [][2]string{{"001010000000001", "one"}, {"001010000000002", "two"}} {
		d.event("gtp", 1000, nodes, "GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_END_USER_IMSI", x[0],
			"GTPV1_APN_NAME", x[1], "GTPV1_END_USER_IP", "10.0.0.1", "GTP_C2S_F_TEIDS", "data/"+x[1][:1]+"/192.0.2.1")
	}
	d.user("", 1000, 2000, "10.0.0.1", web)
	if d.count("contested") != 1 {
		t.Errorf("%d contested", d.count("contested"))
	}
}

// TestDiameter follows a session of Gx, and learns its tunnels from PFCP.
func TestDiameter(t *testing.T) {
	d := newDesk(t, nil)
	gx := func(ms uint64, kind string, more ...string) {
		d.event("diameter", ms, nodes, append([]string{"DIAMETER_REQ_MSG_TYPE", "272", "DIAMETER_RSP_RESULT_CODE", "2001",
			"DIAMETER_SESSION_ID", "pgw;1", "DIAMETER_CC_REQUEST_TYPE", kind}, more...)...)
	}
	gx(1000, "1", "DIAMETER_USER_IMSI", "001010000000003", "DIAMETER_USER_MSISDN", "49170100023",
		"DIAMETER_FRAMED_IP_ADDR", "198.51.100.3", "DIAMETER_FRAMED_IPV6_PREFIX", "2001:db8:3::/64",
		"DIAMETER_CALLED_STATION_ID", "internet")
	d.user("001010000000003", 1000, 2000, "198.51.100.3", web)
	d.event("pfcp", 1100, nodes, "PFCP_REQ_MSG_TYPE", "50", "PFCP_RESPONSE_CAUSE", "1", "PFCP_UE_IPV4_ADDR", "198.51.100.3",
		"PFCP_C2S_F_SEID", "7/192.0.2.1", "PFCP_S2C_F_SEID", "8/192.0.2.2", "PFCP_S2C_F_TEIDS", "in/77/192.0.2.2")
	d.user("001010000000003", 1200, 2000, "10.0.0.1", web, tunnelled(0x77, 0, "192.0.2.9", "192.0.2.2"))
	d.event("pfcp", 1500, nodes, "PFCP_REQ_MSG_TYPE", "52", "PFCP_RESPONSE_CAUSE", "1", "PFCP_C2S_SEID", "8",
		"PFCP_C2S_F_TEIDS", "out/99/192.0.2.9")
	d.user("001010000000003", 1500, 2000, "10.0.0.1", web, tunnelled(0, 0x99, "192.0.2.9", "192.0.2.2"))
	gx(3000, "2", "DIAMETER_CELL", "tai:001-01-7")
	if got := d.flow(3000, 3100, "198.51.100.3", web); got["SUBSCRIBER_CELL"] != "tai:001-01-7" || got["SUBSCRIBER_MSISDN"] != "49170100023" {
		t.Errorf("%v", got)
	}
	gx(5000, "3")
	d.user("", 6000, 6100, "198.51.100.3", web)
	d.event("pfcp", 5000, nodes, "PFCP_REQ_MSG_TYPE", "54", "PFCP_RESPONSE_CAUSE", "1", "PFCP_C2S_SEID", "8")
	d.user("", 6000, 6100, "10.0.0.1", web, tunnelled(0x77, 0, "192.0.2.9", "192.0.2.2"))
}

// TestSignalling says of signalling whom it is about, also where it does not say so itself, and of none if it is
// about nobody or all.
func TestSignalling(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Sessions = 2 })
	is := func(got map[string]string, user, imsi string) {
		t.Helper()
		if got["FLOW_USER_NAME"] != user || got["SUBSCRIBER_IMSI"] != imsi {
			t.Errorf("it is about %v, want %q, %q", got, user, imsi)
		}
	}
	const imsi = "001010000000001"
	create := []string{"GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RSP_MSG_TYPE", "17", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_END_USER_IMSI", imsi,
		"GTPV1_END_USER_IP", "198.51.100.7", "GTP_S2C_F_TEIDS", "ctrl/c2/192.0.2.2", "TRANSACTION_ASKER", "client"}
	is(d.event("gtp", 1000, nodes, create...), imsi, imsi)
	is(d.event("gtp", 2000, nodes, "GTPV1_REQ_MSG_TYPE", "18", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_C2S_TEID", "0xc2",
		"TRANSACTION_ASKER", "client"), imsi, imsi)
	is(d.event("gtp", 2000, nodes, "GTPV1_REQ_MSG_TYPE", "18", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_C2S_TEID", "0xc9",
		"TRANSACTION_ASKER", "client"), "", "")
	is(d.event("gtp", 2500, nodes, "GTPV1_REQ_MSG_TYPE", "1", "GTPV1_RSP_MSG_TYPE", "2"), "", "")
	account := func(status, user, id string) map[string]string {
		return d.event("radius", 3000, nodes, "RADIUS_REQ_MSG_TYPE", "4", "RADIUS_ACCT_STATUS_TYPE", status, "RADIUS_USER_NAME", user,
			"RADIUS_ACCT_SESSION_ID", id, "RADIUS_NAS_IDENTIFIER", "bras1", "RADIUS_FRAMED_IP_ADDR", "198.51.100.1")
	}
	is(account(acctStart, "ann", "1"), "ann", "")
	is(account(acctStart, "", "9"), "", "") // one of the others has to make room for nobody
	is(account(acctStart, "ann", "1"), "ann", "")
	is(account(acctStop, "", "1"), "ann", "")
	is(account(acctStart, "bob", "2"), "bob", "")
	is(d.event("radius", 4000, nodes, "RADIUS_REQ_MSG_TYPE", "4", "RADIUS_ACCT_STATUS_TYPE", acctOn, "RADIUS_NAS_IDENTIFIER", "bras1"), "", "")
	d = newDesk(t, nil)
	is(d.event("gtp", 1000, nodes, create...), imsi, imsi)
	is(d.event("gtp", 8000, nodes, "GTPV1_REQ_MSG_TYPE", "20", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_C2S_TEID", "0xc2",
		"TRANSACTION_ASKER", "client"), imsi, imsi)
}

// leases is what DHCP knows.
type leases map[[16]byte]struct {
	mac  []byte
	name string
	from uint64
}

func (l leases) Holder(a [16]byte, first, last uint64) (mac []byte, name string, ok bool) {
	x, ok := l[a]
	return x.mac, x.name, ok && at(x.from) <= first
}

// TestLeases calls by host name or MAC address whom nobody else knows, all the time that the lease lasted.
func TestLeases(t *testing.T) {
	known := leases{
		addr("198.51.100.1"): {[]byte{2, 0, 0x5e, 0x10, 0, 1}, "annes-laptop", 1000},
		addr("198.51.100.2"): {[]byte{2, 0, 0x5e, 0x10, 0, 2}, "", 1000},
		addr("198.51.100.3"): {nil, "", 1000},
	}
	d := newDesk(t, func(o *Options) { o.Leases = known })
	d.user("annes-laptop", 1000, 2000, "198.51.100.1", web)
	d.user("annes-laptop", 1000, 2000, web, "198.51.100.1")
	d.user("", 900, 2000, "198.51.100.1", web)
	d.user("02:00:5e:10:00:02", 1000, 2000, "198.51.100.2", web)
	d.user("", 1000, 2000, "198.51.100.3", web)
	d.user("", 1000, 2000, "198.51.100.1", web, tunnelled(1, 2, "192.0.2.1", "192.0.2.2"))
	if got := d.flow(1000, 2000, "198.51.100.1", web); got["SUBSCRIBER_MAC"] != "02:00:5e:10:00:01" {
		t.Errorf("%v", got)
	}
	d.acct(3000, acctStart, "ann", "1", "198.51.100.1")
	d.user("ann", 3000, 4000, "198.51.100.1", web)
	if n := d.count("leased"); n != 4 {
		t.Errorf("%d by leases", n)
	}
}

// TestFields says what is asked for only.
func TestFields(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Say = []string{"apn"} })
	d.event("gtp", 1000, nodes, "GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_END_USER_IMSI",
		"001010000000001", "GTPV1_APN_NAME", "internet", "GTPV1_END_USER_IP", "198.51.100.1")
	got := d.flow(1000, 2000, "198.51.100.1", web)
	if got["SUBSCRIBER_APN"] != "internet" || got["SUBSCRIBER_IMSI"] != "" {
		t.Errorf("%v", got)
	}
}

// TestUsage sums up what subscribers and groups have used.
func TestUsage(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Interval = 5 * time.Minute })
	for i, user := range []string{"ann", "bob"} {
		ip := "198.51.100." + string(rune('1'+i))
		d.acct(1000, acctStart, user, user, ip, "RADIUS_CALLED_STATION_ID", "internet")
		d.flow(1000, 2000, ip, web)
		d.flow(1000, 2000, web, ip)
	}
	d.flow(1000, 2000, "198.51.100.9", web)
	d.c.Tick(at(400_000), d.emit)
	d.c.Tick(at(401_000), d.emit)
	d.c.Flush(d.emit)
	seen := map[string]map[string]string{}
	for _, x := range d.made {
		seen[x["USAGE_OF"]+x["FLOW_USER_NAME"]] = x
	}
	if len(d.made) != 3 || seen["subscriberann"]["up"] != "2100" || seen["subscriberann"]["down"] != "2100" ||
		seen["subscriberbob"]["USAGE_FLOWS"] != "2" || seen["group"]["USAGE_SUBSCRIBERS"] != "2" ||
		seen["group"]["up"] != "4200" || seen["group"]["SUBSCRIBER_APN"] != "internet" {
		t.Errorf("%v", d.made)
	}
}

// TestHardware reads MAC addresses however they are written, and nothing else.
func TestHardware(t *testing.T) {
	for s, want := range map[string]string{
		"02-00-5E-10-00-01": "02:00:5e:10:00:01", "0200.5e10.0001": "02:00:5e:10:00:01", "02005e100001": "02:00:5e:10:00:01",
		"491701000231": "", "49170100023": "", "": "", "02-00-5E-10-00-0": "", "02-00-5E-10-00-01-02": "", "xx:xx": "",
	} {
		if got, ok := hardware(nil, []byte(s)); string(got) != want || ok != (want != "") {
			t.Errorf("%q is %q", s, got)
		}
	}
}

// TestBinding writes and reads bindings of all lengths, and takes no other text for one.
func TestBinding(t *testing.T) {
	long := []byte(strings.Repeat("x\t", 200))
	for n := range 300 {
		b := binding{start: uint64(n) << 40, end: uint64(n), who: ^uint64(n)}
		for i := range b.is {
			b.is[i] = long[:(n*7+i)%len(long)]
		}
		text := b.append(nil)
		var back binding
		if len(text) > 255 || !back.read(text) || back.start != b.start || back.end != b.end || back.who != b.who ||
			string(back.append(nil)) != string(text) {
			t.Fatalf("%d: %q of %d octets is read as %+v", n, text, len(text), back)
		}
	}
	for _, s := range []string{"", "x", "1\t2", "1\t2\t-", "\t\t", "zzzzzzzzzzzzzzzz\t1\t1"} {
		if (&binding{}).read([]byte(s)) {
			t.Errorf("%q is a binding", s)
		}
	}
}

func FuzzBinding(f *testing.F) {
	f.Add([]byte("1\t2\t3\tann"))
	f.Fuzz(func(t *testing.T, s []byte) {
		var b, back binding
		if b.read(s) {
			if text := b.append(nil); !back.read(text) || back.who != b.who {
				t.Errorf("%q", s)
			}
		}
	})
}

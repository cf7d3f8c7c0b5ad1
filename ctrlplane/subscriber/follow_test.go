package subscriber

import (
	"fmt"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/worker"
)

// stalker follows subscribers.
type stalker struct {
	all  *[]Followed
	told [][]string
}

func (s *stalker) Followed() *[]Followed { return s.all }

func (s *stalker) Told(traces []worker.Trace) {
	var all []string
	for _, t := range traces {
		kind := map[bool]string{true: "c"}[t.Control] + map[bool]string{true: "l"}[t.Loose]
		all = append(all, fmt.Sprintf("%d %v %x%s", t.Request, t.Net, t.TEID, kind))
	}
	slices.Sort(all)
	s.told = append(s.told, all)
}

// last returns what was told last, and forgets what was.
func (s *stalker) last() (all []string) {
	if len(s.told) > 0 {
		all = s.told[len(s.told)-1]
	}
	s.told = nil
	return all
}

// TestFollow tells where a subscriber is, from who wants to know it on, through an update to the end, and nothing
// of others.
func TestFollow(t *testing.T) {
	d := newDesk(t, nil)
	s := &stalker{}
	d.c.Follow(s)
	ms := uint64(0)
	told := func(want ...string) {
		t.Helper()
		ms++
		d.c.Tick(at(ms), d.emit)
		if n := len(s.told); n > 1 || n == 1 && !slices.Equal(s.told[0], want) || n == 0 && len(want) > 0 {
			t.Errorf("told %q, want %q", s.told, want)
		}
		s.told = nil
	}
	create := func(imsi, ip, ends string, more ...string) {
		d.event("gtp", 1000, nodes, append([]string{"GTPV1_REQ_MSG_TYPE", "16", "GTPV1_RESPONSE_CAUSE", "128", "GTPV1_END_USER_IMSI", imsi,
			"GTPV1_APN_NAME", "internet", "GTPV1_END_USER_IP", ip, "GTP_C2S_F_TEIDS", "ctrl/c1" + ends + "/192.0.2.1;data/d1" + ends + "/192.0.2.1",
			"GTP_S2C_F_TEIDS", "ctrl/c2" + ends + "/192.0.2.2;data/d2" + ends + "/192.0.2.2", "TRANSACTION_ASKER", "client"}, more...)...)
	}
	create("001010000000001", "198.51.100.1", "1", "GTP_END_USER_IPV6_PREFIX", "2001:db8:1::/64")
	create("001010000000002", "198.51.100.2", "2")
	told()
	s.all = &[]Followed{{"001010000000001", 7}, {"001010000000009", 8}}
	told("7 192.0.2.1/32 c11c", "7 192.0.2.1/32 d11", "7 192.0.2.2/32 c21c", "7 192.0.2.2/32 d21", "7 198.51.100.1/32 0",
		"7 2001:db8:1::/64 0")
	create("001010000000003", "198.51.100.3", "3")
	told()
	d.event("gtp", 5000, [2]string{"192.0.2.3", "192.0.2.2"}, "GTPV1_REQ_MSG_TYPE", "18", "GTPV1_RSP_MSG_TYPE", "19",
		"GTPV1_RESPONSE_CAUSE", "128", "GTPV1_C2S_TEID", "0xc21", "GTP_C2S_F_TEIDS", "data/e1/192.0.2.3", "TRANSACTION_ASKER", "client")
	told("7 192.0.2.1/32 c11c", "7 192.0.2.2/32 c21c", "7 192.0.2.3/32 e1", "7 198.51.100.1/32 0", "7 2001:db8:1::/64 0")
	d.event("diameter", 6000, nodes, "DIAMETER_REQ_MSG_TYPE", "272", "DIAMETER_RSP_RESULT_CODE", "2001", "DIAMETER_SESSION_ID", "pgw;9",
		"DIAMETER_CC_REQUEST_TYPE", "1", "DIAMETER_USER_IMSI", "001010000000009", "DIAMETER_FRAMED_IP_ADDR", "198.51.100.9")
	if s.told = nil; true {
		ms++
		d.c.Tick(at(ms), d.emit)
	}
	if got := s.last(); !slices.Contains(got, "8 198.51.100.9/32 0l") || len(got) != 6 {
		t.Errorf("told %q", got)
	}
	d.event("gtp", 8000, nodes, "GTPV1_REQ_MSG_TYPE", "20", "GTPV1_RSP_MSG_TYPE", "21", "GTPV1_RESPONSE_CAUSE", "128",
		"GTPV1_C2S_TEID", "0xc21", "TRANSACTION_ASKER", "client")
	told("8 198.51.100.9/32 0l")
	s.all = nil
	told()
	create("001010000000001", "198.51.100.1", "1")
	told()
}

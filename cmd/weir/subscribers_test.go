package main

import (
	"strings"
	"testing"
)

// TestSubscriberOfOld does the same in version 0, whose tunnels are known by what is inside. sgsnemu writes the octets
// of its TID in the opposite order, so that his IMSI is what others read there.
func TestSubscriberOfOld(t *testing.T) {
	n := 0
	for _, o := range objects(t, must(t, "replay", "-q", "--json", "testdata/subscribers/osmo-ggsn-v0.pcap")) {
		inside := o["IPV4_SRC_ADDR"] == "198.51.100.1"
		if is := o["FLOW_USER_NAME"] == "051000000000101"; is != inside {
			t.Errorf("%v", o)
		} else if is {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d flows of the user", n)
	}
}

// TestSubscriber ties what a user has sent through the tunnel between sgsnemu and osmo-ggsn to his IMSI, and
// nothing else, whatever number of workers share signalling and traffic.
func TestSubscriber(t *testing.T) {
	const capture = "testdata/subscribers/osmo-ggsn.pcap"
	for _, workers := range []string{"1", "3"} {
		tunnelled := 0
		for _, o := range objects(t, must(t, "replay", "-q", "--json", "--workers", workers, capture)) {
			user, is := o["FLOW_USER_NAME"].(string)
			if inside := o["IPV4_SRC_ADDR"] == "198.51.100.1"; inside != is {
				t.Errorf("%v > %v: user %q", o["IPV4_SRC_ADDR"], o["IPV4_DST_ADDR"], user)
			} else if !inside {
				continue
			}
			tunnelled++
			for label, want := range map[string]string{
				"FLOW_USER_NAME": "101000000000100", "SUBSCRIBER_IMSI": "101000000000100", "SUBSCRIBER_APN": "internet",
				"SUBSCRIBER_MSISDN": "49170100023",
			} {
				if o[label] != want {
					t.Errorf("%s is %v, want %s", label, o[label], want)
				}
			}
		}
		if tunnelled != 2 { // ping and HTTP
			t.Errorf("%s workers: %d flows of the user", workers, tunnelled)
		}
	}
	events := must(t, "replay", "-q", "--json", "--records", "http", capture)
	if !strings.Contains(events, `"FLOW_USER_NAME":"101000000000100"`) {
		t.Errorf("the user's request is not his: %s", events)
	}
}

package egress

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

func keyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDisguise gives the same pseudonym to the same person, whatever field says who he is, and another one with
// another key; the rest stays as it is, and the record too.
func TestDisguise(t *testing.T) {
	if _, err := flow.Compile(append(flow.All(), app.Fields())...); err != nil {
		t.Fatal(err)
	}
	fields := []*flow.Field{app.FlowUser, flow.SubscriberIMSI, app.GTP0TID}
	var seen []string
	for _, key := range []string{"k1 " + strings.Repeat("0a", 16) + "\nold " + strings.Repeat("0b", 16) + "\n",
		"k1 " + strings.Repeat("0a", 16), "k2 " + strings.Repeat("0c", 16)} {
		d, err := NewDisguise(keyFile(t, key), fields)
		if err != nil {
			t.Fatal(err)
		}
		var a flow.Attrs
		a.Text(app.FlowUser, "ann")
		a.Text(flow.SubscriberAPN, "internet")
		a.Text(flow.SubscriberIMSI, "ann")
		a.Uint(app.GTP0TID, 7)
		r := flow.Record{}
		v := flow.View{Record: &r, Attrs: a.All(), Kind: flow.KindEvent, ID: flow.ID{1}}
		x := d.of(&v)
		user, _ := x.Value(app.FlowUser)
		seen = append(seen, string(user.B))
		imsi, _ := x.Value(flow.SubscriberIMSI)
		apn, _ := x.Value(flow.SubscriberAPN)
		_, tid := x.Value(app.GTP0TID)
		if string(imsi.B) != string(user.B) || string(apn.B) != "internet" || tid || x.Kind != v.Kind || x.ID != v.ID {
			t.Errorf("%s: IMSI %q, user %q, APN %q, TID %v", key, imsi.B, user.B, apn.B, tid)
		}
		if own, _ := v.Value(app.FlowUser); string(own.B) != "ann" {
			t.Errorf("the record itself says %q", own.B)
		}
		if n := testing.AllocsPerRun(100, func() { d.of(&v) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
	if len(seen[0]) != 2+1+24 || !strings.HasPrefix(seen[0], "k1-") || seen[0] != seen[1] || seen[1][3:] == seen[2][3:] {
		t.Errorf("%q", seen)
	}
	for _, bad := range []string{"", "k1", "k1 00", "k1 " + strings.Repeat("zz", 16), " " + strings.Repeat("0a", 16),
		"averylongname " + strings.Repeat("0a", 16)} {
		if _, err := NewDisguise(keyFile(t, bad), fields); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

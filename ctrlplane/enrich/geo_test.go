package enrich

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/weir-probe/weir/dataplane/flow"
)

// database writes a MaxMind DB file with a record per network.
func database(t *testing.T, records map[string]mmdbtype.Map) string {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "test", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, rec := range records {
		_, n, err := net.ParseCIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(n, rec); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "test.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func names(s string) mmdbtype.Map {
	return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(s)}}
}

func testGeo(t *testing.T) *Geo {
	city := database(t, map[string]mmdbtype.Map{
		"192.0.2.0/24": {
			"country": mmdbtype.Map{"iso_code": mmdbtype.String("IT")}, "city": names("Pisa"),
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(43.7), "longitude": mmdbtype.Float64(0)},
		},
		"2001:db8::/32": {"country": mmdbtype.Map{"iso_code": mmdbtype.String("AQ")}},
	})
	asn := database(t, map[string]mmdbtype.Map{
		"198.51.100.0/24": {
			"autonomous_system_number":       mmdbtype.Uint32(64500),
			"autonomous_system_organization": mmdbtype.String("Example Net"),
		},
	})
	g, err := OpenGeo(city, asn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// TestGeo finds what is known of an address, and nothing that is not.
func TestGeo(t *testing.T) {
	if _, err := flow.Compile(flow.All()...); err != nil {
		t.Fatal(err)
	}
	g := testGeo(t)
	for _, c := range []struct {
		src, dst string
		version  uint8
		want     map[*flow.Field]string
	}{
		{"192.0.2.7", "198.51.100.9", 4, map[*flow.Field]string{
			flow.SrcCountry: "IT", flow.SrcCity: "Pisa", flow.SrcLatitude: "43.7000", flow.SrcLongitude: "0.0000",
			flow.DstAS: "64500", flow.DstASName: "Example Net",
		}},
		{"2001:db8::1", "2001:db9::1", 6, map[*flow.Field]string{flow.SrcCountry: "AQ"}},
		{"203.0.113.1", "203.0.113.2", 4, nil},
	} {
		r := flow.Record{}
		r.Src, r.Dst, r.Version = netip.MustParseAddr(c.src).As16(), netip.MustParseAddr(c.dst).As16(), c.version
		v := flow.View{Record: &r}
		var a flow.Attrs
		g.Enrich(&v, &a)
		v.Attrs = a.All()
		for s := range sides {
			for _, f := range []*flow.Field{sides[s].country, sides[s].city, sides[s].latitude, sides[s].longitude,
				sides[s].as, sides[s].asName} {
				val, ok := v.Value(f)
				if got, want := string(f.Text(nil, val)), c.want[f]; ok != (want != "") || ok && got != want {
					t.Errorf("%s → %s: %s is %q (%v), want %q", c.src, c.dst, f.Label, got, ok, want)
				}
			}
		}
	}
	if g.Faults != 0 {
		t.Errorf("%d faults", g.Faults)
	}
}

// TestRemember bounds what is remembered.
func TestRemember(t *testing.T) {
	m := map[uintptr]int{}
	for i := range uintptr(3 * remembered) {
		remember(m, i, 1)
	}
	if len(m) > remembered {
		t.Errorf("%d records remembered", len(m))
	}
}

func TestOpenGeo(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.mmdb")
	if err := os.WriteFile(bad, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, filepath.Join(t.TempDir(), "none.mmdb")} {
		if _, err := OpenGeo(path, ""); err == nil {
			t.Errorf("%s was opened", filepath.Base(path))
		}
	}
}

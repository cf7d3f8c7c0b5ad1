// Package enrich adds to a flow what its packets do not say: where its addresses are,
// whose networks, what its application is called.
package enrich

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Geo looks addresses up in MaxMind DB files. It is used by one goroutine. What the
// databases do not know of an address is absent from the flow.
type Geo struct {
	city, asn *maxminddb.Reader
	places    map[uintptr]place // by record of the city database
	networks  map[uintptr]network

	Faults uint64 // records of the databases that could not be decoded
}

// side holds the attributes of one end of a flow.
type side struct{ country, city, longitude, latitude, as, asName *flow.Field }

var sides = [2]side{
	{flow.SrcCountry, flow.SrcCity, flow.SrcLongitude, flow.SrcLatitude, flow.SrcAS, flow.SrcASName},
	{flow.DstCountry, flow.DstCity, flow.DstLongitude, flow.DstLatitude, flow.DstAS, flow.DstASName},
}

// place and network are records of the databases, decoded once.
type place struct {
	country, city, longitude, latitude []byte
}

type network struct {
	number uint64
	name   []byte
}

// remembered bounds how many decoded records of a database are kept.
const remembered = 1 << 16

// OpenGeo opens a city database, an AS database or both; an empty path means none.
func OpenGeo(city, asn string) (*Geo, error) {
	g := &Geo{places: map[uintptr]place{}, networks: map[uintptr]network{}}
	for _, d := range []struct {
		path string
		db   **maxminddb.Reader
	}{{city, &g.city}, {asn, &g.asn}} {
		if d.path == "" {
			continue
		}
		db, err := maxminddb.Open(d.path)
		if err != nil {
			g.Close()
			return nil, fmt.Errorf("%s: no usable MaxMind DB file: %w", d.path, err)
		}
		*d.db = db
	}
	return g, nil
}

// Close closes the databases.
func (g *Geo) Close() {
	for _, db := range []*maxminddb.Reader{g.city, g.asn} {
		if db != nil {
			db.Close()
		}
	}
}

// Enrich implements egress.Stage.
func (g *Geo) Enrich(v *flow.View, a *flow.Attrs) {
	if v.Ignored&flow.KeyAddresses != 0 {
		return
	}
	for i, addr := range [2][16]byte{v.Src, v.Dst} {
		ip := netip.AddrFrom16(addr).Unmap()
		if g.city != nil {
			p := g.place(ip)
			text(a, sides[i].country, p.country)
			text(a, sides[i].city, p.city)
			text(a, sides[i].longitude, p.longitude)
			text(a, sides[i].latitude, p.latitude)
		}
		if g.asn == nil {
			continue
		}
		if n := g.network(ip); n.number != 0 {
			a.Uint(sides[i].as, n.number)
			text(a, sides[i].asName, n.name)
		}
	}
}

func text(a *flow.Attrs, f *flow.Field, s []byte) {
	if len(s) > 0 {
		a.Bytes(f, s)
	}
}

func (g *Geo) place(ip netip.Addr) place {
	r := g.city.Lookup(ip)
	if !r.Found() {
		return place{}
	}
	if p, ok := g.places[r.Offset()]; ok {
		return p
	}
	var rec struct {
		Country struct {
			ISO string `maxminddb:"iso_code"`
		} `maxminddb:"country"`
		City struct {
			Names struct {
				English string `maxminddb:"en"`
			} `maxminddb:"names"`
		} `maxminddb:"city"`
		Location struct {
			Longitude *float64 `maxminddb:"longitude"`
			Latitude  *float64 `maxminddb:"latitude"`
		} `maxminddb:"location"`
	}
	var p place
	if r.Decode(&rec) != nil {
		g.Faults++
	} else {
		p = place{country: []byte(rec.Country.ISO), city: []byte(rec.City.Names.English),
			longitude: degrees(rec.Location.Longitude), latitude: degrees(rec.Location.Latitude)}
	}
	return remember(g.places, r.Offset(), p)
}

func (g *Geo) network(ip netip.Addr) network {
	r := g.asn.Lookup(ip)
	if !r.Found() {
		return network{}
	}
	if n, ok := g.networks[r.Offset()]; ok {
		return n
	}
	var rec struct {
		Number uint64 `maxminddb:"autonomous_system_number"`
		Name   string `maxminddb:"autonomous_system_organization"`
	}
	var n network
	if r.Decode(&rec) != nil {
		g.Faults++
	} else {
		n = network{rec.Number, []byte(rec.Name)}
	}
	return remember(g.networks, r.Offset(), n)
}

func remember[T any](m map[uintptr]T, offset uintptr, v T) T {
	if len(m) >= remembered {
		clear(m)
	}
	m[offset] = v
	return v
}

// degrees returns the text of a coordinate, nothing for one that is not known.
func degrees(d *float64) []byte {
	if d == nil {
		return nil
	}
	return strconv.AppendFloat(nil, *d, 'f', 4, 64)
}

package route

import (
	"context"
	"fmt"
	"net/netip"

	api "github.com/osrg/gobgp/v3/api"
	"github.com/osrg/gobgp/v3/pkg/apiutil"
	"github.com/osrg/gobgp/v3/pkg/log"
	"github.com/osrg/gobgp/v3/pkg/packet/bgp"
	"github.com/osrg/gobgp/v3/pkg/server"
)

// Speaker listens to BGP speakers and puts what they tell into a table. It never connects, and tells nothing.
type Speaker struct {
	table  *Table
	own    Source // the server has chosen among all its peers
	server *server.BgpServer
	stop   context.CancelFunc
}

// ListenBGP begins to listen. failed is told of what goes wrong later, by any goroutine.
func ListenBGP(o Options, table *Table, failed func(error)) (*Speaker, error) {
	s := &Speaker{table: table, own: Source{Trust: Chosen}}
	s.server = server.NewBgpServer(server.LoggerOption(quiet{failed}))
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.server.Serve()
	if err := s.open(ctx, &o); err != nil {
		s.Close()
		return nil, fmt.Errorf("bgp: %w", err)
	}
	return s, nil
}

// open lets those who may connect.
func (s *Speaker) open(ctx context.Context, o *Options) error {
	at, err := netip.ParseAddrPort(o.Listen)
	if err != nil {
		return err
	}
	if err := s.server.StartBgp(ctx, &api.StartBgpRequest{Global: &api.Global{
		Asn: uint32(o.AS), RouterId: o.RouterID, ListenPort: int32(at.Port()),
		ListenAddresses: []string{at.Addr().String()},
	}}); err != nil {
		return err
	}
	// What one tells must not be passed on to others.
	silent := &api.PolicyAssignment{
		Name: "global", Direction: api.PolicyDirection_EXPORT, DefaultAction: api.RouteAction_REJECT,
	}
	if err := s.server.SetPolicyAssignment(ctx,
		&api.SetPolicyAssignmentRequest{Assignment: silent}); err != nil {
		return err
	}
	if err := s.server.WatchEvent(ctx, &api.WatchEventRequest{Table: &api.WatchEventRequest_Table{
		Filters: []*api.WatchEventRequest_Table_Filter{{Type: api.WatchEventRequest_Table_Filter_BEST}},
	}}, s.heard); err != nil {
		return err
	}
	for _, text := range o.Peers {
		p, err := parsePeer(text)
		if err != nil {
			return err
		}
		if err := s.server.AddPeer(ctx, &api.AddPeerRequest{Peer: passive(p)}); err != nil {
			return err
		}
	}
	return nil
}

// passive returns a neighbour that has to connect, with the families that flows have addresses of.
func passive(p peer) *api.Peer {
	n := &api.Peer{
		Conf:         &api.PeerConf{NeighborAddress: p.addr.String(), PeerAsn: p.as},
		Transport:    &api.Transport{PassiveMode: true},
		EbgpMultihop: &api.EbgpMultihop{Enabled: true, MultihopTtl: 255},
	}
	for _, afi := range []api.Family_Afi{api.Family_AFI_IP, api.Family_AFI_IP6} {
		n.AfiSafis = append(n.AfiSafis, &api.AfiSafi{Config: &api.AfiSafiConfig{
			Family: &api.Family{Afi: afi, Safi: api.Family_SAFI_UNICAST}, Enabled: true,
		}})
	}
	return n
}

// heard takes in which routes are the best now.
func (s *Speaker) heard(r *api.WatchEventResponse) {
	for _, p := range r.GetTable().GetPaths() {
		nlri, err := apiutil.GetNativeNlri(p)
		if err != nil {
			continue
		}
		prefix, err := netip.ParsePrefix(nlri.String())
		switch {
		case err != nil:
		case p.IsWithdraw:
			s.table.delete(prefix.Masked(), &s.own, 0)
		default:
			if attrs, err := apiutil.GetNativePathAttributes(p); err == nil {
				route := routeOf(attrs)
				route.by = &s.own
				s.table.put(prefix.Masked(), route)
			}
		}
	}
}

// defaultPreference is that of a route which has none said, as routers commonly have it.
const defaultPreference = 100

// routeOf returns what is told of the attributes of a route.
func routeOf(attrs []bgp.PathAttributeInterface) *told {
	r := &told{rank: rank{preference: defaultPreference}}
	for _, a := range attrs {
		switch a := a.(type) {
		case *bgp.PathAttributeAsPath:
			for _, segment := range a.Value {
				r.Path = append(r.Path, segment.GetAS()...)
				r.length += segment.ASLen()
			}
		case *bgp.PathAttributeNextHop:
			r.NextHop, _ = netip.AddrFromSlice(a.Value)
		case *bgp.PathAttributeOrigin:
			r.origin = uint32(a.Value)
		case *bgp.PathAttributeLocalPref:
			r.preference = a.Value
		case *bgp.PathAttributeMultiExitDisc:
			r.med = a.Value
		case *bgp.PathAttributeMpReachNLRI:
			r.NextHop, _ = netip.AddrFromSlice(a.Nexthop)
		}
	}
	r.NextHop = r.NextHop.Unmap()
	return r
}

// Close ends the sessions. What was told stays in the table.
func (s *Speaker) Close() {
	s.server.StopBgp(context.Background(), &api.StopBgpRequest{})
	s.stop()
	s.server.Stop()
}

// quiet passes on what goes wrong, and drops what is said besides.
type quiet struct{ failed func(error) }

func (q quiet) tell(msg string, fields log.Fields) { q.failed(fmt.Errorf("bgp: %s %v", msg, fields)) }

func (q quiet) Panic(msg string, fields log.Fields) { q.tell(msg, fields) }
func (q quiet) Fatal(msg string, fields log.Fields) { q.tell(msg, fields) }
func (q quiet) Error(msg string, fields log.Fields) { q.tell(msg, fields) }
func (q quiet) Warn(msg string, fields log.Fields)  { q.tell(msg, fields) }
func (quiet) Info(string, log.Fields)               {}
func (quiet) Debug(string, log.Fields)              {}
func (quiet) SetLevel(log.LogLevel)                 {}
func (quiet) GetLevel() log.LogLevel                { return log.WarnLevel }

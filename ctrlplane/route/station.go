package route

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/osrg/gobgp/v3/pkg/packet/bgp"
	"github.com/osrg/gobgp/v3/pkg/packet/bmp"
)

// Bounds of what a router may say.
const (
	mostMessage    = 1 << 17 // octets: an UPDATE has up to 65535 (RFC 8654), and a Peer Up two OPENs
	mostNeighbours = 4096    // of a router
)

// Station is a monitoring station of BMP (RFC 7854): routers connect to it and tell what their neighbours told
// them. Each may have one connection; the newest counts, as a router that was cut off comes back.
type Station struct {
	table   *Table
	l       net.Listener
	routers []netip.Addr
	failed  func(error)
	done    sync.WaitGroup

	mu    sync.Mutex
	conns map[netip.Addr]net.Conn // nil when closed
}

// ListenBMP begins to listen. failed is told of what goes wrong later, by any goroutine.
func ListenBMP(o Options, table *Table, failed func(error)) (*Station, error) {
	l, err := net.Listen("tcp", o.BMP)
	if err != nil {
		return nil, fmt.Errorf("bmp: %w", err)
	}
	s := &Station{table: table, l: l, failed: failed, conns: map[netip.Addr]net.Conn{}}
	for _, r := range o.Routers {
		addr, err := netip.ParseAddr(r)
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("bmp: %w", err)
		}
		s.routers = append(s.routers, addr)
	}
	s.done.Go(s.serve)
	return s, nil
}

func (s *Station) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		from := c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap().WithZone("")
		if !slices.Contains(s.routers, from) {
			s.table.count(Strangers)
			c.Close()
			continue
		}
		if s.admit(from, c) {
			s.done.Go(func() { s.attend(from, c) })
		}
	}
}

// admit notes the connection of a router and ends the one it had.
func (s *Station) admit(from netip.Addr, c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		c.Close()
		return false
	}
	if old := s.conns[from]; old != nil {
		old.Close()
	}
	s.conns[from] = c
	return true
}

// attend listens to a router until the connection ends, and forgets then what it told.
func (s *Station) attend(from netip.Addr, c net.Conn) {
	r := router{table: s.table, neighbours: map[neighbour]*view{}}
	err := r.read(bufio.NewReaderSize(c, 1<<16))
	c.Close()
	r.forget(func(neighbour) bool { return true })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns != nil && s.conns[from] == c {
		delete(s.conns, from)
		s.failed(fmt.Errorf("bmp: %v: %w", from, err))
	}
}

// Close ends all connections.
func (s *Station) Close() {
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.l.Close()
	s.done.Wait()
}

// neighbour is one of a router, and which of its tables.
type neighbour struct {
	kind, flags uint8
	addr        netip.Addr
	id          [4]byte
}

// view is what a router tells of a neighbour, and how it is written.
type view struct {
	Source
	options bgp.MarshallingOption
	router  uint32 // autonomous system of the router in this session, 0 if not known
}

// router is a connection.
type router struct {
	table      *Table
	neighbours map[neighbour]*view
	begun      bool
	message    []byte
}

// read reads messages until the router ends, or says what cannot be.
func (r *router) read(b *bufio.Reader) error {
	for {
		head, err := b.Peek(bmp.BMP_HEADER_SIZE)
		if err != nil {
			return err
		}
		size, kind := binary.BigEndian.Uint32(head[1:]), head[5]
		if head[0] != bmp.BMP_VERSION || size < bmp.BMP_HEADER_SIZE || size > mostMessage ||
			!r.begun && kind != bmp.BMP_MSG_INITIATION {
			r.table.count(Unreadable)
			return fmt.Errorf("this is not BMP: it begins with % x", head)
		}
		r.begun = true
		r.message = slices.Grow(r.message[:0], int(size))[:size]
		if _, err := io.ReadFull(b, r.message); err != nil {
			return err
		}
		if kind == bmp.BMP_MSG_TERMINATION {
			return fmt.Errorf("the router ends the session")
		}
		if !r.hear() {
			r.table.count(Unreadable)
		}
	}
}

// hear takes in a message and reports whether it could be read.
func (r *router) hear() bool {
	switch kind := r.message[5]; kind {
	case bmp.BMP_MSG_ROUTE_MONITORING, bmp.BMP_MSG_PEER_UP_NOTIFICATION, bmp.BMP_MSG_PEER_DOWN_NOTIFICATION:
	default:
		return true
	}
	m, err := bmp.ParseBMPMessageWithOptions(r.message, func(h bmp.BMPPeerHeader) []*bgp.MarshallingOption {
		if v := r.neighbours[neighbourOf(&h)]; v != nil {
			return []*bgp.MarshallingOption{&v.options}
		}
		return nil
	})
	if err != nil {
		return false
	}
	h := &m.PeerHeader
	if h.PeerType != bmp.BMP_PEER_TYPE_LOCAL_RIB && h.IsAdjRIBOut() || h.PeerDistinguisher != 0 {
		r.table.count(Elsewhere)
		return true
	}
	switch body := m.Body.(type) {
	case *bmp.BMPPeerUpNotification:
		r.up(h, body)
	case *bmp.BMPPeerDownNotification:
		gone := neighbourOf(h)
		r.forget(func(n neighbour) bool { return n.kind == gone.kind && n.addr == gone.addr })
	case *bmp.BMPRouteMonitoring:
		if u, ok := body.BGPUpdate.Body.(*bgp.BGPUpdate); ok {
			r.update(h, u)
		}
	}
	return true
}

// neighbourOf returns whom a message is about. Neither the size of autonomous systems nor the filters of a
// Loc-RIB make it another.
func neighbourOf(h *bmp.BMPPeerHeader) neighbour {
	n := neighbour{kind: h.PeerType, flags: h.Flags & bmp.BMP_PEER_FLAG_POST_POLICY}
	n.addr, _ = netip.AddrFromSlice(h.PeerAddress)
	copy(n.id[:], h.PeerBGPID)
	if n.kind == bmp.BMP_PEER_TYPE_LOCAL_RIB {
		n.flags = 0
	}
	return n
}

// see returns what is known of a neighbour, nil if there is no room for it.
func (r *router) see(h *bmp.BMPPeerHeader) *view {
	n := neighbourOf(h)
	v := r.neighbours[n]
	if v == nil && len(r.neighbours) < mostNeighbours {
		v = &view{Source: Source{Addr: n.addr}}
		switch {
		case n.kind == bmp.BMP_PEER_TYPE_LOCAL_RIB:
			v.Trust = Chosen
		case n.flags != 0:
			v.Trust = Allowed
		}
		r.neighbours[n] = v
	}
	return v
}

// up takes in that a session of a neighbour began, of which both tables will be told, and anew.
func (r *router) up(h *bmp.BMPPeerHeader, body *bmp.BMPPeerUpNotification) {
	come := neighbourOf(h)
	r.forget(func(n neighbour) bool { return n.kind == come.kind && n.addr == come.addr })
	paths := severalPaths(body)
	both := []uint8{h.Flags &^ bmp.BMP_PEER_FLAG_POST_POLICY, h.Flags | bmp.BMP_PEER_FLAG_POST_POLICY}
	for _, flags := range both {
		other := *h
		other.Flags = flags
		if v := r.see(&other); v != nil {
			v.options.AddPath, v.router = paths, asOf(body.SentOpenMsg)
		}
	}
}

// severalPaths returns the families in which the neighbour numbers its routes: it sends numbers, and the
// router receives them (RFC 7911, section 4).
func severalPaths(body *bmp.BMPPeerUpNotification) map[bgp.RouteFamily]bgp.BGPAddPathMode {
	ours, theirs := addPath(body.SentOpenMsg), addPath(body.ReceivedOpenMsg)
	both := map[bgp.RouteFamily]bgp.BGPAddPathMode{}
	for f, mode := range theirs {
		if mode&bgp.BGP_ADD_PATH_SEND != 0 && ours[f]&bgp.BGP_ADD_PATH_RECEIVE != 0 {
			both[f] = bgp.BGP_ADD_PATH_BOTH
		}
	}
	return both
}

func addPath(m *bgp.BGPMessage) map[bgp.RouteFamily]bgp.BGPAddPathMode {
	modes := map[bgp.RouteFamily]bgp.BGPAddPathMode{}
	open, ok := m.Body.(*bgp.BGPOpen)
	if !ok {
		return modes
	}
	for c := range capabilities(open) {
		if c, ok := c.(*bgp.CapAddPath); ok {
			for _, t := range c.Tuples {
				modes[t.RouteFamily] = t.Mode
			}
		}
	}
	return modes
}

// forget forgets what some neighbours told.
func (r *router) forget(which func(neighbour) bool) {
	for n, v := range r.neighbours {
		if which(n) {
			r.table.forget(&v.Source)
			delete(r.neighbours, n)
		}
	}
}

// update takes in what a neighbour announces and withdraws.
func (r *router) update(h *bmp.BMPPeerHeader, u *bgp.BGPUpdate) {
	v := r.see(h)
	if v == nil {
		r.table.count(Refused)
		return
	}
	gone, came := u.WithdrawnRoutes, u.NLRI
	var old, told []bgp.AddrPrefixInterface
	for _, a := range u.PathAttributes {
		switch a := a.(type) {
		case *bgp.PathAttributeMpUnreachNLRI:
			old = a.Value
		case *bgp.PathAttributeMpReachNLRI:
			told = a.Value
		}
	}
	for _, p := range gone {
		old = append(old, p)
	}
	for _, p := range came {
		told = append(told, p)
	}
	for _, p := range old {
		if prefix, ok := unicast(p); ok {
			r.table.delete(prefix, &v.Source, p.PathIdentifier())
		}
	}
	for _, p := range told {
		if prefix, ok := unicast(p); ok {
			route := routeOf(u.PathAttributes)
			route.by, route.id = &v.Source, p.PathIdentifier()
			v.mend(route, h.PeerAS)
			r.table.put(prefix, route)
		}
	}
}

// mend takes the router's own system off the begin of a path that came from another one. FRRouting 8 writes
// what a neighbour told as if it were to be passed on; no neighbour tells a path that begins so.
func (v *view) mend(r *told, neighbour uint32) {
	if v.Trust != Chosen && v.router != 0 && v.router != neighbour && len(r.Path) > 1 &&
		r.Path[0] == v.router && r.Path[1] == neighbour {
		r.Path, r.length = r.Path[1:], r.length-1
	}
}

// asOf returns the autonomous system that an OPEN is of.
func asOf(m *bgp.BGPMessage) (as uint32) {
	open, ok := m.Body.(*bgp.BGPOpen)
	if !ok {
		return 0
	}
	as = uint32(open.MyAS)
	for c := range capabilities(open) {
		if c, ok := c.(*bgp.CapFourOctetASNumber); ok {
			as = c.CapValue
		}
	}
	return as
}

// capabilities goes through those of an OPEN.
func capabilities(open *bgp.BGPOpen) iter.Seq[bgp.ParameterCapabilityInterface] {
	return func(yield func(bgp.ParameterCapabilityInterface) bool) {
		for _, p := range open.OptParams {
			all, _ := p.(*bgp.OptionParameterCapability)
			if all == nil {
				continue
			}
			for _, c := range all.Capability {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// unicast returns a prefix of the families that flows have addresses of.
func unicast(p bgp.AddrPrefixInterface) (netip.Prefix, bool) {
	switch p := p.(type) {
	case *bgp.IPAddrPrefix:
		return prefixOf(p.Prefix, p.Length)
	case *bgp.IPv6AddrPrefix:
		return prefixOf(p.Prefix, p.Length)
	}
	return netip.Prefix{}, false
}

func prefixOf(ip net.IP, bits uint8) (netip.Prefix, bool) {
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := addr.Prefix(int(bits))
	return p, err == nil
}

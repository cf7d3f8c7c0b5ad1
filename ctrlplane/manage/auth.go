package manage

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	osuser "os/user"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// identity is who somebody has proved to be.
type identity struct {
	User string `json:"user" doc:"The name."`
	Role Role   `json:"role" doc:"What they may."`
	By   string `json:"by" doc:"How they proved it: password, token, certificate or socket."`
	id   string // of the token
}

// peerKey is the key of a *peer in the context of a connection.
type peerKey struct{}

// peer is the process at the other end of a Unix socket.
type peer struct{ pid, uid uint32 }

func peerOf(ctx context.Context) *peer {
	p, _ := ctx.Value(peerKey{}).(*peer)
	return p
}

// from returns where a request comes from, for people, and what it is remembered by.
func (r *request) from() (text, remembered string) {
	if p := peerOf(r.Context()); p != nil {
		return fmt.Sprintf("process %d of user %d", p.pid, p.uid), fmt.Sprintf("uid %d", p.uid)
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr, r.RemoteAddr
	}
	return at.String(), origin(at.Addr())
}

// admit finds out who asks and whether they may.
func (s *Server) admit(r *request) error {
	_, from := r.from()
	if !s.guard.allows(from) {
		return &refusal{status: http.StatusTooManyRequests, wrong: "too many requests; ask less often",
			after: time.Second}
	}
	who, err := s.identify(r, from)
	if err != nil && r.route.who == Anyone {
		return nil // who logs in may have a token that is good no longer
	}
	if err != nil {
		return err
	}
	r.who = who
	switch {
	case who.Role >= r.route.who:
		return nil
	case who.Role == Anyone:
		return refuse(http.StatusUnauthorized, "say who you are: log in at /v1/login, or send a token")
	}
	return refuse(http.StatusForbidden, "%s may not do this: it is for role %s", who.User, r.route.who)
}

// identify finds out who asks: by a token, a certificate, or the process at the end of the socket. Who
// says nothing is Anyone; who says something wrong is refused.
func (s *Server) identify(r *request, from string) (identity, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		return s.bearer(h, from)
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		name := r.TLS.VerifiedChains[0][0].Subject.CommonName
		if role := s.people.role(name); role != Anyone {
			return identity{User: name, Role: role, By: "certificate"}, nil
		}
		return identity{}, refuse(http.StatusUnauthorized, "the certificate is that of %q, who is no user", name)
	}
	if p := peerOf(r.Context()); p != nil {
		return s.local(p), nil
	}
	return identity{}, nil
}

// bearer finds out whose token it is.
func (s *Server) bearer(header, from string) (identity, error) {
	if left := s.guard.locked(from); left > 0 {
		return identity{}, locked(left)
	}
	scheme, text, _ := strings.Cut(header, " ")
	t, ok := s.people.holder(strings.TrimSpace(text))
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		s.guard.failed(from, longestLock)
		return identity{}, refuse(http.StatusUnauthorized, "the token is wrong, has expired or was revoked")
	}
	by := "token"
	if t.Name == "" {
		by = "password"
	}
	return identity{User: t.User, Role: t.Role, By: by, id: t.ID}, nil
}

func locked(left time.Duration) error {
	return &refusal{
		status: http.StatusTooManyRequests, after: left,
		wrong: fmt.Sprintf("too many failures; try again in %v", left.Round(time.Second)+time.Second),
	}
}

// local finds out who is at the other end of a Unix socket, which the kernel says.
func (s *Server) local(p *peer) identity {
	if p.uid == 0 || int(p.uid) == os.Geteuid() {
		return identity{User: "uid " + strconv.Itoa(int(p.uid)), Role: Admin, By: "socket"}
	}
	u, err := osuser.LookupId(strconv.Itoa(int(p.uid)))
	if err != nil {
		return identity{}
	}
	return identity{User: u.Username, Role: s.people.role(u.Username), By: "socket"}
}

// credentials asks the kernel for the process at the other end of a Unix socket.
func credentials(fd int) (*peer, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return nil, err
	}
	return &peer{pid: uint32(c.Pid), uid: c.Uid}, nil
}

// note writes an entry of the audit log about what changed something or was to, and about who failed
// to prove who they are.
func (s *Server) note(r *request, status int, err error) {
	change := r.Method != http.MethodGet && !r.route.quiet || r.route.noted
	if !change && status != http.StatusUnauthorized && status != http.StatusForbidden {
		return
	}
	if status == http.StatusTooManyRequests {
		return // or whoever is locked out fills the disk
	}
	from, _ := r.from()
	e := Entry{
		Time: time.Now().UTC(), User: r.who.User, By: r.who.By, From: from,
		Action: r.Method + " " + r.URL.Path, Status: status, Detail: r.detail,
	}
	if e.By == "" {
		e.By = "not at all"
	}
	if err != nil {
		e.Detail = strings.TrimPrefix(e.Detail+"; "+err.Error(), "; ")
	}
	if len(e.Detail) > 1000 {
		e.Detail = strings.ToValidUTF8(e.Detail[:1000], "")
	}
	if err := s.audit.add(e); err != nil {
		s.probe.Log.Error("a change is not in the audit log", "error", err, "action", e.Action, "user", e.User)
	}
}

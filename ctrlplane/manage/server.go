// Package manage is the API by which a probe is operated: over HTTPS on the management port, and over
// a Unix socket for people on the machine. Its endpoints are a table, of which requests are answered
// and of which the description of the API is made.
package manage

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/ctrlplane/track"
	"github.com/weir-probe/weir/ctrlplane/watch"
)

// Probe is what the API operates. Its functions may be called by any goroutine.
type Probe struct {
	Version string
	Checks  config.Checks // of candidates
	Factory []byte        // the configuration after a factory reset
	Log     *slog.Logger
	Console io.Writer // what people read in front of the machine, and no log keeps
	Hub     *watch.Hub
	Board   *aggregate.Board

	// Apply has a configuration run that was validated. What it cannot do without a restart of the
	// dataplane it does if restart is set, and says otherwise.
	Apply func(next *config.Config, restart bool) (waits []string, err error)
	// Needs returns what of a configuration wants the dataplane restarted though no key of the
	// dataplane differs from those that run.
	Needs func(next *config.Config) []string
	// State returns how things are.
	State func() State
	// Pause has an exporter pause, or go on. It returns false if there is none of that name.
	Pause func(exporter string, pause bool) bool
	// Restart restarts a part: "dataplane" or "egress".
	Restart func(part string) error
	// Level is what the log tells.
	Level *slog.LevelVar
	// Sessions returns what is remembered, nil if nothing is.
	Sessions func() *session.Store
	// Collected returns what came from exporters that are collected from.
	Collected func() []collect.Account
	// Query reads which records somebody wants to see.
	Query func(kinds []string, filter, template string) (watch.Query, error)
	// Tracks keeps packets of subscribers; nil if nobody can.
	Tracks *track.Tracker
	// Lines returns what was logged last.
	Lines func() []byte
	// Metrics answers with everything that is counted, for Prometheus.
	Metrics http.Handler
}

// Server answers requests.
type Server struct {
	probe  Probe
	store  *store.Store
	people *people
	guard  *guard
	audit  *audit
	dir    string
	code   string // admits the first user
	routes []*route
	openly []byte // the description of the API
	mux    *http.ServeMux
	begun  time.Time

	changing sync.Mutex // the configuration
	timer    *time.Timer
	updating atomic.Bool

	ctx   context.Context // until Close
	end   context.CancelFunc
	mu    sync.Mutex // of what follows
	conf  config.Management
	cert  atomic.Pointer[tls.Certificate]
	doors []*door
}

// New returns a server of a probe whose configurations are in a store, with users, certificate and
// audit log in a directory. It listens nowhere until Listen.
func New(dir string, st *store.Store, p Probe, cost Cost) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("management: %w", err)
	}
	who, err := openPeople(filepath.Join(dir, "users.json"), newArgon(cost))
	if err != nil {
		return nil, err
	}
	s := &Server{
		probe: p, store: st, people: who, guard: newGuard(), dir: dir, begun: time.Now(), mux: http.NewServeMux(),
		audit: &audit{path: filepath.Join(dir, "audit.log")},
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	s.routes = s.table()
	for _, t := range s.routes {
		s.mux.HandleFunc(t.method+" "+t.path, s.serve(t))
	}
	if s.openly, err = json.MarshalIndent(describe(s.routes, p.Version), "", "  "); err != nil {
		return nil, err
	}
	if who.none() {
		s.renew()
	}
	s.await()
	return s, nil
}

// certFile is where the certificate is that weir made, or was given.
func (s *Server) certFile() string { return filepath.Join(s.dir, "certificate.pem") }

// Listen has the server answer where a configuration says, and no longer anywhere else.
func (s *Server) Listen(m config.Management) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Listen != "" {
		if err := s.certify(m); err != nil {
			return err
		}
	}
	var errs []error
	var kept []*door
	wanted := doors(m)
	for _, d := range s.doors {
		if i := d.among(wanted); i >= 0 {
			wanted = append(wanted[:i], wanted[i+1:]...)
			kept = append(kept, d)
			continue
		}
		_ = d.listener.Close() // another one may want the address
		go d.close()           // perhaps this was asked for through it
	}
	for _, d := range wanted {
		if err := d.open(s, m); err != nil {
			errs = append(errs, err)
			continue
		}
		kept = append(kept, d)
		s.probe.Log.Info("management is served", "at", d.String())
	}
	s.doors, s.conf = kept, m
	return errors.Join(errs...)
}

// certify reads the certificate to show.
func (s *Server) certify(m config.Management) (err error) {
	var c *tls.Certificate
	if m.Certificate == "" {
		c, err = certificate(s.certFile(), m.Listen)
	} else {
		var cert, key []byte
		if cert, err = os.ReadFile(m.Certificate); err == nil {
			key, err = os.ReadFile(m.Key)
		}
		if err == nil {
			c, err = pair(cert, key)
		}
	}
	if err != nil {
		return fmt.Errorf("management: %w", err)
	}
	if old := s.cert.Swap(c); old == nil || Fingerprint(old.Certificate[0]) != Fingerprint(c.Certificate[0]) {
		fmt.Fprintf(s.probe.Console, "weir: SHA-256 of the certificate: %s\n", Fingerprint(c.Certificate[0]))
	}
	return nil
}

// fingerprint returns that of the certificate, empty if there is none yet.
func (s *Server) fingerprint() string {
	if c := s.cert.Load(); c != nil {
		return Fingerprint(c.Certificate[0])
	}
	return ""
}

// security is how connections are encrypted.
func (s *Server) security(m config.Management) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.cert.Load(), nil
		},
	}
	if m.ClientCA != "" {
		b, err := os.ReadFile(m.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("management: client_ca: %w", err)
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
		if !c.ClientCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("management: client_ca: %s has no certificate in PEM", m.ClientCA)
		}
	}
	return c, nil
}

// Close ends the server: who watches is told that it is over, and others may finish.
func (s *Server) Close() {
	s.end()
	s.changing.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		d.close()
	}
	s.doors = nil
}

// Addresses returns where the server answers.
func (s *Server) Addresses() (all []net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		all = append(all, d.listener.Addr())
	}
	return all
}

package metrics

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// Server answers at /metrics.
type Server struct {
	listener net.Listener
	http     http.Server
	done     chan struct{}
}

// Serve begins to answer at an address and port with what account returns, which is nil while
// there is nothing to tell. Any goroutine may be the one that calls account.
func Serve(listen, version string, account func() *egress.Summary) (*Server, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("metrics cannot be served at %s: %w; correct listen in [metrics]", listen, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", Handler(version, account))
	s := &Server{listener: l, done: make(chan struct{})}
	const patience = 10 * time.Second
	s.http = http.Server{Handler: mux, ReadHeaderTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: 16 << 10}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // until Close
	}()
	return s, nil
}

// Handler answers with everything there is to tell, in the format that is asked for.
func Handler(version string, account func() *egress.Summary) http.Handler {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "weir_build_info", Help: "Version of weir; the value is 1.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	r.MustRegister(newCollector(account), build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError})
}

// URL returns where the metrics are.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/metrics" }

// Close ends the server and waits for it.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

package manage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/export/secret"
)

// System is the machine and the release of weir.
type System struct {
	Version     string    `json:"version" doc:"Of weir."`
	Go          string    `json:"go"`
	Host        string    `json:"host"`
	Kernel      string    `json:"kernel"`
	CPUs        int       `json:"cpus"`
	Load        float64   `json:"load" doc:"Processes that ran or were to, on average of the last minute."`
	Memory      uint64    `json:"memory" doc:"Octets."`
	Free        uint64    `json:"memory_free" doc:"Octets, without what the kernel would give up."`
	Disk        uint64    `json:"disk" doc:"Octets where weir keeps its state."`
	DiskFree    uint64    `json:"disk_free"`
	Booted      time.Time `json:"booted"`
	Fingerprint string    `json:"fingerprint,omitempty" doc:"SHA-256 of the certificate."`
	Updates     bool      `json:"updates" doc:"Whether /v1/system/update is configured."`
}

// Installed is what the program that installs updates said.
type Installed struct {
	Octets int64  `json:"octets" doc:"Of the update."`
	SHA256 string `json:"sha256" doc:"Of the update, in hexadecimal."`
	Said   string `json:"said" doc:"The end of what the program wrote."`
}

// Reset is to be sure.
type Reset struct {
	Sure bool `json:"sure" doc:"true"`
}

// Certificate is one to show.
type Certificate struct {
	Certificate string      `json:"certificate" doc:"PEM, with intermediates behind it."`
	Key         secret.Text `json:"key" doc:"PEM."`
}

// Shown is the certificate that is shown.
type Shown struct {
	Fingerprint string `json:"fingerprint" doc:"SHA-256 of the certificate."`
}

func sha(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// machine describes the system.
func machine(r *request) (any, error) {
	out := System{Version: r.s.probe.Version, Go: runtime.Version(), CPUs: runtime.NumCPU(),
		Fingerprint: r.s.fingerprint()}
	out.Host, _ = os.Hostname()
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		out.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		unit := uint64(info.Unit)
		out.Memory, out.Free = uint64(info.Totalram)*unit, uint64(info.Freeram)*unit
		out.Load = float64(info.Loads[0]) / 65536
		out.Booted = time.Now().Add(-time.Duration(info.Uptime) * time.Second).UTC().Truncate(time.Second)
	}
	var disk unix.Statfs_t
	if unix.Statfs(r.s.dir, &disk) == nil {
		out.Disk, out.DiskFree = disk.Blocks*uint64(disk.Bsize), disk.Bavail*uint64(disk.Bsize)
	}
	r.s.mu.Lock()
	out.Updates = len(r.s.conf.Update) > 0
	r.s.mu.Unlock()
	return out, nil
}

// install gives the body to the program that installs updates.
func install(r *request) (any, error) {
	r.s.mu.Lock()
	m := r.s.conf
	r.s.mu.Unlock()
	if len(m.Update) == 0 {
		return nil, refuse(http.StatusNotImplemented,
			"no program is configured for it: set update_command in [management]")
	}
	if !r.s.updating.CompareAndSwap(false, true) {
		return nil, refuse(http.StatusConflict, "an update is being installed already")
	}
	defer r.s.updating.Store(false)
	c := http.NewResponseController(r.w)
	until := time.Now().Add(m.UpdateTime)
	if err := errors.Join(c.SetReadDeadline(until), c.SetWriteDeadline(until.Add(answerTime))); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithDeadline(r.Context(), until)
	defer cancel()
	body := &counted{from: http.MaxBytesReader(r.w, r.Body, int64(m.UpdateSize)), hash: sha256.New()}
	said := &tail{}
	p := exec.CommandContext(ctx, m.Update[0], m.Update[1:]...)
	p.Stdin, p.Stdout, p.Stderr = body, said, said
	p.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGKILL) }
	p.WaitDelay = farewell
	err := p.Run()
	n, sum, readErr := body.read()
	out := Installed{n, sum, said.String()}
	r.detail = fmt.Sprintf("%d octets with sha256 %s", out.Octets, out.SHA256)
	var large *http.MaxBytesError
	switch {
	case errors.As(readErr, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the update has more than %d octets", m.UpdateSize)
	case ctx.Err() != nil:
		return nil, refuse(http.StatusGatewayTimeout, "the update was not installed within %v", m.UpdateTime)
	case err != nil:
		return nil, refuse(http.StatusUnprocessableEntity, "the update was not installed: %v: %s", err, out.Said)
	}
	return out, nil
}

// counted counts what is read.
type counted struct {
	from io.Reader
	hash hash.Hash
	mu   sync.Mutex // of what follows: the program may end before it has read everything
	n    int64
	err  error
}

// read returns how much was, and the error that it ended with.
func (c *counted) read() (int64, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n, hex.EncodeToString(c.hash.Sum(nil)), c.err
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.hash.Write(b[:n])
	c.n, c.err = c.n+int64(n), err
	return n, err
}

// tail keeps the end of what is written.
type tail struct{ b []byte }

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	const most = 4 << 10
	if t.b = append(t.b, b...); len(t.b) > most {
		t.b = slices.Clone(t.b[len(t.b)-most:])
	}
	return len(b), nil
}

func (t *tail) String() string { return strings.TrimSpace(strings.ToValidUTF8(string(t.b), "?")) }

// factory begins anew. Who asked gets the answer; from then on the console admits the next first user.
func factory(r *request) (any, error) {
	in, err := decode[Reset](r)
	if err != nil {
		return nil, err
	}
	if !in.Sure {
		return nil, refuse(http.StatusBadRequest, "everything will be gone; say that you are sure")
	}
	s := r.s
	s.changing.Lock()
	defer s.changing.Unlock()
	next, problems := s.parse(s.probe.Factory)
	if len(problems) > 0 {
		return nil, fmt.Errorf("the factory's configuration has mistakes: %w", problems.Err())
	}
	v, err := s.store.Reset(store.Change{Text: s.probe.Factory, Who: r.who.User, Why: "factory reset"})
	if err != nil {
		return nil, err
	}
	s.arm()
	err = errors.Join(s.people.reset(), ignoreAbsent(os.Remove(s.certFile())))
	s.audit.forget()
	s.renew()
	go func() { // it may end the listener that the answer has to go through
		time.Sleep(500 * time.Millisecond)
		if _, err := s.probe.Apply(next, true); err != nil {
			s.probe.Log.Error("the factory's configuration was not taken over", "error", err)
		}
	}()
	return s.committed(v, nil), err
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func putCertificate(r *request) (any, error) {
	in, err := decode[Certificate](r)
	if err != nil {
		return nil, err
	}
	c, err := pair([]byte(in.Certificate), []byte(in.Key.Reveal()))
	if err != nil {
		return nil, bad(err)
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.conf.Certificate != "" {
		return nil, refuse(http.StatusConflict, "the certificate is in %s: replace it there", r.s.conf.Certificate)
	}
	text := in.Certificate + "\n" + in.Key.Reveal()
	if err := store.Replace(r.s.certFile(), []byte(text)); err != nil {
		return nil, err
	}
	r.s.cert.Store(c)
	r.detail = "sha256 " + Fingerprint(c.Certificate[0])
	return Shown{Fingerprint(c.Certificate[0])}, nil
}

func metrics(r *request) (any, error) {
	w := &buffer{header: http.Header{}}
	r.s.probe.Metrics.ServeHTTP(w, r.Request)
	return w.Bytes(), nil
}

// buffer is an answer that is kept.
type buffer struct {
	bytes.Buffer
	header http.Header
}

// Header implements http.ResponseWriter.
func (b *buffer) Header() http.Header { return b.header }

// WriteHeader implements http.ResponseWriter.
func (b *buffer) WriteHeader(int) {}

// support packs what others need to help. Configurations name files with secrets and hold none; users,
// tokens, keys and the audit log are left out.
func support(r *request) (any, error) {
	st := r.s.probe.State()
	v, text, err := r.s.store.Running()
	if err != nil {
		return nil, err
	}
	about, _ := machine(r)
	how, _ := status(r)
	past, _ := history(r)
	build, _ := debug.ReadBuildInfo()
	asked, _ := metrics(r)
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	parts := []struct {
		name string
		data any
	}{
		{"system.json", about}, {"status.json", how}, {"summary.json", st.Summary}, {"history.json", past},
		{fmt.Sprintf("config-%d.toml", v.Number), text}, {"log.txt", r.s.probe.Lines()}, {"metrics.txt", asked},
		{"build.txt", []byte(build.String())}, {"goroutines.txt", stacks}, {"interfaces.json", interfaces()},
		{"cpuinfo.txt", kernel("/proc/cpuinfo")}, {"meminfo.txt", kernel("/proc/meminfo")},
		{"interrupts.txt", kernel("/proc/interrupts")}, {"netdev.txt", kernel("/proc/net/dev")},
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, p := range parts {
		data, isText := p.data.([]byte)
		if !isText {
			if data, err = json.MarshalIndent(p.data, "", "  "); err != nil {
				return nil, err
			}
		}
		data = config.Redact(data)
		h := &tar.Header{Name: "weir-support/" + p.name, Mode: 0o600, Size: int64(len(data)), ModTime: time.Now()}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(data); err != nil {
			return nil, err
		}
	}
	r.w.Header().Set("Content-Disposition", `attachment; filename="weir-support.tar.gz"`)
	err = errors.Join(t.Close(), z.Close())
	return b.Bytes(), err
}

// kernel reads a file of the kernel's, whose size it does not say.
func kernel(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b[:min(len(b), 256<<10)]
}

func interfaces() (all []Port) {
	list, _ := net.Interfaces()
	for _, i := range list {
		p := Port{Name: i.Name, Kind: "interface", Source: i.Name}
		p.link("/sys/class/net/" + i.Name)
		all = append(all, p)
	}
	return all
}

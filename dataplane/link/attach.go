package link

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
)

// ErrBusy is wrapped by Attach when another control plane has the rings.
var ErrBusy = errors.New("another control plane is attached")

// Attachment is the control plane's side.
type Attachment struct {
	Offer  Offer
	Rings  []*ring.Ring // one per worker
	Ledger []byte       // memory that outlives the control plane, for its counters
	gone   chan struct{}
	said   chan string // answers
	asking sync.Mutex
	conn   *net.UnixConn
	mapped [][]byte
}

// maxFiles bounds the descriptors of an offer: the kernel's limit (SCM_MAX_FD).
const maxFiles = 253

// Attach takes over the rings of the dataplane at path.
func Attach(path string) (*Attachment, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("dataplane at %s: %w", path, err)
	}
	a := &Attachment{conn: conn, gone: make(chan struct{}), said: make(chan string, 1)}
	if err := a.receive(); err != nil {
		a.Detach()
		return nil, fmt.Errorf("dataplane at %s: %w", path, err)
	}
	go a.watch()
	return a, nil
}

func (a *Attachment) receive() error {
	line, oob := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4*maxFiles))
	a.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, oobn, _, _, err := a.conn.ReadMsgUnix(line, oob)
	if err != nil {
		return fmt.Errorf("no offer: %w", err)
	}
	a.conn.SetReadDeadline(time.Time{})
	if err := json.Unmarshal(line[:n], &a.Offer); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	files, err := descriptors(oob[:oobn])
	defer closeAll(files)
	switch {
	case err != nil:
		return err
	case a.Offer.Busy != 0:
		return fmt.Errorf("%w (dataplane %d)", ErrBusy, a.Offer.Busy)
	case a.Offer.Version != Version:
		return fmt.Errorf("it speaks version %d, this program %d: restart the older of the two", a.Offer.Version, Version)
	case len(files) != len(a.Offer.Workers)+1:
		return fmt.Errorf("%d descriptors for %d workers", len(files), len(a.Offer.Workers))
	}
	return a.mapAll(files)
}

func (a *Attachment) mapAll(files []int) error {
	for i, fd := range files {
		mem, err := ring.Map(fd)
		if err != nil {
			return err
		}
		a.mapped = append(a.mapped, mem)
		if i == len(a.Offer.Workers) {
			a.Ledger = mem
			break
		}
		r, err := ring.Attach(mem)
		if err != nil {
			return fmt.Errorf("ring of worker %s: %w", a.Offer.Workers[i].Name, err)
		}
		a.Rings = append(a.Rings, r)
	}
	return nil
}

func descriptors(oob []byte) ([]int, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("descriptors: %w", err)
	}
	var files []int
	for i := range msgs {
		got, err := unix.ParseUnixRights(&msgs[i])
		files = append(files, got...)
		if err != nil {
			return files, fmt.Errorf("descriptors: %w", err)
		}
	}
	return files, nil
}

func closeAll(files []int) {
	for _, fd := range files {
		unix.Close(fd)
	}
}

// watch notices that the dataplane is gone.
func (a *Attachment) watch() {
	for in := bufio.NewScanner(a.conn); in.Scan(); {
		select {
		case a.said <- in.Text():
		default: // nobody asked
		}
	}
	close(a.gone)
}

// Reload has the dataplane read its configuration again and take over what it can of it. It fails with
// what is wrong, and then nothing has changed.
func (a *Attachment) Reload() error { return a.ask("reload") }

// Track has the dataplane hand over the packets that some traces are of, as they are, and no others. Any goroutine
// may call it.
func (a *Attachment) Track(traces []worker.Trace) error {
	line, err := json.Marshal(traces)
	if err != nil {
		return err
	}
	return a.ask("track " + string(line))
}

// ask says a line to the dataplane and waits for its answer.
func (a *Attachment) ask(line string) error {
	a.asking.Lock()
	defer a.asking.Unlock()
	select {
	case <-a.said: // an answer that came too late
	default:
	}
	if _, err := a.conn.Write([]byte(line + "\n")); err != nil {
		return fmt.Errorf("dataplane: %w", err)
	}
	select {
	case said := <-a.said:
		if said != "ok" {
			return fmt.Errorf("dataplane: %s", said)
		}
		return nil
	case <-a.gone:
		return errors.New("dataplane: it has ended")
	case <-time.After(answer):
		return fmt.Errorf("dataplane: it has not answered within %v", answer)
	}
}

// answer is how long the dataplane may take to read its configuration again.
const answer = 10 * time.Second

// Gone is closed when the dataplane has ended; the rings stay readable.
func (a *Attachment) Gone() <-chan struct{} { return a.gone }

// Stop asks the dataplane to hand over all flows, close its rings and end.
func (a *Attachment) Stop() error {
	_, err := a.conn.Write([]byte("stop\n"))
	return err
}

// Detach leaves the rings to the next control plane. They must not be used any more.
func (a *Attachment) Detach() {
	a.conn.Close()
	for _, mem := range a.mapped {
		ring.Unmap(mem)
	}
	a.mapped = nil
}

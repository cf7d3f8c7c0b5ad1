// Package track keeps all packets of a subscriber in a capture file, as an administrator asks for: within limits of
// size and time. The subscribers' sessions tell what his packets are known by, the workers hand them over.
package track

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/ctrlplane/kept"
	"github.com/weir-probe/weir/ctrlplane/subscriber"
	"github.com/weir-probe/weir/dataplane/worker"
)

// Limits of a track.
const (
	LeastSize   = 64 << 10
	LongestTime = 7 * 24 * time.Hour
	Most        = worker.MaxTracked // at a time
	remembered  = 256               // tracks that have ended
)

// Wish is whose packets somebody wants.
type Wish struct {
	IMSI string        // 5 to 15 digits
	Size int64         // octets of the file, at most
	For  time.Duration // it ends by itself after so long
	By   string        // who wants it
}

// Track is what became of a wish.
type Track struct {
	ID      int       `json:"id"`
	IMSI    string    `json:"imsi"`
	By      string    `json:"by" doc:"Who asked for it."`
	Began   time.Time `json:"began"`
	Until   time.Time `json:"until" doc:"When it ends, or has ended."`
	Ended   string    `json:"ended,omitempty" doc:"Why it has ended: time, size, asked, or end of weir; nothing while it goes on."`
	Limit   int64     `json:"limit" doc:"Octets of the file, at most."`
	Octets  int64     `json:"octets" doc:"Of the file so far."`
	Packets uint64    `json:"packets" doc:"Handed over so far: the sum of the next two, once it has ended."`
	Saved   uint64    `json:"saved"`
	Lost    uint64    `json:"lost" doc:"Packets that the disk was too slow for, or refused."`
	Known   int       `json:"known" doc:"Addresses and tunnels of the subscriber that are known now; 0 is that he is waited for."`
	File    string    `json:"file,omitempty" doc:"Path of the file, once it is complete."`
	Error   string    `json:"error,omitempty" doc:"What went wrong last."`
}

// Tracker has subscribers tracked. All of its methods may be called by any goroutine.
type Tracker struct {
	mu    sync.Mutex
	dir   string
	room  int64
	name  func(port uint16) string
	all   []*job // the oldest first
	last  int
	known map[uint16]int

	wanted  atomic.Pointer[[]subscriber.Followed]
	traces  []worker.Trace
	publish func([]worker.Trace) error
	due     chan struct{}
	failure string
}

// job is a track and its file.
type job struct {
	Track
	keeper *kept.Keeper // nil when it has ended
	timer  *time.Timer
	closed chan struct{} // when the file is complete
}

// ErrNone says that there is no such track.
var ErrNone = errors.New("there is no such track")

// New returns a Tracker that tracks nobody.
func New() *Tracker {
	t := &Tracker{due: make(chan struct{}, 1), known: map[uint16]int{}}
	go t.tell()
	return t
}

// Configure says where files are kept, empty for nowhere, how many octets all of them may have, and what interfaces
// are called.
func (t *Tracker) Configure(dir string, room int64, name func(port uint16) string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dir, t.room, t.name = dir, room, name
}

// Attach says who hands packets over by what they are known by; nil is nobody.
func (t *Tracker) Attach(publish func([]worker.Trace) error) {
	t.mu.Lock()
	t.publish = publish
	t.mu.Unlock()
	t.again()
}

// again has the dataplane be told what to hand over.
func (t *Tracker) again() {
	select {
	case t.due <- struct{}{}:
	default:
	}
}

// tell tells it, as often as something has changed.
func (t *Tracker) tell() {
	for range t.due {
		t.mu.Lock()
		traces, publish := t.traces, t.publish
		t.mu.Unlock()
		if publish == nil {
			continue
		}
		err := publish(traces)
		t.mu.Lock()
		t.failure = ""
		if err != nil {
			t.failure = err.Error()
			time.AfterFunc(time.Second, t.again)
		}
		t.mu.Unlock()
	}
}

// Followed implements subscriber.Follower.
func (t *Tracker) Followed() *[]subscriber.Followed { return t.wanted.Load() }

// Told implements subscriber.Follower.
func (t *Tracker) Told(traces []worker.Trace) {
	if len(traces) > worker.MaxTraces {
		traces = traces[:worker.MaxTraces]
	}
	t.mu.Lock()
	t.traces = traces
	clear(t.known)
	for _, x := range traces {
		t.known[x.Request]++
	}
	t.mu.Unlock()
	t.again()
}

// Begin has a subscriber tracked from now on.
func (t *Tracker) Begin(w Wish) (Track, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.admit(&w); err != nil {
		return Track{}, err
	}
	t.last++
	now := time.Now().UTC()
	j := &job{Track: Track{ID: t.last, IMSI: w.IMSI, By: w.By, Began: now, Until: now.Add(w.For), Limit: w.Size}, closed: make(chan struct{})}
	k, err := kept.Open(kept.Options{
		Dir: t.dir, Protocols: []string{fmt.Sprintf("imsi-%s-%d", w.IMSI, t.last)}, Name: t.name, FileSize: 2 * w.Size, TotalSize: 1 << 62,
		Done: func(path string) { t.mu.Lock(); j.File = path; t.mu.Unlock() },
	})
	if err != nil {
		return Track{}, err
	}
	j.keeper = k
	j.timer = time.AfterFunc(w.For, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.end(j, "time")
	})
	t.all = append(t.all, j)
	t.follow()
	return t.state(j), nil
}

// admit says what is wrong with a wish.
func (t *Tracker) admit(w *Wish) error {
	digits := strings.Trim(w.IMSI, "0123456789") == ""
	active := 0
	reserved := int64(0)
	for _, j := range t.all {
		if j.keeper != nil {
			active++
			reserved += j.Limit
		}
	}
	switch {
	case t.dir == "":
		return errors.New("packets are kept nowhere: set track_dir in [subscribers]")
	case len(w.IMSI) < 5 || len(w.IMSI) > 15 || !digits:
		return fmt.Errorf("%q is no IMSI: give its 5 to 15 digits", w.IMSI)
	case w.Size < LeastSize:
		return fmt.Errorf("a file of %d octets is too small: give at least %d", w.Size, LeastSize)
	case w.For <= 0 || w.For > LongestTime:
		return fmt.Errorf("%v is no time to track somebody for: give at most %v", w.For, LongestTime)
	case active >= Most:
		return fmt.Errorf("%d subscribers are tracked already: stop one", active)
	}
	if used := t.used(); used+reserved+w.Size > t.room {
		return fmt.Errorf("%s has room for %d octets, of which %d are used and %d may be: give less, or remove tracks",
			t.dir, t.room, used, reserved)
	}
	return nil
}

// used returns how many octets complete files have.
func (t *Tracker) used() (n int64) {
	entries, _ := os.ReadDir(t.dir)
	for _, e := range entries {
		if i, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), "imsi-") && !strings.HasSuffix(e.Name(), ".part") {
			n += i.Size()
		}
	}
	return n
}

// follow says who is tracked.
func (t *Tracker) follow() {
	var all []subscriber.Followed
	for _, j := range t.all {
		if j.keeper != nil {
			all = append(all, subscriber.Followed{IMSI: j.IMSI, Request: uint16(j.ID)})
		}
	}
	if all == nil {
		t.wanted.Store(nil)
		return
	}
	t.wanted.Store(&all)
}

// perPacket is how many octets a frame has in a file besides its own, at most.
const perPacket = 48

// Take keeps a message of kind ring.Tracked. It returns false if it is none.
func (t *Tracker) Take(message []byte) bool {
	var k worker.Kept
	frame, ok := k.Load(message)
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.all, func(j *job) bool { return uint16(j.ID) == k.Of && j.keeper != nil })
	if i < 0 {
		return true // it has ended meanwhile
	}
	j := t.all[i]
	if size := int64(len(frame) + perPacket); j.Octets+size <= j.Limit {
		j.Octets += size
		k.Of = 0
		j.keeper.Keep(kept.Packet{Kept: k}, frame)
		return true
	}
	t.end(j, "size")
	return true
}

// end ends a track, and completes its file meanwhile.
func (t *Tracker) end(j *job, why string) {
	k := j.keeper
	if k == nil {
		return
	}
	j.keeper, j.Ended, j.Until = nil, why, time.Now().UTC()
	j.timer.Stop()
	t.follow()
	for i := 0; len(t.all) > remembered; i++ {
		if t.all[i].keeper == nil && t.all[i] != j {
			t.all = slices.Delete(t.all, i, i+1)
			break
		}
	}
	go func() {
		err := k.Close()
		t.mu.Lock()
		defer t.mu.Unlock()
		j.count(k)
		if err != nil {
			j.Error = err.Error()
		}
		close(j.closed)
	}()
}

// count takes over what a keeper counts.
func (j *job) count(k *kept.Keeper) {
	s := k.Stats()
	for _, a := range s.Protocols {
		j.Packets, j.Saved, j.Lost = a.Packets, a.Saved, a.TooMany+a.Overrun+a.Failed
	}
	j.Error = s.Error
}

// state returns how a track does.
func (t *Tracker) state(j *job) Track {
	if j.keeper != nil {
		j.count(j.keeper)
		j.Known = t.known[uint16(j.ID)]
		if j.Error == "" {
			j.Error = t.failure
		}
	} else {
		j.Known = 0
	}
	return j.Track
}

// All returns all tracks since weir began, the latest first.
func (t *Tracker) All() []Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []Track{}
	for _, j := range slices.Backward(t.all) {
		all = append(all, t.state(j))
	}
	return all
}

func (t *Tracker) find(id int) (*job, error) {
	i := slices.IndexFunc(t.all, func(j *job) bool { return j.ID == id })
	if i < 0 {
		return nil, ErrNone
	}
	return t.all[i], nil
}

// Stop ends a track, and returns when its file is complete.
func (t *Tracker) Stop(id int) (Track, error) { return t.stop(id, "asked") }

func (t *Tracker) stop(id int, why string) (Track, error) {
	t.mu.Lock()
	j, err := t.find(id)
	if err == nil {
		t.end(j, why)
	}
	t.mu.Unlock()
	if err != nil {
		return Track{}, err
	}
	<-j.closed
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state(j), nil
}

// Open opens the file of a track that has ended, nil if it has no packets.
func (t *Tracker) Open(id int) (*os.File, Track, error) {
	t.mu.Lock()
	j, err := t.find(id)
	if err == nil && j.keeper != nil {
		err = errors.New("it goes on: stop it first")
	}
	t.mu.Unlock()
	if err != nil {
		return nil, Track{}, err
	}
	<-j.closed
	if j.File == "" {
		return nil, j.Track, nil
	}
	f, err := os.Open(j.File)
	return f, j.Track, err
}

// Remove ends a track, and removes its file.
func (t *Tracker) Remove(id int) (Track, error) {
	done, err := t.Stop(id)
	if err != nil {
		return done, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if done.File != "" {
		if err := os.Remove(done.File); err != nil && !errors.Is(err, os.ErrNotExist) {
			return done, fmt.Errorf("track: %w", err)
		}
	}
	t.all = slices.DeleteFunc(t.all, func(j *job) bool { return j.ID == id })
	return done, nil
}

// Close ends all tracks.
func (t *Tracker) Close() {
	for _, x := range t.All() {
		_, _ = t.stop(x.ID, "end of weir")
	}
}

// FileOf returns what the file of a track is called.
func (x *Track) FileOf() string { return filepath.Base(x.File) }

package kept

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// suffix of complete files. Those that died processes left have more after it.
const suffix = ".pcapng"

// prune removes the oldest files until what all of them take, and those being written may
// still take, is within the limit.
func (k *Keeper) prune() {
	type old struct {
		path string
		time time.Time
		size int64
	}
	var files []old
	budget := k.o.TotalSize
	for i := range k.protocols {
		if k.protocols[i].sink != nil {
			budget -= k.o.FileSize
		}
	}
	entries, err := os.ReadDir(k.o.Dir)
	if err != nil {
		k.fail(err)
		return
	}
	for _, e := range entries {
		i, err := e.Info()
		if err != nil || !i.Mode().IsRegular() || !k.owns(e.Name()) {
			continue
		}
		if strings.HasSuffix(e.Name(), suffix+".part") {
			continue
		}
		budget -= i.Size()
		files = append(files, old{filepath.Join(k.o.Dir, e.Name()), i.ModTime(), i.Size()})
	}
	slices.SortFunc(files, func(a, b old) int { return a.time.Compare(b.time) })
	for _, f := range files {
		if budget >= 0 {
			return
		}
		if err := os.Remove(f.path); err != nil {
			k.fail(err)
			continue
		}
		budget += f.size
		k.removed.Add(1)
	}
}

// owns reports whether a file is one of a keeper: nothing else is ever removed.
func (k *Keeper) owns(name string) bool {
	stem, rest, found := strings.Cut(name, suffix)
	if !found || rest != "" && rest != ".part" && rest != ".cut" {
		return false
	}
	for _, p := range k.o.Protocols {
		if stem == p || strings.HasPrefix(stem, p+"-") {
			return true
		}
	}
	return false
}

// Account is what became of the packets of one protocol.
type Account struct {
	Packets uint64 `json:"packets"`            // the sum of the others
	Saved   uint64 `json:"saved"`              // to a file, which may have been removed since
	TooMany uint64 `json:"too_many,omitempty"` // left out: more than a second allows
	Overrun uint64 `json:"overrun,omitempty"`  // left out: the disk was too slow
	Failed  uint64 `json:"failed,omitempty"`   // left out: the disk refused them
}

// Stats is what became of packets so far.
type Stats struct {
	Protocols map[string]Account `json:"protocols"`
	Removed   uint64             `json:"files_removed,omitempty"` // for the limit of their total size
	Error     string             `json:"last_error,omitempty"`
}

// Stats returns what became of packets so far.
func (k *Keeper) Stats() Stats {
	s := Stats{Protocols: map[string]Account{}, Removed: k.removed.Load()}
	for i := range k.protocols {
		c := &k.protocols[i].counts
		a := Account{
			Saved: c[saved].Load(), TooMany: c[tooMany].Load(), Overrun: c[overrun].Load(), Failed: c[unsaved].Load(),
		}
		if a.Packets = c[all].Load(); a.Packets > 0 {
			s.Protocols[k.o.Protocols[i]] = a
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != nil {
		s.Error = k.last.Error()
	}
	return s
}

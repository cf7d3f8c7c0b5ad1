package sink

import "errors"

// Renew ends the connection; the next message begins another.
func (k *conn) Renew() bool {
	k.mu.Lock()
	c := k.c
	k.c = nil
	k.mu.Unlock()
	if c != nil {
		c.Close()
	}
	return true
}

// Renew completes the files that are being written, if they are of a series.
func (k *file) Renew() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.rotates() || k.closed {
		return false
	}
	for len(k.volumes) > 0 {
		k.late = errors.Join(k.late, k.complete(k.volumes[0]))
	}
	return true
}

package appliance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// grubFile holds which slot starts: RAUC's variables, and GOOD, the slot that was confirmed last.
const grubFile = "/efi/grub/grubenv"

// OnTrial reports whether this start is the only one that the running version gets unless it is confirmed.
func (m Machine) OnTrial() bool {
	good := m.grubVariables(grubFile)["GOOD"]
	return good != "" && m.argument("rauc.slot") != good
}

// Health is the judge of a version that has just started.
type Health struct {
	Machine
	Patience time.Duration // for a version on trial
	Well     time.Duration // for how long in a row all has to be well
	Every    time.Duration
	Look     func(context.Context) error // what is wrong, nil if nothing is
	Confirm  func(slot string) error
	Say      func(format string, a ...any)
}

// ErrHopeless is for Look to say that there is no use in waiting.
var ErrHopeless = errors.New("it will not become well")

// ErrUnhealthy is what a version on trial ends with that was not well in time.
var ErrUnhealthy = errors.New("this version did not prove itself")

// Judge waits until all is well and confirms the version then. A version on trial that is not well in time
// ends with ErrUnhealthy; one that was confirmed before only says what is wrong, as another version would
// not help.
func (h *Health) Judge(ctx context.Context) error {
	began, since, last := time.Now(), time.Time{}, ""
	for {
		err := h.Look(ctx)
		switch {
		case err == nil && since.IsZero():
			since = time.Now()
		case err == nil && time.Since(since) >= h.Well:
			slot := h.argument("rauc.slot")
			h.Say("slot %s is well and stays", slot)
			return h.Confirm(slot)
		case err != nil:
			since = time.Time{}
			if text := err.Error(); text != last {
				last = text
				h.Say("not well yet: %v", err)
			}
			if h.OnTrial() && (time.Since(began) > h.Patience || errors.Is(err, ErrHopeless)) {
				return fmt.Errorf("%w: %w", ErrUnhealthy, err)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(h.Every):
		}
	}
}

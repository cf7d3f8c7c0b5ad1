package manage

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-probe/weir/ctrlplane/track"
)

// TrackWish is whose packets to keep.
type TrackWish struct {
	IMSI    string  `json:"imsi" doc:"Of the subscriber."`
	Size    int64   `json:"size,omitempty" doc:"Octets of the file, at most; 64 MiB if it is not said."`
	Seconds float64 `json:"seconds,omitempty" doc:"For how long; ten minutes if it is not said."`
}

// What is asked for if nothing is said.
const (
	trackSize    = 64 << 20
	trackSeconds = 600
)

// tracker returns who tracks.
func (r *request) tracker() (*track.Tracker, error) {
	if r.s.probe.Tracks == nil {
		return nil, refuse(http.StatusConflict, "nobody can be tracked here")
	}
	return r.s.probe.Tracks, nil
}

func trackList(r *request) (any, error) {
	t, err := r.tracker()
	if err != nil {
		return nil, err
	}
	return t.All(), nil
}

func trackBegin(r *request) (any, error) {
	in, err := decode[TrackWish](r)
	if err != nil {
		return nil, err
	}
	t, err := r.tracker()
	if err != nil {
		return nil, err
	}
	if in.Size == 0 {
		in.Size = trackSize
	}
	if in.Seconds == 0 {
		in.Seconds = trackSeconds
	}
	r.detail = fmt.Sprintf("imsi %.20s, %d octets, %v s", in.IMSI, in.Size, in.Seconds)
	length := time.Duration(min(max(in.Seconds, 0), 1e9) * float64(time.Second))
	done, err := t.Begin(track.Wish{IMSI: in.IMSI, Size: in.Size, For: length, By: r.who.User})
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	return done, nil
}

// tracked does something to the track that is named in the path.
func (r *request) tracked(do func(t *track.Tracker, id int) (track.Track, error)) (x track.Track, err error) {
	t, err := r.tracker()
	if err != nil {
		return x, err
	}
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return x, refuse(http.StatusNotFound, "%v; /v1/tracks lists them", track.ErrNone)
	}
	x, err = do(t, id)
	r.detail = "imsi " + x.IMSI
	switch {
	case errors.Is(err, track.ErrNone):
		return x, refuse(http.StatusNotFound, "%v; /v1/tracks lists them", err)
	case err != nil:
		return x, refuse(http.StatusConflict, "%v", err)
	}
	return x, nil
}

func trackStop(r *request) (any, error) { return r.tracked((*track.Tracker).Stop) }

func trackRemove(r *request) (any, error) {
	_, err := r.tracked((*track.Tracker).Remove)
	return nil, err
}

func trackCapture(r *request) (any, error) {
	_, err := r.tracked(func(t *track.Tracker, id int) (x track.Track, err error) {
		f, x, err := t.Open(id)
		if err != nil {
			return x, err
		}
		if f == nil {
			return x, errors.New("it has no packets")
		}
		defer f.Close()
		r.w.Header().Set("Content-Type", string(octets))
		r.w.Header().Set("Content-Disposition", "attachment; filename="+x.FileOf())
		_, _ = io.Copy(r.w, f) // whoever reads has gone
		return x, nil
	})
	if err != nil {
		return nil, err
	}
	return written{}, nil
}

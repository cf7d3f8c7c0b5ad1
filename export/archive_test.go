package export_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// archive is a sink that files by hours.
type archive struct {
	*scripted
	got []export.Batch
}

func (a *archive) Period() time.Duration { return time.Hour }

func (a *archive) Store(_ context.Context, _ []byte, of export.Batch) error {
	of.Items = nil
	a.got = append(a.got, of)
	return nil
}

// A message for an archive holds flows of one period, and no more than it may.
func TestArchive(t *testing.T) {
	a := &archive{scripted: newScripted(takes)}
	e := export.New("test", &lines{}, a, export.Options{Records: 2})
	for _, at := range []uint64{1, 2, 3, 3600e9 - 1, 3600e9, 1} {
		v := exporttest.Flow(0)
		v.Last = at
		e.Append(v)
	}
	if err := e.Close(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	want := []export.Batch{{Time: 1, Records: 2}, {Time: 3, Records: 2}, {Time: 3600e9, Records: 1}, {Time: 1, Records: 1}}
	if !reflect.DeepEqual(a.got, want) {
		t.Errorf("batches are %v", a.got)
	}
	balanced(t, e.Counters(), 6)
}

// lines is a format that takes any number of flows.
type lines struct{ ports }

func (lines) Append(dst []byte, _ *flow.View) ([]byte, bool) { return append(dst, "flow\n"...), true }
func (lines) Begin(dst []byte, _ uint64) []byte              { return dst }
func (lines) Seal(dst []byte) []byte                         { return dst }

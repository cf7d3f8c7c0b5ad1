package flow

import (
	"encoding/csv"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The registry holds number, name and abstract data type of IANA's "IPFIX Information Elements".
func TestIANA(t *testing.T) {
	file, err := os.Open("testdata/iana-ipfix.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	registry := map[string][]string{}
	for _, row := range readCSV(t, csv.NewReader(file)) {
		registry[row[0]] = row
	}
	checked := 0
	for _, f := range compiled(t).Fields {
		if f.PEN != IANA {
			continue
		}
		checked++
		row := registry[strconv.Itoa(int(f.ID))]
		if row == nil || row[1] != f.Name || row[2] != f.Type.String() {
			t.Errorf("%s is element %d, %s; IANA says %v", f.Name, f.ID, f.Type, row)
		}
	}
	if checked < 50 {
		t.Errorf("only %d fields are IANA's", checked)
	}
}

// RFC 5103, section 6.1, lists the elements of RFC 5102 that have no reverse.
func TestReversible(t *testing.T) {
	s := compiled(t)
	none := map[uint16]string{
		137: "identifier", 145: "identifier", 148: "identifier", 149: "identifier",
		130: "configuration", 131: "configuration", 211: "configuration", 212: "configuration",
		213: "configuration", 214: "configuration", 215: "configuration", 216: "configuration",
		217: "configuration", 173: "configuration",
		40: "statistics", 41: "statistics", 42: "statistics", 163: "statistics", 164: "statistics",
		165: "statistics", 166: "statistics", 167: "statistics", 168: "statistics",
		210: "padding", 239: "biflowDirection",
	}
	checked := 0
	for _, f := range s.Fields {
		if f.PEN != RFC5103 {
			continue
		}
		checked++
		forward := s.Element(IANA, f.ID)
		if why := none[f.ID]; why != "" || forward == nil {
			t.Errorf("%s reverses element %d (%s), known here: %v", f.Name, f.ID, why, forward != nil)
			continue
		}
		want := "reverse" + strings.ToUpper(forward.Name[:1]) + forward.Name[1:]
		if f.Name != want || f.Type != forward.Type {
			t.Errorf("%s, %s, is the reverse of %s, %s", f.Name, f.Type, forward.Name, forward.Type)
		}
	}
	if checked < 10 {
		t.Errorf("only %d reverse elements", checked)
	}
}

// Labels and numbers are nProbe's where it has the field. Ours may be wider, never narrower, and
// what nProbe does not have is not called as if it had.
func TestNProbe(t *testing.T) {
	s := compiled(t)
	labels := map[string][]string{}
	for _, row := range reference(t, "ntop_fields.csv")[1:] {
		if !strings.HasPrefix(row[10], "ntopng") && labels[row[0]] == nil {
			labels[row[0]] = row
		}
	}
	for _, f := range s.Fields {
		row := labels[f.Label]
		number := strings.TrimPrefix(f.nProbeNumber(), "0.")
		switch {
		case row == nil && (f.PEN == Ntop || f.Legacy != 0):
			t.Errorf("%s, %s, is not nProbe's", f.Label, number)
		case row != nil && row[1] != number && (row[1] != "" || f.PEN != Weir):
			t.Errorf("%s is %s here and %s in nProbe", f.Label, number, row[1])
		case row != nil && f.PEN == Ntop && !fits(f, row[3]):
			t.Errorf("%s is %s, width %d, here and %s in nProbe", f.Label, f.Type, f.Width, row[3])
		}
	}
	for label := range labels {
		if !isNProbe(label) {
			t.Errorf("nprobe.txt lacks %s", label)
		}
	}
}

// nProbeNumber is the element as nProbe numbers it: one it puts in another's place, or its own.
func (f *Field) nProbeNumber() string {
	if f.Legacy != 0 {
		return strconv.Itoa(int(f.Legacy))
	}
	return strconv.Itoa(int(f.PEN)) + "." + strconv.Itoa(int(f.ID))
}

func fits(f *Field, theirs string) bool {
	sizes := map[string]int{"unsigned8": 1, "unsigned16": 2, "unsigned32": 4, "unsigned64": 8}
	if n := sizes[theirs]; n > 0 {
		return sizes[f.Type.String()] >= n
	}
	return f.Type.String() == theirs
}

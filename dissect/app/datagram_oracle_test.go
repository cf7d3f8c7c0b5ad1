package app

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sharkRow is what tshark says of a frame, by column: all values there are.
type sharkRow map[string][]string

// first returns the first value of a column, "" for none.
func (r sharkRow) first(column string) string {
	if len(r[column]) == 0 {
		return ""
	}
	return r[column][0]
}

// last returns the last one.
func (r sharkRow) last(column string) string {
	if n := len(r[column]); n > 0 {
		return r[column][n-1]
	}
	return ""
}

// datagramJudge tells from a frame what a field should be, "" for absent.
type datagramJudge struct {
	field string
	want  func(r sharkRow) string
}

// judgeDatagrams compares every message that d finds in captures, field by field, with the frame that it was
// in, and prints the rates. What differs is to be explained, by capture, field and tshark's value.
func judgeDatagrams(t *testing.T, d *Dissector, files, columns []string, judges []datagramJudge,
	explained map[string]string) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	equal, all := map[string]int{}, map[string]int{}
	for _, file := range files {
		theirs := sharkRows(t, file, d.Name, columns)
		for _, c := range conversations(t, file) {
			ours, rows := drive(c, d).messages, theirs[c.name]
			delete(theirs, c.name)
			if len(ours) != len(rows) {
				t.Errorf("%s: %s: %d messages, tshark has %d", filepath.Base(file), c.name, len(ours), len(rows))
				continue
			}
			for i := range ours {
				for _, j := range judges {
					want, got := j.want(rows[i]), ours[i].Fields[j.field]
					why := filepath.Base(file) + " " + j.field + " " + want
					if want != "" || got != "" {
						all[j.field]++
					}
					if want == got && got != "" {
						equal[j.field]++
					} else if want != got && explained[why] == "" {
						t.Errorf("%s: %q here", why, got)
					}
				}
			}
		}
		for name, rows := range theirs {
			if len(rows) > 0 {
				t.Errorf("%s: %s: %d messages not seen", filepath.Base(file), name, len(rows))
			}
		}
	}
	for _, j := range judges {
		t.Logf("%-24s %4d of %4d as tshark says", j.field, equal[j.field], all[j.field])
		if all[j.field] == 0 {
			t.Errorf("%s: nothing to compare", j.field)
		}
	}
}

// sharkRows returns the frames of a protocol by conversation, whoever began it: those of a name and of its
// reverse are the same.
func sharkRows(t *testing.T, file, protocol string, columns []string) map[string][]sharkRow {
	t.Helper()
	ends := []string{"ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport"}
	args := []string{"-r", file, "-Y", protocol, "-T", "fields", "-E", "aggregator=\x1f", "-E", "separator=\x1e"}
	for _, column := range append(ends, columns...) {
		args = append(args, "-e", column)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark of %s: %v", file, err)
	}
	all := map[string][]sharkRow{}
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		cells := strings.Split(line, "\x1e")
		if len(cells) != len(ends)+len(columns) {
			continue
		}
		row, lists := sharkRow{}, [][]string{}
		for i, cell := range cells {
			values := strings.FieldsFunc(cell, func(r rune) bool { return r == '\x1f' })
			if lists = append(lists, values); i >= len(ends) {
				row[columns[i-len(ends)]] = values
			}
		}
		udp := append(lists[:4:4], nil, nil, lists[4], lists[5], nil, nil)
		names := sharkNames(udp)
		if all[names[1]] != nil {
			all[names[1]] = append(all[names[1]], row)
		} else {
			all[names[0]] = append(all[names[0]], row)
		}
	}
	return all
}

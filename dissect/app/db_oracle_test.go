package app

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dbJudge compares all values that tshark has of a field in a capture with ours, in any order.
type dbJudge struct {
	column string // with ^ before it only the first of several in a frame counts
	ours   func(m *heard) (string, bool)
	theirs func(string) (string, bool) // how tshark's value reads here; false leaves it out
}

// dbSays takes a field of messages for which another is not there.
func dbSays(field, unless string) func(m *heard) (string, bool) {
	return func(m *heard) (string, bool) {
		v, ok := m.Fields[field]
		_, not := m.Fields[unless]
		return v, ok && !not
	}
}

// dbBetween separates several values that are said at once.
const dbBetween = "\x1f"

// dbList takes a field of several values with commas between.
func dbList(field string) func(m *heard) (string, bool) {
	return func(m *heard) (string, bool) {
		v, ok := m.Fields[field]
		return strings.ReplaceAll(v, ",", dbBetween), ok
	}
}

// dbStatement takes statements, but for those that were prepared before and for those with passwords.
func dbStatement(m *heard) (string, bool) {
	v, ok := m.Fields["DB_STATEMENT"]
	return v, ok && m.Fields["DB_PREPARED"] == "" && !dbMaySecret([]byte(v))
}

// dbPlain leaves out what may have a password, which is not said as it is.
func dbPlain(s string) (string, bool) {
	s = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\"`, `"`, `\\`, `\`).Replace(s)
	s = strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(s[:min(len(s), dbMaxText)])
	return s, s != "" && !dbMaySecret([]byte(s))
}

// dbCompare runs tshark over captures. What only one of both says is to be explained, by capture, column
// and value.
func dbCompare(t *testing.T, d *Dissector, files []string, judges []dbJudge, explained map[string]string) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	used := map[string]bool{}
	equal, all := make([]int, len(judges)), make([]int, len(judges))
	for _, file := range files {
		theirs, ours := dbTshark(t, file, judges), dbHeard(t, file, d, judges)
		for i := range judges {
			want, got := theirs[i], ours[i]
			for v := range dbUnion(want, got) {
				all[i] += max(want[v], got[v])
				equal[i] += min(want[v], got[v])
				if why := fmt.Sprintf("%s %s %s", filepath.Base(file), judges[i].column, v); want[v] == got[v] {
					continue
				} else if used[why] = explained[why] != ""; !used[why] {
					t.Errorf("%s: %d here, %d by tshark", why, got[v], want[v])
				}
			}
		}
	}
	for i := range judges {
		t.Logf("%-28s %4d of %4d as tshark says", judges[i].column, equal[i], all[i])
		if all[i] == 0 {
			t.Errorf("%s: nothing to compare", judges[i].column)
		}
	}
	for x := range explained {
		if !used[x] {
			t.Errorf("%s is no difference any more", x)
		}
	}
}

// dbPorts tells tshark of ports that it does not know.
var dbPorts = map[string]string{
	"beats__mysql_int_string_operations.pcap": "tcp.port==13001,mysql",
	"libtorrent-utp.pcap":                     "udp.port==6882,bt-utp",
	"frr-bmp.pcap":                            "tcp.port==34011,bmp",
}

func dbUnion(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// dbTshark counts what tshark says, by judge.
func dbTshark(t *testing.T, file string, judges []dbJudge) []map[string]int {
	t.Helper()
	args := []string{"-r", file, "-T", "fields", "-E", "aggregator=\x1f", "-E", "separator=\x1e"}
	all := make([]map[string]int, len(judges))
	for i, j := range judges {
		args = append(args, "-e", strings.TrimPrefix(j.column, "^"))
		all[i] = map[string]int{}
	}
	if at := dbPorts[filepath.Base(file)]; at != "" {
		args = append(args, "-d", at)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark %s: %v", file, err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		for i, cell := range strings.Split(line, "\x1e") {
			for k, v := range strings.Split(cell, "\x1f") {
				if k > 0 && judges[i].column[0] == '^' {
					break
				}
				ok := v != ""
				if theirs := judges[i].theirs; theirs != nil && ok {
					v, ok = theirs(v)
				}
				if ok {
					all[i][v]++
				}
			}
		}
	}
	return all
}

// dbHeard counts what d says, by judge.
func dbHeard(t *testing.T, file string, d *Dissector, judges []dbJudge) []map[string]int {
	t.Helper()
	all := make([]map[string]int, len(judges))
	for i := range judges {
		all[i] = map[string]int{}
	}
	for _, c := range conversations(t, file) {
		for _, m := range drive(c, d).messages {
			for i, j := range judges {
				v, ok := j.ours(&m)
				if !ok || m.Dissector != d.Name {
					continue
				}
				for _, v := range strings.Split(v, dbBetween) {
					all[i][v]++
				}
			}
		}
	}
	return all
}

// dbCaptures returns the captures of a folder of the collection, if there is one, and those in testdata.
func dbCaptures(t *testing.T, name, folder string) (all []string) {
	t.Helper()
	all, _ = filepath.Glob(filepath.Join("testdata", name, "*.pcap"))
	dir := filepath.Join("..", "..", "..", "shared", "captures", folder)
	if _, err := os.Stat(dir); err != nil || folder == "" {
		return all
	}
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.cap"} {
		more, _ := filepath.Glob(filepath.Join(dir, pattern))
		all = append(all, more...)
	}
	return all
}

// TestDatabasesElsewhere holds that nothing is taken for a database in captures that have none.
func TestDatabasesElsewhere(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*"))
	asked := 0
	for _, file := range files {
		ext, folder := filepath.Ext(file), filepath.Base(filepath.Dir(file))
		if ext != ".pcap" && ext != ".pcapng" {
			continue
		}
		for _, c := range conversations(t, file) {
			for _, d := range databases {
				asked++
				isIt := strings.HasPrefix(folder, strings.SplitN(d.Name, "-", 2)[0])
				o := drive(c, d)
				where := fmt.Sprintf("%s %s %s", filepath.Base(file), c.name, d.Name)
				if len(o.messages) > 0 && !isIt && !slices.Contains(dbElsewhere, where) {
					t.Errorf("%s: %+v", where, o.messages[0])
				}
			}
		}
	}
	t.Logf("asked %d times", asked)
}

package app

import (
	"path/filepath"
	"testing"
)

// elsewhere asks a dissector about everything in the captures, and holds that it takes nothing for its own
// but what is.
func elsewhere(t *testing.T, d *Dissector, is func(file string, c *conversation) bool) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*"))
	asked, taken := 0, 0
	for _, file := range files {
		if ext := filepath.Ext(file); ext != ".pcap" && ext != ".pcapng" {
			continue
		}
		for _, c := range conversations(t, file) {
			asked++
			o := drive(c, d)
			if len(o.messages) > 0 {
				taken++
			}
			if len(o.messages) > 0 && !is(file, c) {
				t.Errorf("%s %s: %+v", filepath.Base(file), c.name, o.messages[0])
			}
		}
	}
	if t.Logf("asked %d times, taken %d", asked, taken); asked == 0 || taken == 0 {
		t.Error("nothing was asked, or nothing taken")
	}
}

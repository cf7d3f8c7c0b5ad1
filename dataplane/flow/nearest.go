package flow

import "strings"

// Nearest returns the known word most like a wrong one, or "" if none is much like it.
func Nearest(name string, known []string) string {
	best, found := 1+len(name)/3, ""
	for _, w := range known {
		if d := Distance(strings.ToLower(name), strings.ToLower(w)); d <= best && (found == "" || d < best) {
			best, found = d, w
		}
	}
	return found
}

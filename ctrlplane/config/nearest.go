package config

import "strings"

// nearest returns the known word most like a wrong one, or "" if none is much like it.
func nearest(name string, known []string) string {
	best, found := 1+len(name)/3, ""
	for _, w := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(w)); d <= best && (found == "" || d < best) {
			best, found = d, w
		}
	}
	return found
}

// distance is the number of octets to insert, remove or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

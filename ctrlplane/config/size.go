package config

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Size is a number of octets, written with a binary unit: "64MiB".
type Size int64

var units = [...]string{"", "KiB", "MiB", "GiB", "TiB"}

// ParseSize reads digits and an optional unit: B, KiB, MiB, GiB or TiB.
func ParseSize(s string) (Size, error) {
	digits := strings.TrimRight(s, "BKMGTi ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("size %q is not a number with a unit like 64MiB", s)
	}
	unit := strings.TrimSpace(s[len(digits):])
	if unit == "B" {
		unit = ""
	}
	for i, u := range units {
		if u != unit {
			continue
		}
		if n != 0 && bits.Len64(uint64(n))+10*i > 63 {
			return 0, fmt.Errorf("size %q does not fit in 63 bits", s)
		}
		return Size(n << (10 * i)), nil
	}
	return 0, fmt.Errorf("size %q has an unknown unit: use KiB, MiB, GiB or TiB", s)
}

// String writes the size in the largest unit that divides it.
func (s Size) String() string {
	i := 0
	for s != 0 && i+1 < len(units) && s%1024 == 0 {
		s, i = s/1024, i+1
	}
	return strconv.FormatInt(int64(s), 10) + units[i]
}

package netflow

import "github.com/weir-probe/weir/dataplane/flow"

// iana is an element of IANA's.
func iana(id, length uint16) flow.Specifier { return flow.Specifier{ID: id, Length: length} }

// pad is octets that say nothing.
func pad(length uint16) flow.Specifier { return iana(210, length) }

// Records of the versions that have no templates, as Cisco documents them, written as templates.
var (
	v1 = []flow.Specifier{
		iana(8, 4), iana(12, 4), iana(15, 4), iana(10, 2), iana(14, 2), iana(2, 4), iana(1, 4), iana(22, 4),
		iana(21, 4),
		iana(7, 2), iana(11, 2), pad(2), iana(4, 1), iana(5, 1), iana(6, 1), pad(1), pad(2), pad(4),
	}
	v5 = []flow.Specifier{
		iana(8, 4), iana(12, 4), iana(15, 4), iana(10, 2), iana(14, 2), iana(2, 4), iana(1, 4), iana(22, 4),
		iana(21, 4),
		iana(7, 2), iana(11, 2), pad(1), iana(6, 1), iana(4, 1), iana(5, 1), iana(16, 2), iana(17, 2), iana(9, 1),
		iana(13, 1), pad(2),
	}
	// v7 ends with the address of the router whose shortcut it was.
	v7 = []flow.Specifier{
		iana(8, 4), iana(12, 4), iana(15, 4), iana(10, 2), iana(14, 2), iana(2, 4), iana(1, 4), iana(22, 4),
		iana(21, 4),
		iana(7, 2), iana(11, 2), pad(1), iana(6, 1), iana(4, 1), iana(5, 1), iana(16, 2), iana(17, 2), iana(9, 1),
		iana(13, 1), pad(2), iana(130, 4),
	}
)

// counts are what records of all schemes of v8 begin with or have behind their addresses: flows,
// packets, octets and times.
func counts(before ...flow.Specifier) []flow.Specifier {
	return append(before, iana(3, 4), iana(2, 4), iana(1, 4), iana(22, 4), iana(21, 4))
}

// v8 are the records of v8 by scheme. Masked addresses are those of the networks.
var v8 = [...][]flow.Specifier{
	// autonomous systems
	1: append(counts(), iana(16, 2), iana(17, 2), iana(10, 2), iana(14, 2)),
	// protocol and ports
	2: append(counts(), iana(4, 1), pad(1), pad(2), iana(7, 2), iana(11, 2)),
	3: append(counts(), iana(44, 4), iana(9, 1), pad(1), iana(16, 2), iana(10, 2), pad(2)), // source network
	// destination network
	4: append(counts(), iana(45, 4), iana(13, 1), pad(1), iana(17, 2), iana(14, 2), pad(2)),
	5: append(counts(), iana(44, 4), iana(45, 4), iana(13, 1), iana(9, 1), pad(2), iana(16, 2),
		iana(17, 2), iana(10, 2), iana(14, 2)),
	6:  destination, // destination; source and destination; full flow: Catalyst switches
	7:  sourceDestination,
	8:  fullFlow,
	9:  append(counts(), iana(16, 2), iana(17, 2), iana(10, 2), iana(14, 2), iana(5, 1), pad(1), pad(2)),
	10: append(counts(), iana(4, 1), iana(5, 1), pad(2), iana(7, 2), iana(11, 2), iana(10, 2), iana(14, 2)),
	11: append(counts(), iana(44, 4), iana(9, 1), iana(5, 1), iana(16, 2), iana(10, 2), pad(2)),
	12: append(counts(), iana(45, 4), iana(13, 1), iana(5, 1), iana(17, 2), iana(14, 2), pad(2)),
	13: append(counts(), iana(44, 4), iana(45, 4), iana(13, 1), iana(9, 1), iana(5, 1), pad(1),
		iana(16, 2), iana(17, 2), iana(10, 2), iana(14, 2)),
	14: append(counts(), iana(44, 4), iana(45, 4), iana(13, 1), iana(9, 1), iana(5, 1), iana(4, 1),
		iana(7, 2), iana(11, 2), iana(10, 2), iana(14, 2)),
}

var (
	destination = []flow.Specifier{
		iana(12, 4), iana(2, 4), iana(1, 4), iana(22, 4), iana(21, 4), iana(14, 2), iana(5, 1), pad(1),
		pad(4), pad(4),
	}
	sourceDestination = []flow.Specifier{
		iana(12, 4), iana(8, 4), iana(2, 4), iana(1, 4), iana(22, 4), iana(21, 4), iana(14, 2), iana(10, 2),
		iana(5, 1),
		pad(1), pad(2), pad(4), iana(130, 4),
	}
	fullFlow = []flow.Specifier{
		iana(12, 4), iana(8, 4), iana(11, 2), iana(7, 2), iana(2, 4), iana(1, 4), iana(22, 4), iana(21, 4),
		iana(14, 2),
		iana(10, 2), iana(5, 1), iana(4, 1), pad(2), pad(4), iana(130, 4),
	}
)

// Fixed returns the layout of the records of a version without templates, and of a scheme of v8; nil
// if there is none.
func Fixed(version uint16, scheme uint8) []flow.Specifier {
	switch {
	case version == 1:
		return v1
	case version == 5:
		return v5
	case version == 7:
		return v7
	case version == 8 && int(scheme) < len(v8):
		return v8[scheme]
	}
	return nil
}

// Octets returns the length of such a record, 0 if there is none.
func Octets(version uint16, scheme uint8) (n int) {
	for _, s := range Fixed(version, scheme) {
		n += int(s.Length)
	}
	return n
}

package flow

// sizeFields are the distribution of packet sizes and TTLs, and what else was counted by packet.
var sizeFields = []*Field{
	{
		Element: Element{Name: "minimumIpTotalLength", Label: "MIN_IP_PKT_LEN", ID: 25},
		Type:    Unsigned64, slot: pair(&rec.MinLen), has: hasLengths, Rev: ReverseIE,
		Doc: "IP length of the smallest packet from client to server, octets.",
	},
	{
		Element: Element{Name: "maximumIpTotalLength", Label: "MAX_IP_PKT_LEN", ID: 26},
		Type:    Unsigned64, slot: pair(&rec.MaxLen), has: hasLengths, Rev: ReverseIE,
		Doc: "IP length of the largest packet from client to server, octets.",
	},
	{
		Element: Element{Label: "SHORTEST_FLOW_PKT", ID: 108, PEN: Ntop},
		Type:    Unsigned16, calc: shortest, needs: BlockSizes,
		Doc: "IP length of the smallest packet of either direction, octets.",
	},
	{
		Element: Element{Label: "LONGEST_FLOW_PKT", ID: 107, PEN: Ntop},
		Type:    Unsigned16, calc: longest, needs: BlockSizes,
		Doc: "IP length of the largest packet of either direction, octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_UP_TO_128_BYTES", ID: 88, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.Size[0]),
		Doc: "Packets of either direction with an IP length of at most 128 octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_128_TO_256_BYTES", ID: 89, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.Size[1]),
		Doc: "Packets of either direction with an IP length over 128 and at most 256 octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_256_TO_512_BYTES", ID: 90, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.Size[2]),
		Doc: "Packets of either direction with an IP length over 256 and at most 512 octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_512_TO_1024_BYTES", ID: 91, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.Size[3]),
		Doc: "Packets of either direction with an IP length over 512 and at most 1024 octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_1024_TO_1514_BYTES", ID: 92, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.Size[4]),
		Doc: "Packets of either direction with an IP length over 1024 and at most 1514 octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_OVER_1514_BYTES", ID: 93, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.Size[5]),
		Doc: "Packets of either direction with an IP length over 1514 octets.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_EQ_1", ID: 347, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[0]),
		Doc: "Packets of either direction with a time to live of 1.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_2_5", ID: 346, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[1]),
		Doc: "Packets of either direction with a time to live over 1 and at most 5.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_5_32", ID: 334, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[2]),
		Doc: "Packets of either direction with a time to live over 5 and at most 32.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_32_64", ID: 335, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[3]),
		Doc: "Packets of either direction with a time to live over 32 and at most 64.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_64_96", ID: 336, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[4]),
		Doc: "Packets of either direction with a time to live over 64 and at most 96.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_96_128", ID: 337, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[5]),
		Doc: "Packets of either direction with a time to live over 96 and at most 128.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_128_160", ID: 338, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[6]),
		Doc: "Packets of either direction with a time to live over 128 and at most 160.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_160_192", ID: 339, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[7]),
		Doc: "Packets of either direction with a time to live over 160 and at most 192.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_192_224", ID: 340, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[8]),
		Doc: "Packets of either direction with a time to live over 192 and at most 224.",
	},
	{
		Element: Element{Label: "NUM_PKTS_TTL_224_255", ID: 341, PEN: Ntop},
		Type:    Unsigned32, slot: of(&rec.Sizes.TTL[9]),
		Doc: "Packets of either direction with a time to live over 224.",
	},
	{
		Element: Element{Label: "SRC_FRAGMENTS", ID: 80, PEN: Ntop},
		Type:    Unsigned16, slot: pair(&rec.Fragments),
		Doc: "Packets from client to server that were IP fragments.",
		Rev: &Element{Label: "DST_FRAGMENTS", ID: 81, PEN: Ntop},
	},
	{
		Element: Element{Label: "IN_CE_PKTS", ID: 30, PEN: Weir},
		Type:    Unsigned32, slot: pair(&rec.ECN), Rev: ReverseIE,
		Doc: "Packets from client to server that a router marked as having met congestion (ECN, RFC 3168).",
	},
	{
		Element: Element{Label: "ENTROPY_CLIENT_BYTES", ID: 503, PEN: Ntop},
		Type:    Unsigned32, calc: entropy, needs: BlockSizes, has: hasEntropy,
		Doc: "Entropy of the first payload from client to server, bits per octet × 1000.",
		Rev: &Element{Label: "ENTROPY_SERVER_BYTES", ID: 504, PEN: Ntop},
	},
}

func hasLengths(r *Record, d Dir) bool { return r.MinLen[d] != 0 }
func hasEntropy(r *Record, d Dir) bool { return r.Entropy[d] != 0 }

func entropy(v *View, d Dir, _ []byte) (Value, bool) { return Value{U: uint64(v.Entropy[d] - 1)}, true }

func longest(v *View, _ Dir, _ []byte) (Value, bool) {
	n := max(v.MaxLen[Forward], v.MaxLen[Reverse])
	return Value{U: uint64(n)}, n != 0
}

func shortest(v *View, _ Dir, _ []byte) (Value, bool) {
	n := v.MinLen[Forward]
	if r := v.MinLen[Reverse]; n == 0 || r != 0 && r < n {
		n = r
	}
	return Value{U: uint64(n)}, n != 0
}

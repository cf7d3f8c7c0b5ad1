package flow

import "unsafe"

// Block is a set of cold blocks (see Cold). A block that no template needs is not maintained.
type Block uint16

const (
	BlockLink Block = 1 << iota
	BlockSizes
	BlockTiming
	BlockRate
	BlockTCP
	BlockLatency
	BlockOuter
	AllBlocks Block = 1<<iota - 1
)

// blockEnds holds where in Record each block ends, in the order of the constants.
var blockEnds = [...]uintptr{
	unsafe.Offsetof(rec.Cold) + unsafe.Offsetof(rec.Cold.Sizes),
	unsafe.Offsetof(rec.Cold) + unsafe.Offsetof(rec.Cold.Timing),
	unsafe.Offsetof(rec.Cold) + unsafe.Offsetof(rec.Cold.Rate),
	unsafe.Offsetof(rec.Cold) + unsafe.Offsetof(rec.Cold.TCP),
	unsafe.Offsetof(rec.Cold) + unsafe.Offsetof(rec.Cold.Latency),
	unsafe.Offsetof(rec.Cold) + unsafe.Offsetof(rec.Cold.Outer),
	unsafe.Sizeof(rec),
}

// block returns the block that holds s, none if the hot part does or s is no slot.
func (s slot) block() Block {
	if s.size == 0 || uintptr(s.off) < unsafe.Offsetof(rec.Cold) {
		return 0
	}
	for i, end := range blockEnds {
		if uintptr(s.off) < end {
			return 1 << i
		}
	}
	return 0
}

// Blocks returns the cold blocks that the value of f, or whether there is one, depends on.
func (f *Field) Blocks() Block { return f.slot.block() | f.needs }

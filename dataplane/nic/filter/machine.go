package filter

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Parts of an operation code (linux/bpf_common.h). The constants of x/sys name the rest.
const (
	class  = 0x07
	size   = 0x18
	mode   = 0xe0
	source = unix.BPF_X
	result = 0x18 // what a return gives
	op     = 0xf0
	txa    = 0x80
	cells  = 16 // of scratch memory
)

// machine is the state of a program.
type machine struct {
	a, x uint32
	mem  [cells]uint32
}

// run returns what a verified program makes of a frame: 0 to refuse it. A load from outside
// of the frame refuses it.
func run(code []unix.SockFilter, frame []byte, wire uint32) uint32 {
	var m machine
	for pc := 0; pc < len(code); pc++ {
		i := &code[pc]
		switch i.Code & class {
		case unix.BPF_LD:
			ok := false
			if m.a, ok = m.load(i, frame, wire); !ok {
				return 0
			}
		case unix.BPF_LDX:
			ok := false
			if m.x, ok = m.load(i, frame, wire); !ok {
				return 0
			}
		case unix.BPF_ST:
			m.mem[i.K%cells] = m.a
		case unix.BPF_STX:
			m.mem[i.K%cells] = m.x
		case unix.BPF_ALU:
			if !m.compute(i) {
				return 0
			}
		case unix.BPF_JMP:
			pc += m.jump(i)
		case unix.BPF_RET:
			if i.Code&result == unix.BPF_A {
				return m.a
			}
			return i.K
		case unix.BPF_MISC:
			if i.Code&txa != 0 {
				m.a = m.x
			} else {
				m.x = m.a
			}
		}
	}
	return 0
}

// load returns what an instruction loads, and whether it is there.
func (m *machine) load(i *unix.SockFilter, frame []byte, wire uint32) (uint32, bool) {
	at := uint64(i.K)
	switch i.Code & mode {
	case unix.BPF_ABS:
	case unix.BPF_IND:
		at += uint64(m.x)
	case unix.BPF_IMM:
		return i.K, true
	case unix.BPF_LEN:
		return wire, true
	case unix.BPF_MEM:
		return m.mem[i.K%cells], true
	case unix.BPF_MSH: // The length of an IPv4 header.
		if at >= uint64(len(frame)) {
			return 0, false
		}
		return uint32(frame[at]&15) * 4, true
	}
	if at >= uint64(len(frame)) {
		return 0, false
	}
	b := frame[at:]
	switch i.Code & size {
	case unix.BPF_B:
		return uint32(b[0]), true
	case unix.BPF_H:
		if len(b) >= 2 {
			return uint32(binary.BigEndian.Uint16(b)), true
		}
	case unix.BPF_W:
		if len(b) >= 4 {
			return binary.BigEndian.Uint32(b), true
		}
	}
	return 0, false
}

// compute does arithmetic on a. It returns false for a division by zero.
func (m *machine) compute(i *unix.SockFilter) bool {
	by := i.K
	if i.Code&source != 0 {
		by = m.x
	}
	switch i.Code & op {
	case unix.BPF_ADD:
		m.a += by
	case unix.BPF_SUB:
		m.a -= by
	case unix.BPF_MUL:
		m.a *= by
	case unix.BPF_DIV, unix.BPF_MOD:
		if by == 0 {
			return false
		}
		if i.Code&op == unix.BPF_DIV {
			m.a /= by
		} else {
			m.a %= by
		}
	case unix.BPF_OR:
		m.a |= by
	case unix.BPF_AND:
		m.a &= by
	case unix.BPF_XOR:
		m.a ^= by
	case unix.BPF_LSH:
		m.a <<= by
	case unix.BPF_RSH:
		m.a >>= by
	case unix.BPF_NEG:
		m.a = -m.a
	}
	return true
}

// jump returns how many instructions to skip.
func (m *machine) jump(i *unix.SockFilter) int {
	with := i.K
	if i.Code&source != 0 {
		with = m.x
	}
	holds := false
	switch i.Code & op {
	case unix.BPF_JA:
		return int(i.K)
	case unix.BPF_JEQ:
		holds = m.a == with
	case unix.BPF_JGT:
		holds = m.a > with
	case unix.BPF_JGE:
		holds = m.a >= with
	case unix.BPF_JSET:
		holds = m.a&with != 0
	}
	if holds {
		return int(i.Jt)
	}
	return int(i.Jf)
}

// verify checks that a program ends: jumps go forward and stay inside, and the last
// instruction returns. What an unknown operation or a scratch cell out of range would do is
// defined by the machine, and harmless.
func verify(code []unix.SockFilter) error {
	if len(code) == 0 || code[len(code)-1].Code&class != unix.BPF_RET {
		return fmt.Errorf("it has %d instructions and does not end with a return", len(code))
	}
	for pc, i := range code {
		if i.Code&class != unix.BPF_JMP {
			continue
		}
		left := uint64(len(code) - pc - 1)
		far := uint64(max(i.Jt, i.Jf))
		if i.Code&op == unix.BPF_JA {
			far = uint64(i.K)
		}
		if far >= left {
			return fmt.Errorf("instruction %d jumps by %d where %d are left", pc, far, left)
		}
	}
	return nil
}

package filter

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Parts of an operation code (linux/bpf_common.h). The constants of x/sys name the rest.
const (
	class  = 0x07
	size   = 0x18
	mode   = 0xe0
	source = unix.BPF_X
	op     = 0xf0
	txa    = 0x80
	cells  = 16 // of scratch memory
)

// opcode is what an instruction does: one of the frequent things, or rare.
type opcode uint8

const (
	rare opcode = iota
	loadByte
	loadHalf
	loadWord
	loadHeader // the length of an IPv4 header, into x
	ifEqual
	ifGreater
	ifNotLess
	ifAny // of some bits
	give
)

// instruction is one of classic BPF, decoded.
type instruction struct {
	op       opcode
	jt, jf   uint8
	code     uint16 // of a rare one
	k        uint32
	indirect uint32 // all ones if x is added to the offset, else 0
}

// decode prepares a program.
func decode(raw []unix.SockFilter) []instruction {
	code := make([]instruction, len(raw))
	for n, i := range raw {
		d := &code[n]
		*d = instruction{jt: i.Jt, jf: i.Jf, code: i.Code, k: i.K}
		if i.Code&(class|mode) == unix.BPF_LD|unix.BPF_IND {
			i.Code ^= unix.BPF_IND ^ unix.BPF_ABS
			d.indirect = 1<<32 - 1
		}
		switch i.Code {
		case unix.BPF_LD | unix.BPF_ABS | unix.BPF_B:
			d.op = loadByte
		case unix.BPF_LD | unix.BPF_ABS | unix.BPF_H:
			d.op = loadHalf
		case unix.BPF_LD | unix.BPF_ABS | unix.BPF_W:
			d.op = loadWord
		case unix.BPF_LDX | unix.BPF_MSH | unix.BPF_B:
			d.op = loadHeader
		case unix.BPF_JMP | unix.BPF_JEQ:
			d.op = ifEqual
		case unix.BPF_JMP | unix.BPF_JGT:
			d.op = ifGreater
		case unix.BPF_JMP | unix.BPF_JGE:
			d.op = ifNotLess
		case unix.BPF_JMP | unix.BPF_JSET:
			d.op = ifAny
		case unix.BPF_RET:
			d.op = give
		}
	}
	return code
}

// machine is the state of a program.
type machine struct {
	a, x uint32
	mem  [cells]uint32
}

// run returns what a verified program makes of a frame: 0 to refuse it. A load from outside
// of the frame refuses it.
func run(code []instruction, frame []byte, wire uint32) uint32 {
	var m machine
	end := uint64(len(frame))
	for pc := 0; pc < len(code); pc++ {
		i := &code[pc]
		at := uint64(i.k) + uint64(m.x&i.indirect)
		switch i.op {
		case loadByte:
			if at+1 > end {
				return 0
			}
			m.a = uint32(frame[at])
		case loadHalf:
			if at+2 > end {
				return 0
			}
			m.a = uint32(binary.BigEndian.Uint16(frame[at:]))
		case loadWord:
			if at+4 > end {
				return 0
			}
			m.a = binary.BigEndian.Uint32(frame[at:])
		case loadHeader:
			if at+1 > end {
				return 0
			}
			m.x = uint32(frame[at]&15) * 4
		case ifEqual:
			pc += i.choose(m.a == i.k)
		case ifGreater:
			pc += i.choose(m.a > i.k)
		case ifNotLess:
			pc += i.choose(m.a >= i.k)
		case ifAny:
			pc += i.choose(m.a&i.k != 0)
		case give:
			return i.k
		default:
			skip, over := m.rare(i, wire)
			if over {
				return skip
			}
			pc += int(skip)
		}
	}
	return 0
}

// choose returns how many instructions to skip.
func (i *instruction) choose(holds bool) int {
	if holds {
		return int(i.jt)
	}
	return int(i.jf)
}

// rare does an instruction that is not frequent. It returns how many to skip, or what the
// program gives if it is over.
func (m *machine) rare(i *instruction, wire uint32) (result uint32, over bool) {
	switch i.code & class {
	case unix.BPF_LD:
		m.a = m.load(i, wire)
	case unix.BPF_LDX:
		m.x = m.load(i, wire)
	case unix.BPF_ST:
		m.mem[i.k%cells] = m.a
	case unix.BPF_STX:
		m.mem[i.k%cells] = m.x
	case unix.BPF_ALU:
		return 0, !m.compute(i)
	case unix.BPF_JMP:
		return m.jump(i), false
	case unix.BPF_RET:
		return m.a, true
	case unix.BPF_MISC:
		if i.code&txa != 0 {
			m.a = m.x
		} else {
			m.x = m.a
		}
	}
	return 0, false
}

// load returns what is not in the frame.
func (m *machine) load(i *instruction, wire uint32) uint32 {
	switch i.code & mode {
	case unix.BPF_LEN:
		return wire
	case unix.BPF_MEM:
		return m.mem[i.k%cells]
	}
	return i.k
}

// compute does arithmetic on a. It returns false for a division by zero.
func (m *machine) compute(i *instruction) bool {
	by := i.k
	if i.code&source != 0 {
		by = m.x
	}
	switch i.code & op {
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
		if i.code&op == unix.BPF_DIV {
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

// jump returns how many instructions to skip, always or comparing with x.
func (m *machine) jump(i *instruction) uint32 {
	holds := false
	switch i.code & op {
	case unix.BPF_JA:
		return i.k
	case unix.BPF_JEQ:
		holds = m.a == m.x
	case unix.BPF_JGT:
		holds = m.a > m.x
	case unix.BPF_JGE:
		holds = m.a >= m.x
	case unix.BPF_JSET:
		holds = m.a&m.x != 0
	}
	return uint32(i.choose(holds))
}

package filter

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// verify checks that the machine can run a program and that it ends: the machine knows every
// instruction, jumps go forward and stay inside, and the last instruction returns.
func verify(code []unix.SockFilter) error {
	if len(code) == 0 || code[len(code)-1].Code&class != unix.BPF_RET {
		return fmt.Errorf("it has %d instructions and does not end with a return", len(code))
	}
	for pc, i := range code {
		if i.Code > 0xff || !known(i) {
			return fmt.Errorf("instruction %d is unknown: code %#x, operand %#x", pc, i.Code, i.K)
		}
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

// known reports whether the machine has an instruction, and its operand is one.
func known(i unix.SockFilter) bool {
	rest := i.Code &^ class
	switch i.Code & class {
	case unix.BPF_LD:
		if m := i.Code & mode; m == unix.BPF_ABS || m == unix.BPF_IND {
			return i.Code&size != size
		}
		return elsewhere(rest, i.K)
	case unix.BPF_LDX:
		return rest == unix.BPF_MSH|unix.BPF_B || elsewhere(rest, i.K)
	case unix.BPF_ST, unix.BPF_STX:
		return rest == 0 && i.K < cells
	case unix.BPF_ALU:
		return rest&^source <= unix.BPF_XOR
	case unix.BPF_JMP:
		return rest&^source <= unix.BPF_JSET
	case unix.BPF_RET:
		return rest == unix.BPF_K || rest == unix.BPF_A
	}
	return rest == unix.BPF_TAX || rest == unix.BPF_TXA
}

// elsewhere reports whether a word is loaded from somewhere but the frame.
func elsewhere(from uint16, k uint32) bool {
	return from == unix.BPF_IMM || from == unix.BPF_LEN || from == unix.BPF_MEM && k < cells
}

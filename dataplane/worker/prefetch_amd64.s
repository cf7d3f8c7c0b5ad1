#include "textflag.h"

// func prefetch(base unsafe.Pointer, index *uint32, n int, a array)
// It asks for the first a.lines cache lines of base[index[i]] for every i below n.
TEXT ·prefetch(SB), NOSPLIT, $0-40
	MOVQ base+0(FP), AX
	MOVQ index+8(FP), BX
	MOVQ n+16(FP), CX
	MOVQ a_stride+24(FP), DX
	MOVQ a_lines+32(FP), SI
	JMP  check

next:
	MOVL  (BX), DI
	ADDQ  $4, BX
	IMULQ DX, DI
	ADDQ  AX, DI
	MOVQ  SI, R8

line:
	PREFETCHT0 (DI)
	ADDQ $64, DI
	DECQ R8
	JNZ  line
	DECQ CX

check:
	TESTQ CX, CX
	JNZ   next
	RET

// func prefetchFrames(frames *nic.Frame, n int)
// It asks for the first two cache lines of what each frame's Data points to.
TEXT ·prefetchFrames(SB), NOSPLIT, $0-16
	MOVQ frames+0(FP), AX
	MOVQ n+8(FP), CX
	JMP  some

frame:
	MOVQ (AX), DI
	PREFETCHT0 (DI)
	PREFETCHT0 64(DI)
	ADDQ $32, AX
	DECQ CX

some:
	TESTQ CX, CX
	JNZ   frame
	RET

// SPDX-License-Identifier: MIT

#include "textflag.h"

// func Stack(to *byte, max uintptr) (pc, sp, fp, n uintptr)
//
// As a probe at the first instruction of this function would find it: SP points at the return
// address, RBP is the caller's frame pointer. g.stack.hi is the second word of g.
TEXT ·Stack(SB), NOSPLIT|NOFRAME, $0-48
	MOVQ to+0(FP), DI
	MOVQ max+8(FP), CX
	MOVQ (TLS), AX
	MOVQ 8(AX), DX
	MOVQ SP, SI
	SUBQ SI, DX
	CMPQ CX, DX
	JLS  fits
	MOVQ DX, CX

fits:
	LEAQ ·Stack(SB), AX
	MOVQ AX, pc+16(FP)
	MOVQ SI, sp+24(FP)
	MOVQ BP, fp+32(FP)
	MOVQ CX, n+40(FP)
	CLD
	REP
	MOVSB
	RET

/* SPDX-License-Identifier: MIT */
/*
 * order_kinds: how a place where goroutines are ordered is probed, as values that the BPF programs
 * read, too.
 *
 * Enums alone: compiled on both sides.
 */
#ifndef GOMAPTOP_CORE_ORDER_KINDS_H
#define GOMAPTOP_CORE_ORDER_KINDS_H

/* All but the last are emulated by the kernel: 0.5 us in place of 10. (On arm64 it steps nops, too,
 * before 6.13.) */
enum order_instruction {
	ORDER_AT_JCC,     /* conditional jump */
	ORDER_AT_NOP,     /* one byte, 90; arm64: d503201f */
	ORDER_AT_PUSH,    /* of a register; amd64 only */
	ORDER_AT_JMP,     /* direct */
	ORDER_AT_CALL,    /* direct; only behind what it stands for */
	ORDER_AT_STEPPED, /* any other that has no lock prefix; arm64: none of exclusive access */
};

/* When a hit counts, by the flags at the probe. */
enum order_condition {
	ORDER_ALWAYS,
	ORDER_IF_ZF,     /* the compare and swap has succeeded */
	ORDER_IF_NOT_ZF, /* the same, where the flags are those of a test of its result */
	ORDER_IF_NOT_SF, /* the reader has its lock; else it waits */
	/* jbe (arm64: b.ls) at the entry: else the stack grows and the function begins anew */
	ORDER_IF_NO_CF_ZF,
	/* arm64, of a bit of a register: the compare and swap has succeeded; the reader has its
	 * lock, else it waits */
	ORDER_IF_BIT,
	ORDER_IF_NOT_BIT,
};

enum order_place { ORDER_BEFORE, ORDER_AFTER };

/* Where the object is: the Mutex, the RWMutex, the variable, the function's argument. */
enum order_object {
	ORDER_OBJECT_NONE,     /* not known at the probe */
	ORDER_OBJECT_REGISTER, /* value of a register, plus displacement */
	ORDER_OBJECT_LOADED,   /* word in memory at a register plus offset, plus displacement */
	ORDER_OBJECT_CONSTANT, /* displacement is its file address: add the load bias */
};

#endif

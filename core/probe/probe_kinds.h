/* SPDX-License-Identifier: MIT */
/*
 * probe_kinds: what a probe is for and where it finds what it reads, as values that its cookie
 * carries into the kernel.
 *
 * Enums alone: compiled on both sides. Argument registers A0.. of the Go register ABI: amd64 RAX,
 * RBX, RCX, RDI; arm64 R0 to R3.
 */
#ifndef GOMAPTOP_CORE_PROBE_KINDS_H
#define GOMAPTOP_CORE_PROBE_KINDS_H

/* What the probe is for. */
enum probe_role {
	PROBE_MAP_OP, /* one of enum map_op */
	PROBE_CRASH,  /* runtime.throw, runtime.fatal: A0 = message, A1 = its length */
	PROBE_BIRTH,  /* each RET of the functions that make maps: A0 = the new map */
	PROBE_ORDER,  /* what orders goroutines; see struct order_row of bpf/wire/wire.h */
};

/* Where the probed function has its map and map type at the probe. */
enum probe_args {
	ARGS_TYPE_MAP, /* A0 = *maptype, A1 = map */
	ARGS_MAP_TYPE, /* A0 = map, A1 = *maptype ((*Map).Clear) */
	ARGS_ITERATOR, /* A0 = iterator; *maptype at +16, map at +24 (hiter and maps.Iter alike) */
	ARGS_MESSAGE,  /* A0 = bytes, A1 = length */
	ARGS_RESULT,   /* A0 = the new map */
};

enum probe_instruction {
	PROBE_AT_PUSH,  /* emulated, one hit a call */
	PROBE_AT_JBE,   /* emulated, skip when flags & 0x41 */
	PROBE_AT_ENTRY, /* first instruction; single-stepped unless it is a push */
	PROBE_AT_RET,   /* return instruction; single-stepped */
};

/* Where it has the key of the operation. */
enum key_source {
	KEY_NONE,    /* it has no key (range, clear), or it is not known where */
	KEY_POINTER, /* A2 points to it */
	KEY_WORD,    /* A2 is it; its low bytes where it is shorter than a word */
	KEY_STRING,  /* A2 = bytes, A3 = length */
};

#endif

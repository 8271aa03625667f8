/* SPDX-License-Identifier: MIT */
/*
 * key: the map key of one access, with --show-keys; without it not a byte of a key is read.
 *
 * Called where a call chain is taken, not at every hit.
 */
#ifndef GOMAPTOP_BPF_KEY_H
#define GOMAPTOP_BPF_KEY_H

#include "bpf/kern/go_abi.bpf.h"
#include "bpf/kern/tables.bpf.h"

/* reflect.Kind. */
#define KIND_INT     2
#define KIND_UINTPTR 12
#define KIND_STRING  24
#define KIND_MASK    31

/* abi.Type: size at 0, kind at 23; abi.MapType: key at 48 (Go 1.17 to 1.27 alike). */
#define TYPE_KIND    23
#define MAP_TYPE_KEY 48

static __always_inline void key_clear(struct access *a)
{
	a->key_kind = 0;
	a->key_size = 0;
	a->key_length = 0;
	__builtin_memset(a->key, 0, sizeof(a->key));
}

static __always_inline void key_read_string(const struct pt_regs *ctx, __u32 source,
                                            struct access *a)
{
	__u64 text[2] = {go_arg2(ctx), go_arg3(ctx)};
	__u64 length;

	if (source == KEY_POINTER &&
	    bpf_probe_read_user(text, sizeof(text), (const void *)go_arg2(ctx)))
		return;
	length = text[1];
	if (length > KEY_BYTES_MAX)
		length = KEY_BYTES_MAX;
	asm volatile("" : "+r"(length));
	if (length > KEY_BYTES_MAX)
		return; /* cannot be, but the verifier has forgotten */
	if (length && bpf_probe_read_user(a->key, length, (const void *)text[0]))
		return;
	a->key_kind = KIND_STRING;
	a->key_size = length;
	a->key_length = text[1] > 0xffffffff ? 0xffffffff : text[1];
}

static __always_inline void key_read_integer(const struct pt_regs *ctx, __u32 source, __u32 kind,
                                             __u64 size, struct access *a)
{
	__u64 word = go_arg2(ctx);

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return;
	if (source == KEY_POINTER) {
		__u64 at = word;

		word = 0;
		/* No more than the key: what lies behind it may be another page. */
		if (bpf_probe_read_user(&word, size & 15, (const void *)at))
			return;
	} else if (size < 8) {
		word &= (1ULL << (8 * size)) - 1;
	}
	*(__u64 *)a->key = word;
	a->key_kind = kind;
	a->key_size = size;
}

static __always_inline void key_read(const struct pt_regs *ctx, __u32 source, __u64 map_type,
                                     struct access *a)
{
	__u64 type;
	__u8 kind = 0;

	key_clear(a);
	if (!config.show_keys || source == KEY_NONE)
		return;
	type = read_user_u64(map_type + MAP_TYPE_KEY);
	if (!type || bpf_probe_read_user(&kind, sizeof(kind), (const void *)(type + TYPE_KIND)))
		return;
	kind &= KIND_MASK;
	if (kind == KIND_STRING && source != KEY_WORD)
		key_read_string(ctx, source, a);
	else if (kind >= KIND_INT && kind <= KIND_UINTPTR && source != KEY_STRING)
		key_read_integer(ctx, source, kind, read_user_u64(type), a);
}

#endif

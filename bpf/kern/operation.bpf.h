/* SPDX-License-Identifier: MIT */
/*
 * operation: one map operation that is about to begin, read from the registers at its probe.
 */
#ifndef GOMAPTOP_BPF_OPERATION_H
#define GOMAPTOP_BPF_OPERATION_H

#include "bpf/kern/go_abi.bpf.h"
#include "bpf/kern/key.bpf.h"
#include "bpf/kern/process_ids.bpf.h"
#include "bpf/kern/tables.bpf.h"

enum company {
	COMPANY_NONE,
	COMPANY_RECENT, /* within COMPANY_NS */
	COMPANY_NEAR,   /* within COMPANY_NEAR_NS */
};

struct operation {
	__u64 now; /* 0: not asked for yet */
	__u64 map;
	__u64 type;
	__u64 g;
	__u64 goid;
	__u64 who; /* goid, or g where the goid is unknown: identity over time */
	__u64 caller;
	__u64 place; /* where the program's own code operates on the map: a return address; 0: not
	                 * read yet */
	__u64 frame; /* site and stack pointer, where the place is read late; see own.bpf.h */
	__s32 distance; /* of the place from the site's probed instruction */
	__u64 probed; /* at a probed call: the instruction that is probed in the function; else 0 */
	__u32 tgid;
	__u32 tid; /* the kernel's own id of the thread */
	__u32 site;
	__u32 op;
	__u32 row;
	__u32 changes;
	/* enum company: was another goroutine at this map just now, on another CPU */
	__u32 company;
	__u32 key;    /* enum key_source */
	__u32 sample; /* one in CALL_SAMPLE */
	/* 1: seen at a time that does not count for rates, see detector_tuning.sampling */
	__u32 outside;
};

/* The operation as an index. The compiler knows that it is in range and would drop the test; the
 * verifier forgets it when the value is spilled to the stack. */
static __always_inline __u32 operation_index(const struct operation *o)
{
	__u32 op = o->op;

	asm volatile("" : "+r"(op));
	return op < OP_COUNT ? op : OP_READ;
}

static __always_inline const volatile struct field_row *operation_fields(const struct operation *o)
{
	return &field_rows[o->row & (FIELD_ROWS - 1)];
}

static __always_inline __u64 field_read(__u64 base, __s32 offset)
{
	return offset >= 0 ? read_user_u64(base + offset) : 0;
}

/* A field of a layout that is not verified is unknown until live objects confirmed it. */
static __always_inline __u64 operation_field(const struct operation *o, __u64 base, __s32 offset,
                                             __u32 field)
{
	__u32 row = o->row & (FIELD_ROWS - 1);

	if (operation_fields(o)->unproven && !(tuning.proven[row] & field))
		return 0;
	return field_read(base, offset);
}

/* The iterator has in memory what the other functions have in registers. */
static __always_inline void operation_read_map(const struct pt_regs *ctx, __u32 args,
                                               struct operation *o)
{
	const volatile struct field_row *f = operation_fields(o);
	__u64 first = go_arg0(ctx), second = go_arg1(ctx);

	/* Else the compiler chooses between the registers by an address that it computes, which the
	 * verifier does not let it read. */
	asm volatile("" : "+r"(first), "+r"(second));
	if (args == ARGS_ITERATOR) {
		o->type = field_read(first, f->iterator_type);
		o->map = field_read(first, f->iterator_map);
	} else {
		o->type = args == ARGS_TYPE_MAP ? first : second;
		o->map = args == ARGS_TYPE_MAP ? second : first;
	}
}

/* ---- where it comes from ---------------------------------------------------------------------
 */

/* From the program to the probe through at most so many functions of the runtime and of reflect:
 * reflect.Value.SetMapIndex, reflect.mapassign, reflect.mapassign0. */
#define BEHIND_LEVELS 4

static __always_inline int ranges_have(const struct code_range *ranges, int count, __u64 distance)
{
	for (int i = 0; i < count && ranges[i].size; i++)
		if (distance - (__u64)(__s64)ranges[i].start < ranges[i].size)
			return 1;
	return 0;
}

/* The return address into the program's own code. At every probed instruction the frame pointer is
 * still the caller's; it points to the next one, behind which lies the return address. */
static __always_inline __u64 place_find(const struct pt_regs *ctx, const struct site_callers *c,
                                        __u64 caller)
{
	__u64 frame[2] = {go_frame_pointer(ctx), caller}, next[2];

	for (int i = 0; i < BEHIND_LEVELS; i++) {
		if (!ranges_have(c->behind, CALLERS_BEHIND, frame[1] - go_pc(ctx)))
			break;
		if (bpf_probe_read_user(next, sizeof(next), (const void *)frame[0]) || !next[1])
			break;
		frame[0] = next[0];
		frame[1] = next[1];
	}
	return frame[1];
}

/* At a call everything is as the function will find it, but for the return address. 0, or the cause
 * for which the hit is no operation of its own. */
static __always_inline int operation_place_call(const struct pt_regs *ctx, __u64 cookie,
                                                struct operation *o)
{
	__u32 row = COOKIE_CALL_ROW(cookie);
	struct call_probe *call = bpf_map_lookup_elem(&call_probes, &row);

	o->caller = o->place = go_pc(ctx) + CALL_BYTES;
	if (!call)
		return COVERAGE_CALL_SITE;
	__sync_fetch_and_add(&call->hits, 1);
	if (!call->on)
		return COVERAGE_CALL_SITE;
	o->probed = go_pc(ctx) + (__s64)call->probed;
	o->distance = CALL_BYTES - call->probed;
	if (call->wrapper)
		o->caller = go_pc(ctx) + (__s64)call->wrapper;
	return 0;
}

/* Has this operation been seen at its call already? */
static __always_inline int operation_seen_at_call(const struct operation *o)
{
	struct call_key key = {.site = o->site, .distance = o->distance};
	__u32 bit = CALL_BIT(key.site, key.distance);

	if (!tuning.calls_probed ||
	    !(tuning.calls[bit >> 6 & (CALL_BITS / 64 - 1)] >> (bit & 63) & 1))
		return 0;
	return bpf_map_lookup_elem(&call_keys, &key) != 0;
}

/* 0, or the cause for which the hit is no operation of its own. */
static __always_inline int operation_place(const struct pt_regs *ctx, __u64 cookie,
                                           struct operation *o)
{
	const struct site_callers *c;
	__u32 site = COOKIE_SITE(cookie);

	if (COOKIE_INSTRUCTION(cookie) == WIRE_AT_CALL)
		return operation_place_call(ctx, cookie, o);
	o->caller = o->place = go_return_address(ctx);
	c = cookie & COOKIE_CALLERS ? bpf_map_lookup_elem(&callers, &site) : 0;
	if (c) {
		if (ranges_have(c->probed, CALLERS_PROBED, o->caller - go_pc(ctx)))
			return COVERAGE_PART;
		o->place = place_find(ctx, c, o->caller);
	}
	o->distance = (__s32)(o->place - go_pc(ctx));
	return operation_seen_at_call(o) ? COVERAGE_CALL_SITE : 0;
}

/* Does the place decide whether the hit is an operation at all? Else it is read late, if ever. */
static __always_inline int operation_place_decides(__u64 cookie)
{
	return !GO_RETURN_ADDRESS_IN_MEMORY || cookie & COOKIE_CALLERS ||
	       COOKIE_INSTRUCTION(cookie) == WIRE_AT_CALL || tuning.calls_probed;
}

/* What an operation needs that is looked at closely. */
static __always_inline void operation_complete(const struct pt_regs *ctx, struct operation *o)
{
	if (!o->place) {
		o->caller = o->place = go_return_address(ctx);
		o->distance = (__s32)(o->place - go_pc(ctx));
	}
	o->now = bpf_ktime_get_ns();
}

/* ---- all of it -------------------------------------------------------------------------------
 */

/* A map that was seen before, in the registers of another operation (each iteration begins with
 * one), confirms what is read from an iterator. */
static __always_inline int operation_map_seen(struct operation *o)
{
	struct map_key key = {.addr = o->map, .tgid = o->tgid};
	struct map_state *m = bpf_map_lookup_elem(&maps, &key);

	if (!m)
		return 0;
	o->type = m->counts.type;
	return 1;
}

/* Which goroutine it is, as far as a layout that is not verified tells. Its g identifies it all the
 * time, so that it stays the same one when its goid becomes known. */
static __always_inline int operation_read_unproven(__u32 args, struct operation *o)
{
	const volatile struct field_row *f = operation_fields(o);

	if (args == ARGS_ITERATOR && !operation_map_seen(o))
		return COVERAGE_UNREADABLE;
	if (field_read(field_read(o->g, f->g_m), f->m_g0) == o->g)
		return COVERAGE_RUNTIME_INTERNAL;
	o->goid = operation_field(o, o->g, f->g_goid, LAYOUT_GOID);
	return 0;
}

/* 0 when it is an operation, complete but for what operation_complete() adds; else the cause for
 * which the hit is filtered. */
static __always_inline int operation_read(const struct pt_regs *ctx, __u64 cookie,
                                          struct operation *o)
{
	int cause;

	o->site = COOKIE_SITE(cookie);
	o->op = COOKIE_OP(cookie);
	if (o->op >= OP_COUNT)
		o->op = OP_READ;
	o->row = COOKIE_ROW(cookie);
	o->changes = op_changes(o->op);
	o->key = COOKIE_KEY_SOURCE(cookie);
	if (operation_place_decides(cookie)) {
		cause = operation_place(ctx, cookie, o);
		if (cause)
			return cause;
	} else {
		o->frame = ctx->sp << 16 | o->site;
	}
	operation_read_map(ctx, COOKIE_ARGS(cookie), o);
	if (!o->map)
		return COVERAGE_NIL_MAP;
	o->g = go_g(ctx);
	if (!o->g)
		return COVERAGE_UNREADABLE;
	if (operation_fields(o)->unproven) {
		cause = operation_read_unproven(COOKIE_ARGS(cookie), o);
		if (cause)
			return cause;
	} else if (operation_fields(o)->g_goid >= 0) {
		/* Zero is the scheduler's own g0: the runtime at work before main, or on a system
		 * stack; no goroutine of the program. */
		__u64 at = o->g + operation_fields(o)->g_goid;

		o->goid = read_user_here(at);
		if (!o->goid)
			return bpf_probe_read_user(&o->goid, sizeof(o->goid), (const void *)at)
			               ? COVERAGE_UNREADABLE
			               : COVERAGE_RUNTIME_INTERNAL;
	}
	o->who = o->goid && !operation_fields(o)->unproven ? o->goid : o->g;
	return 0;
}

/* The hash seed of the map at o->map: two maps at one address, one after the other, differ in it.
 */
static __always_inline __u64 operation_seed(const struct operation *o)
{
	const volatile struct field_row *f = operation_fields(o);
	__u64 seed = operation_field(o, o->map, f->seed_offset, LAYOUT_MAP);

	return f->seed_size == 4 ? (__u32)seed : seed;
}

/* Where a map keeps its entries: hmap.buckets, Map.dirPtr; the same offset in all releases. What
 * renews a seed (a delete of the last entry, clear) leaves it alone; a new map has memory of its
 * own. */
#define MAP_MEMORY_OFFSET 16

static __always_inline __u32 operation_memory(const struct operation *o)
{
	return (__u32)(operation_field(o, o->map, MAP_MEMORY_OFFSET, LAYOUT_MAP) >> 3);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * logic: the BPF programs' logic on two goroutines and two maps; every case that is rare or a
 * matter of timing in the kernel happens in the test_logic_*.c on purpose, one idea a file. That
 * the same code does it in the kernel is for test_kernel.c and tests/live.
 */
#ifndef GOMAPTOP_TESTS_BPF_LOGIC_H
#define GOMAPTOP_TESTS_BPF_LOGIC_H

#include "programs.h"

/* A goroutine, its stack pointer and the map it works on, as the programs read them. */
struct fake_g {
	__u64 goid, parent, gopc;
	__u64 waitreason;
};

#define REASON_LOCK 18

struct fake_map {
	__u64 count;
	__u32 flags, hash0;
	__u64 memory;
	__u64 rest[3];
};

static struct fake_g g1, g2;
static struct fake_map map_a, map_b;

static inline int set_up(void **state)
{
	static const struct field_row row = {.g_goid = offsetof(struct fake_g, goid),
	                                     .g_parent_goid = offsetof(struct fake_g, parent),
	                                     .g_gopc = offsetof(struct fake_g, gopc),
	                                     .seed_offset = offsetof(struct fake_map, hash0),
	                                     .seed_size = 4,
	                                     .g_waitreason = offsetof(struct fake_g, waitreason),
	                                     .lock_reasons = 1ULL << REASON_LOCK};

	(void)state;
	programs_reset(&row);
	g1 = (struct fake_g){.goid = 7, .gopc = 0x77};
	g2 = (struct fake_g){.goid = 8, .gopc = 0x88};
	map_a = (struct fake_map){.hash0 = 1};
	map_b = (struct fake_map){.hash0 = 2};
	return 0;
}

static __u64 hit_stack[4]; /* from the stack pointer upwards */
static __u64 map_type = 21;

/* One hit: goroutine g does op on map, called from `caller`, on its own thread and CPU. */
static inline void hit(struct fake_g *g, struct fake_map *map, enum map_op op, __u64 caller)
{
	struct pt_regs regs = {
	        .r14 = (unsigned long)g,
	        .ax = (unsigned long)&map_type,
	        .bx = (unsigned long)map,
	        .sp = (unsigned long)hit_stack,
	        .bp = 0xb9,
	        .ip = 0x1000,
	};

	hit_stack[0] = caller;
	shim.cookie = COOKIE(3, PROBE_MAP_OP, op, ARGS_TYPE_MAP, PROBE_AT_PUSH, 0);
	shim.cpu = g->goid & 1;
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	on_probe(&regs);
}

/* Every run of the programs and every event is accounted for. */
static inline void assert_sums(void)
{
	__u64 filtered = total(COVERAGE_STACK_GROWTH) + total(COVERAGE_NIL_MAP) +
	                 total(COVERAGE_OTHER_PROCESS) + total(COVERAGE_UNREADABLE) +
	                 total(COVERAGE_RUNTIME_INTERNAL) + total(COVERAGE_PART) +
	                 total(COVERAGE_CRASH_SITE) + total(COVERAGE_BIRTH_SITE) +
	                 total(COVERAGE_CALL_SITE) + total(COVERAGE_ORDER_SITE);
	__u64 lost = total(COVERAGE_RING_FULL) + total(COVERAGE_TABLE_FULL) +
	             total(COVERAGE_STACK_FAILED);
	__u64 delivered = 0;

	for (struct shim_event *e = shim_events; e; e = e->next)
		delivered += e->submitted && ((struct event_header *)e->data)->kind != EVENT_CHAIN;
	assert_int_equal(shim.runs, filtered + total(COVERAGE_COUNTED));
	assert_int_equal(total(COVERAGE_EVENTS_MADE), delivered + lost);
}

/* Somebody who comes while another one is held. */
struct visitor {
	struct fake_g *g;
	struct fake_map *map;
	enum map_op op;
	int left; /* visits yet to be made */
};

static inline void visit(void *ctx)
{
	struct visitor *v = ctx;

	if (v->left > 0) {
		v->left--;
		hit(v->g, v->map, v->op, 0x20);
	}
}

/* Make map_a shared and changed, without an overlap. */
static inline void share(struct fake_map *map)
{
	shim.on_wait = NULL;
	hit(&g1, map, OP_WRITE, 0x10);
	hit(&g2, map, OP_READ, 0x20);
}

/* Holds until one visitor got its chance; returns how many overlaps were told of. */
static inline int hold_with(struct visitor *v, struct fake_g *held, enum map_op op)
{
	share(v->map);
	shim.on_wait = visit;
	shim.ctx = v;
	for (int i = 0; i < 100 && v->left; i++) {
		shim.now_ns += 100 * MS;
		hit(held, v->map, op, 0x10);
	}
	shim.on_wait = NULL;
	return events_of(EVENT_OVERLAP, NULL);
}

#endif

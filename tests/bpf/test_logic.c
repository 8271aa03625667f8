/* SPDX-License-Identifier: MIT */
/*
 * The BPF programs' logic as an ordinary program: every case that is rare or a matter of timing in
 * the kernel happens here on purpose. That the same code does it in the kernel is for test_kernel.c
 * and tests/live.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shim.h"

#include "bpf/gomaptop.bpf.c"

#include "bpf/chain_store.h"

#define TGID 4121
#define MS   1000000ULL

/* A goroutine, its stack pointer and the map it works on, as the programs read them. */
struct fake_g {
	__u64 goid, parent, gopc;
};

struct fake_map {
	__u64 count;
	__u32 flags, hash0;
	__u64 memory;
	__u64 rest[3];
};

static struct fake_g g1 = {.goid = 7, .gopc = 0x77}, g2 = {.goid = 8, .gopc = 0x88};
static struct fake_map map_a = {.hash0 = 1}, map_b = {.hash0 = 2};

static int set_up(void **state)
{
	(void)state;
	shim_reset();
	memset(&config, 0, sizeof(config));
	memset(&tuning, 0, sizeof(tuning));
	budget_spent_until_ns = 0;
	config.rows[0] = (struct field_row){.g_goid = 0,
	                                    .g_parent_goid = 8,
	                                    .g_gopc = 16,
	                                    .seed_offset = offsetof(struct fake_map, hash0),
	                                    .seed_size = 4};
	for (int i = 0; i < STALL_LENGTHS; i++)
		config.stall_ns[i] = 20000 + i * 1000;
	config.budget_divisor = 125;
	config.budget_burst_ns = 250 * MS;
	config.stack_bytes = 64;
	config.any_process = 1;
	tuning.fresh_spacing_ns = MS;
	tuning.tried_spacing_ns = 31 * MS;
	shim.now_ns = 1000 * MS;
	shim.random = 42;
	shim.step_ns = 1000;
	shim.stack_depth = 3;
	shim.stack[0] = 0x1000;
	shim.stack[1] = 0x2000;
	shim.stack[2] = 0x3000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shim_reset();
	return 0;
}

static __u64 hit_stack[4]; /* from the stack pointer upwards */

/* One hit: goroutine g does op on map, called from `caller`, on its own thread and CPU. */
static void hit(struct fake_g *g, struct fake_map *map, enum map_op op, __u64 caller)
{
	static __u64 type = 21;
	struct pt_regs regs = {
	        .r14 = (unsigned long)g,
	        .ax = (unsigned long)&type,
	        .bx = (unsigned long)map,
	        .sp = (unsigned long)hit_stack,
	        .bp = 0xb9,
	        .ip = 0x1000,
	};

	hit_stack[0] = caller;
	shim.cookie = COOKIE(3, WIRE_MAP_OP, op, WIRE_TYPE_MAP, WIRE_AT_PUSH, 0);
	shim.cpu = g->goid & 1;
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	on_probe(&regs);
}

static __u64 total(enum coverage_field field)
{
	__u32 zero = 0;
	struct coverage *c = bpf_map_lookup_elem(&coverage, &zero);

	return c->value[field];
}

static struct map_counts *counts_of(struct fake_map *map)
{
	struct map_key key = {.addr = (unsigned long)map, .tgid = TGID};

	return bpf_map_lookup_elem(&maps, &key);
}

static __u64 conflicts_of(struct fake_g *g)
{
	struct goroutine_key key = {.g = (unsigned long)g, .tgid = TGID};
	struct goroutine_counts *c = bpf_map_lookup_elem(&goroutines, &key);

	return c->conflicts;
}

/* Events as they leave the collector: with their chains, which must have come before them. The last
 * one lasts until the next call. */
static int events_of(__u32 kind, const struct event_header **last)
{
	static struct chain_store *store;
	int n = 0;

	chain_store_destroy(store);
	assert_int_equal(chain_store_create(-1, &store), 0);

	for (struct shim_event *e = shim_events; e; e = e->next) {
		const struct event_header *h = (const void *)e->data;

		if (e->submitted && h->kind == EVENT_CHAIN)
			assert_int_equal(chain_store_put(store, (const void *)h), 0);
		if (!e->submitted || h->kind != kind)
			continue;
		h = chain_store_expand(store, h);
		assert_non_null(h);
		if (last)
			*last = h;
		n++;
	}
	return n;
}

static void assert_sums(void)
{
	__u64 filtered = total(COVERAGE_STACK_GROWTH) + total(COVERAGE_NIL_MAP) +
	                 total(COVERAGE_OTHER_PROCESS) + total(COVERAGE_UNREADABLE) +
	                 total(COVERAGE_RUNTIME_INTERNAL) + total(COVERAGE_PART) +
	                 total(COVERAGE_CRASH_SITE) + total(COVERAGE_BIRTH_SITE) +
	                 total(COVERAGE_CALL_SITE);
	__u64 lost = total(COVERAGE_RING_FULL) + total(COVERAGE_TABLE_FULL) +
	             total(COVERAGE_STACK_FAILED);
	__u64 delivered = 0;

	for (struct shim_event *e = shim_events; e; e = e->next)
		delivered += e->submitted && ((struct event_header *)e->data)->kind != EVENT_CHAIN;
	assert_int_equal(shim.runs, filtered + total(COVERAGE_COUNTED));
	assert_int_equal(total(COVERAGE_EVENTS_MADE), delivered + lost);
}

/* ---- filtering ----------------------------------------------------------------------- */

static void test_nil_map_is_filtered(void **state)
{
	(void)state;
	hit(&g1, NULL, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_NIL_MAP), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	assert_sums();
}

static void test_growing_stack_is_filtered_at_jbe_only(void **state)
{
	__u64 stack[1] = {0x10}, type = 0;
	struct pt_regs regs = {.r14 = (unsigned long)&g1,
	                       .ax = (unsigned long)&type,
	                       .bx = (unsigned long)&map_a,
	                       .sp = (unsigned long)stack,
	                       .flags = 0x40};

	(void)state;
	shim.pid_tgid = (__u64)TGID << 32;
	shim.cookie = COOKIE(0, WIRE_MAP_OP, OP_READ, WIRE_TYPE_MAP, WIRE_AT_JBE, 0);
	on_probe(&regs);
	assert_int_equal(total(COVERAGE_STACK_GROWTH), 1);
	shim.cookie = COOKIE(0, WIRE_MAP_OP, OP_READ, WIRE_TYPE_MAP, WIRE_AT_PUSH, 0);
	on_probe(&regs); /* at a push the flags are stale */
	assert_int_equal(total(COVERAGE_COUNTED), 1);
	regs.flags = 0x2; /* neither CF nor ZF */
	shim.cookie = COOKIE(0, WIRE_MAP_OP, OP_READ, WIRE_TYPE_MAP, WIRE_AT_JBE, 0);
	on_probe(&regs);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_sums();
}

/* One hit at pc 0x1000 whose callers are set: from a function at 0x2000 that is probed itself, from
 * functions at 0x3000 and 0x4000 that are in between, or from the program. */
static void hit_from(const __u64 *returns, int count)
{
	static const struct site_callers around = {.probed = {{0x1000, 0x100}},
	                                           .behind = {{0x2000, 0x100}, {0x3000, 0x10}}};
	__u32 site = 7;
	__u64 type = 21;
	__u64 frames[8][2] = {{0}};
	__u64 stack[1] = {returns[0]};
	struct pt_regs regs = {
	        .r14 = (unsigned long)&g1,
	        .ax = (unsigned long)&type,
	        .bx = (unsigned long)&map_a,
	        .sp = (unsigned long)stack,
	        .bp = (unsigned long)frames[0],
	        .ip = 0x1000,
	};

	for (int i = 1; i < count; i++) {
		frames[i - 1][0] = (unsigned long)frames[i];
		frames[i - 1][1] = returns[i];
	}
	bpf_map_update_elem(&callers, &site, &around, BPF_ANY);
	shim.pid_tgid = (__u64)TGID << 32 | 101;
	shim.cookie =
	        COOKIE(site, WIRE_MAP_OP, OP_READ, WIRE_TYPE_MAP, WIRE_AT_PUSH, 0) | COOKIE_CALLERS;
	on_probe(&regs);
}

static void test_place_is_the_programs_own(void **state)
{
	static const struct {
		__u64 returns[4];
		int count;
		__u64 place;
	} cases[] = {
	        {{0x9000}, 1, 0x9000},                         /* called directly */
	        {{0x3005, 0x9001}, 2, 0x9001},                 /* through one function */
	        {{0x3005, 0x4005, 0x9002}, 3, 0x9002},         /* through two */
	        {{0x3005, 0x4010, 0x9003}, 3, 0x4010},         /* the end is not part of it */
	        {{0x2fff, 0x9004}, 2, 0x2fff},                 /* nor what lies before */
	        {{0x4005, 0x3005, 0x3006, 0x9005}, 4, 0x9005}, /* through three */
	        {{0x3005}, 1, 0x3005},                         /* the chain is broken */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hit_from(cases[i].returns, cases[i].count);
		assert_int_equal(counts_of(&map_a)->last_caller, cases[i].place);
	}
	assert_int_equal(total(COVERAGE_COUNTED), 7);
	assert_sums();
}

static void test_part_of_an_operation_is_filtered(void **state)
{
	(void)state;
	hit_from((const __u64[]){0x2080, 0x9000}, 2);
	assert_int_equal(total(COVERAGE_PART), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	hit_from((const __u64[]){0x2100, 0x9000}, 2);
	hit_from((const __u64[]){0x3000, 0x2080}, 2); /* only the caller itself tells */
	assert_int_equal(total(COVERAGE_PART), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_sums();
}

static void test_other_process_is_filtered(void **state)
{
	(void)state;
	config.any_process = 0;
	hit(&g1, &map_a, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_OTHER_PROCESS), 1);
	assert_sums();
}

/* A task with ids in three pid namespaces, as the kernel has it. */
struct nested {
	struct pid_namespace spaces[3];
	struct {
		struct pid pid;
		struct upid numbers[3];
	} own, leader;
	struct task_struct task, leader_task;
};

static void nested_make(struct nested *n, __u32 tgid, __u32 tid)
{
	*n = (struct nested){.task = {&n->leader_task, &n->own.pid}};
	n->leader_task = (struct task_struct){&n->leader_task, &n->leader.pid};
	n->own.pid.level = n->leader.pid.level = 2;
	for (unsigned int i = 0; i < 3; i++) {
		n->spaces[i].ns.inum = 4000 + i;
		n->own.pid.numbers[i] = (struct upid){tid + 1000 * (2 - i), &n->spaces[i]};
		n->leader.pid.numbers[i] = (struct upid){tgid + 1000 * (2 - i), &n->spaces[i]};
	}
	shim.task = &n->task;
}

/* Ids are those in the user side's namespace, for processes in namespaces below it, too. */
static void test_ids_of_the_own_pid_namespace(void **state)
{
	struct nested n;
	struct pid_namespace other = {.ns.inum = 4711};
	__u32 tgid, tid;

	(void)state;
	pidns_level = 0;
	config.pidns_ino = 4001;
	nested_make(&n, 7, 8);
	assert_int_equal(current_ids(&tgid, &tid), 0);
	assert_int_equal(tgid, 1007);
	assert_int_equal(tid, 1008);
	assert_int_equal(pidns_level, 1);
	/* The same level of another branch, and a process above. */
	n.own.pid.numbers[1].ns = &other;
	assert_int_equal(current_ids(&tgid, &tid), -1);
	n.own.pid.numbers[1].ns = &n.spaces[1];
	n.own.pid.level = 0;
	assert_int_equal(current_ids(&tgid, &tid), -1);
	n.own.pid.level = 2;
	/* A namespace that the task does not live in is not taken for another. */
	pidns_level = 0;
	config.pidns_ino = 4009;
	assert_int_equal(current_ids(&tgid, &tid), -1);
	assert_int_equal(pidns_level, 0);
	config.pidns_ino = 0;
}

static void test_system_stack_is_filtered(void **state)
{
	struct fake_g g0 = {.goid = 0};

	(void)state;
	hit(&g0, &map_a, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_RUNTIME_INTERNAL), 1);
	assert_sums();
}

/* ---- counting ------------------------------------------------------------------------ */

static void test_operations_are_counted_by_kind(void **state)
{
	(void)state;
	for (int op = 0; op < OP_COUNT; op++)
		for (int i = 0; i <= op; i++)
			hit(&g1, &map_a, op, 0x10);
	for (int op = 0; op < OP_COUNT; op++)
		assert_int_equal(counts_of(&map_a)->ops[op], op + 1);
	assert_int_equal(total(COVERAGE_COUNTED), 15);
	assert_int_equal(counts_of(&map_a)->flags & MAP_SHARED, 0);
	assert_int_equal(counts_of(&map_a)->first_caller, 0x10);
	assert_sums();
}

static void test_first_hit_announces_the_process(void **state)
{
	const struct event_header *h = NULL;

	(void)state;
	hit(&g1, &map_a, OP_READ, 0x10);
	hit(&g1, &map_a, OP_READ, 0x10);
	assert_int_equal(events_of(EVENT_PROCESS, &h), 1);
	assert_int_equal(h->tgid, TGID);
}

static void test_full_table_is_a_loss(void **state)
{
	(void)state;
	shim.map_limit = 1;
	hit(&g1, &map_a, OP_READ, 0x10);
	hit(&g1, &map_b, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_TABLE_FULL), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_sums();
}

static void test_reused_g_is_a_new_goroutine(void **state)
{
	struct fake_g g = {.goid = 7};
	struct goroutine_key key = {.g = (unsigned long)&g, .tgid = TGID};
	struct goroutine_counts *c;

	(void)state;
	hit(&g, &map_a, OP_WRITE, 0x10);
	hit(&g, &map_a, OP_WRITE, 0x10);
	g.goid = 9; /* goroutine 7 ended, its g serves 9 */
	hit(&g, &map_a, OP_READ, 0x10);
	c = bpf_map_lookup_elem(&goroutines, &key);
	assert_int_equal(c->goid, 9);
	assert_int_equal(c->ops[OP_READ], 1);
	assert_int_equal(c->ops[OP_WRITE], 0);
	assert_int_equal(total(COVERAGE_GOROUTINES_UNTRACKED), 2);
	/* Two goroutines, one after the other: the map is shared. */
	assert_true(counts_of(&map_a)->flags & MAP_SHARED);
}

/* ---- reused addresses ---------------------------------------------------------------- */

static void test_reused_address_is_a_new_map(void **state)
{
	const struct event_header *h = NULL;
	struct fake_map map = {.hash0 = 11};

	(void)state;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(&g1, &map, OP_READ, 0x10);
	map.hash0 = 12; /* freed, and another map made at its address */
	hit(&g2, &map, OP_WRITE, 0x20);
	assert_int_equal(events_of(EVENT_MAP, &h), 1);
	assert_true(((const struct event_map *)h)->ended);
	assert_int_equal(((const struct event_map *)h)->counts.ops[OP_READ], 1);
	assert_int_equal(counts_of(&map)->gen, 1);
	assert_int_equal(counts_of(&map)->ops[OP_WRITE], 1);
	assert_int_equal(counts_of(&map)->ops[OP_READ], 0);
	assert_int_equal(counts_of(&map)->flags & MAP_SHARED, 0);
	assert_sums();
}

static void test_seed_renewed_by_delete_is_the_same_map(void **state)
{
	struct fake_map map = {.hash0 = 11, .count = 1};

	(void)state;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(&g1, &map, OP_DELETE, 0x10);
	map.hash0 = 12; /* it became empty */
	shim.now_ns += 10 * MS;
	hit(&g2, &map, OP_READ, 0x20);
	assert_int_equal(events_of(EVENT_MAP, NULL), 0);
	assert_int_equal(counts_of(&map)->gen, 0);
	assert_true(counts_of(&map)->flags & MAP_SHARED);
}

/* A map that was emptied and then freed: the next one at its address has memory of its own. */
static void test_reused_address_of_an_emptied_map(void **state)
{
	struct fake_map map = {.hash0 = 11, .count = 1, .memory = 0xc000123000};

	(void)state;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(&g1, &map, OP_DELETE, 0x10);
	map.hash0 = 12;
	map.memory = 0xc000456000;
	shim.now_ns += 10 * MS;
	hit(&g2, &map, OP_WRITE, 0x20);
	assert_int_equal(events_of(EVENT_MAP, NULL), 1);
	assert_int_equal(counts_of(&map)->gen, 1);
	assert_int_equal(counts_of(&map)->ops[OP_DELETE], 0);
	assert_int_equal(counts_of(&map)->flags & MAP_SHARED, 0);
	assert_sums();
}

/* The length of a map is read by its seed: one goroutine alone must not lose it for ever. */
static void test_seed_follows_a_goroutine_that_empties_its_map(void **state)
{
	struct fake_map map = {.hash0 = 11, .count = 1};

	(void)state;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(&g1, &map, OP_DELETE, 0x10);
	map.hash0 = 12;
	hit(&g1, &map, OP_WRITE, 0x10);
	assert_int_equal(counts_of(&map)->seed, 12);
	shim.now_ns += 10 * MS;
	hit(&g1, &map, OP_READ, 0x10);
	assert_int_equal(counts_of(&map)->seed_stale_ns, 0);
	assert_int_equal(counts_of(&map)->gen, 0);
	map.hash0 = 13; /* and now it is another map */
	hit(&g2, &map, OP_READ, 0x10);
	assert_int_equal(counts_of(&map)->gen, 1);
}

static void test_delete_that_leaves_entries_keeps_the_seed(void **state)
{
	struct fake_map map = {.hash0 = 11, .count = 5};

	(void)state;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(&g1, &map, OP_DELETE, 0x10);
	map.hash0 = 12; /* freed, and another map made at its address */
	hit(&g2, &map, OP_READ, 0x20);
	assert_int_equal(events_of(EVENT_MAP, NULL), 1);
	assert_int_equal(counts_of(&map)->gen, 1);
}

/* ---- births -------------------------------------------------------------------------- */

static void born(struct fake_g *g, struct fake_map *map, __u64 caller)
{
	__u64 stack[1] = {caller};
	struct pt_regs regs = {
	        .r14 = (unsigned long)g, .ax = (unsigned long)map, .sp = (unsigned long)stack};

	shim.cookie = COOKIE(0xffff, WIRE_BIRTH, 0, WIRE_RESULT, WIRE_AT_RET, 0);
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	on_probe(&regs);
}

static void test_birth_is_told(void **state)
{
	const struct event_header *h = NULL;
	const struct event_birth *e;

	(void)state;
	tuning.births_allowed = births_hit + 1;
	born(&g1, &map_a, 0x10);
	assert_int_equal(events_of(EVENT_BIRTH, &h), 1);
	e = (const void *)h;
	assert_int_equal(e->seed, map_a.hash0);
	assert_int_equal(e->access.map, (unsigned long)&map_a);
	assert_int_equal(e->access.caller, 0x10);
	assert_int_equal(e->access.goid, g1.goid);
	assert_int_equal(e->access.tgid, TGID);
	assert_int_equal(total(COVERAGE_BIRTH_SITE), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	born(&g1, &map_b, 0x10); /* beyond what is allowed */
	assert_int_equal(events_of(EVENT_BIRTH, NULL), 1);
	assert_int_equal(total(COVERAGE_BIRTH_SITE), 2);
	assert_sums();
}

/* One goroutine, one type, one address, two maps: only the birth between them tells. */
static void test_birth_ends_the_map_before(void **state)
{
	struct fake_map map = {.hash0 = 11, .count = 5};

	(void)state;
	tuning.births_allowed = births_hit + 8;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(&g1, &map, OP_WRITE, 0x10);
	map.hash0 = 12;
	born(&g1, &map, 0x10);
	hit(&g1, &map, OP_READ, 0x10);
	assert_int_equal(events_of(EVENT_MAP, NULL), 1);
	assert_int_equal(counts_of(&map)->gen, 1);
	assert_int_equal(counts_of(&map)->seed, 12);
	assert_int_equal(counts_of(&map)->ops[OP_WRITE], 0);
	assert_int_equal(counts_of(&map)->ops[OP_READ], 1);
	assert_int_equal(counts_of(&map)->flags & MAP_SHARED, 0);
	assert_sums();
}

/* ---- holding ------------------------------------------------------------------------- */

struct visitor {
	struct fake_g *g;
	struct fake_map *map;
	enum map_op op;
	int left; /* visits yet to be made */
};

static void visit(void *ctx)
{
	struct visitor *v = ctx;

	if (v->left > 0) {
		v->left--;
		hit(v->g, v->map, v->op, 0x20);
	}
}

/* Make map_a shared and changed, without an overlap. */
static void share(struct fake_map *map)
{
	shim.on_wait = NULL;
	hit(&g1, map, OP_WRITE, 0x10);
	hit(&g2, map, OP_READ, 0x20);
}

/* Holds until one visitor got its chance; returns how many overlaps were told of. */
static int hold_with(struct visitor *v, struct fake_g *held, enum map_op op)
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

static void test_overlap_has_both_sides(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_READ, .left = 1};
	const struct event_header *h = NULL;
	const struct event_overlap *o;

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	events_of(EVENT_OVERLAP, &h);
	o = (const void *)h;
	assert_int_equal(o->held.goid, 7);
	assert_int_equal(o->held.op, OP_WRITE);
	assert_int_equal(o->held.caller, 0x10);
	assert_int_equal(o->held.tid, 107);
	assert_int_equal(o->held.gopc, 0x77);
	assert_int_equal(o->came.goid, 8);
	assert_int_equal(o->came.op, OP_READ);
	assert_int_equal(o->came.caller, 0x20);
	assert_int_equal(o->came.depth, 3);
	assert_int_equal(o->came.stack[2], 0x3000);
	assert_int_equal(o->held.map, (unsigned long)&map_a);
	assert_true(o->after_ns < o->hold_ns);
	assert_int_equal(counts_of(&map_a)->conflicts, 1);
	assert_int_equal(conflicts_of(&g1), 1);
	assert_int_equal(conflicts_of(&g2), 1);
	assert_sums();
}

/* ---- copies of stacks ---------------------------------------------------------------- */

/* Both goroutines' stacks end behind hit_stack: fake_g has `parent` where g.stack.hi is. */
static void copies_wanted(__u64 goexit, __u64 callback)
{
	struct target_state state = {.announced = 1,
	                             .goexit = goexit,
	                             .callback_begin = callback,
	                             .callback_end = callback ? callback + 16 : 0};
	__u32 tgid = TGID;

	config.stack_copies = STACK_COPIES_NEEDED;
	stack_copy_spent_until_ns = 0;
	g1.parent = g2.parent = (unsigned long)(hit_stack + 4);
	bpf_map_update_elem(&targets, &tgid, &state, BPF_ANY);
}

/* Of both sides of one overlap, and not counting those of holds that nobody met. */
static int copies_of_one_overlap(__u64 goexit, __u64 callback)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_READ, .left = 1};

	set_up(NULL);
	copies_wanted(goexit, callback);
	hold_with(&v, &g1, OP_WRITE);
	assert_int_equal(v.left, 0);
	assert_sums();
	g1.parent = g2.parent = 0;
	return events_of(EVENT_STACK, NULL);
}

static void test_whole_chains_need_no_stack(void **state)
{
	(void)state;
	assert_int_equal(copies_of_one_overlap(0x3000, 0), 0);
	assert_int_equal(copies_of_one_overlap(0x3000, 0x5000), 0);
	assert_int_equal(copies_of_one_overlap(0, 0), 0); /* where chains end is not known yet */
}

static void test_stacks_go_before_their_event(void **state)
{
	const struct event_header *before[2] = {NULL, NULL}, *h = NULL;
	const struct event_overlap *overlap;

	(void)state;
	assert_in_range(copies_of_one_overlap(0x4000, 0), 2, 100);
	assert_int_equal(events_of(EVENT_OVERLAP, &h), 1);
	overlap = (const void *)h;
	for (struct shim_event *e = shim_events; e; e = e->next) {
		const struct event_header *at = (const void *)e->data;

		if (at->kind == EVENT_OVERLAP)
			break;
		if (!e->submitted || at->kind == EVENT_CHAIN)
			continue;
		before[0] = before[1];
		before[1] = at;
	}
	for (int i = 0; i < 2; i++) {
		const struct event_stack *stack = (const void *)before[i];
		const struct access *a = i ? &overlap->came : &overlap->held;

		assert_int_equal(stack->h.kind, EVENT_STACK);
		assert_int_equal(stack->h.time_ns, a->time_ns);
		assert_int_equal(stack->h.tgid, TGID);
		assert_int_equal(stack->g, a->g);
		assert_int_equal(stack->pc, 0x1000);
		assert_int_equal(stack->sp, (unsigned long)hit_stack);
		assert_int_equal(stack->fp, 0xb9);
		assert_int_equal(stack->bytes, sizeof(hit_stack));
	}
}

/* Whatever the frame pointers lead to behind C code, it is not trusted. */
static void test_callbacks_need_the_stack(void **state)
{
	(void)state;
	assert_in_range(copies_of_one_overlap(0x3000, 0x1ff8), 2, 100);
}

static void test_stack_copies_are_rationed(void **state)
{
	struct access a = {.g = (unsigned long)&g1, .tgid = TGID, .depth = 1};

	(void)state;
	copies_wanted(0x4000, 0);
	for (int i = 0; i < 100; i++)
		stack_copy(&a, 0x1000, (unsigned long)hit_stack, 0);
	assert_int_equal(events_of(EVENT_STACK, NULL), 17);
	shim.now_ns += 1000 * MS;
	stack_copy(&a, 0x1000, (unsigned long)hit_stack, 0);
	assert_int_equal(events_of(EVENT_STACK, NULL), 18);
	g1.parent = g2.parent = 0;
}

static void test_two_readers_do_not_conflict(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_READ, .left = 5};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_ITERATE), 0);
	assert_int_equal(v.left, 0);
	assert_int_equal(counts_of(&map_a)->conflicts, 0);
	assert_sums();
}

static void test_same_goroutine_does_not_conflict(void **state)
{
	struct visitor v = {.g = &g1, .map = &map_a, .op = OP_WRITE, .left = 3};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 0);
	assert_int_equal(v.left, 0);
	assert_sums();
}

static void test_another_map_does_not_conflict(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_b, .op = OP_WRITE, .left = 3};

	(void)state;
	share(&map_a);
	v.map = &map_b;
	shim.on_wait = visit;
	shim.ctx = &v;
	for (int i = 0; i < 100 && v.left; i++) {
		shim.now_ns += 100 * MS;
		hit(&g1, &map_a, OP_WRITE, 0x10);
	}
	shim.on_wait = NULL;
	assert_int_equal(v.left, 0);
	assert_int_equal(events_of(EVENT_OVERLAP, NULL), 0);
	assert_sums();
}

/* A loop over the map comes step by step: that is one visit. */
static void test_steps_of_one_goroutine_count_once(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_ITERATE, .left = 10};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	assert_int_equal(v.left, 0);
	assert_int_equal(counts_of(&map_a)->conflicts, 1);
	assert_sums();
}

static void test_nothing_stays_in_a_slot(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 1};

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	for (__u32 i = 0; i < SLOTS; i++) {
		struct hold_slot *slot = bpf_map_lookup_elem(&slots, &i);

		assert_int_equal(slot->owner, 0);
		assert_int_equal(slot->map, 0);
		assert_int_equal(slot->readers, 0);
	}
}

/* Bytes of all events of a kind, as they lie in the ring. */
static size_t bytes_of(__u32 kind)
{
	size_t bytes = 0;

	for (struct shim_event *e = shim_events; e; e = e->next) {
		const struct event_header *h = (const void *)e->data;

		if (e->submitted && h->kind == kind)
			bytes += h->size;
	}
	return bytes;
}

/* One chain, however many accesses have it. */
static void test_chain_is_sent_once(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 1};
	const struct event_header *h = NULL;
	const struct event_overlap *overlap;

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	assert_int_equal(bytes_of(EVENT_CHAIN), sizeof(struct event_chain));
	assert_int_equal(bytes_of(EVENT_OVERLAP), sizeof(struct event_overlap_brief));
	assert_int_equal(bytes_of(EVENT_STALL),
	                 events_of(EVENT_STALL, NULL) * sizeof(struct event_stall_brief));
	assert_int_equal(events_of(EVENT_OVERLAP, &h), 1);
	overlap = (const void *)h;
	assert_int_equal(overlap->h.size, sizeof(*overlap));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(overlap->held.stack[i], shim.stack[i]);
		assert_int_equal(overlap->came.stack[i], shim.stack[i]);
	}
	assert_int_equal(overlap->held.goid, 7);
	assert_int_equal(overlap->came.goid, 8);
	assert_sums();
}

static void test_other_chain_has_another_name(void **state)
{
	struct access a = {.depth = 3, .tgid = 5, .stack = {1, 2, 3}}, b = a;

	(void)state;
	b.stack[2]++;
	assert_int_not_equal(chain_name(&a), chain_name(&b));
	b = a;
	b.stack[3] = 4; /* not part of it */
	assert_int_equal(chain_name(&a), chain_name(&b));
	b.depth = 4;
	assert_int_not_equal(chain_name(&a), chain_name(&b));
	b = a;
	b.tgid++;
	assert_int_not_equal(chain_name(&a), chain_name(&b));
}

/* No room for a name, or somebody else about to send the chain: it goes with the event. */
static void test_chain_without_a_name_goes_along(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 1};
	struct access a = {.depth = 3, .tgid = TGID, .stack = {0x1000, 0x2000, 0x3000}};
	__u64 name = chain_name(&a);
	__u32 sending = 0;

	(void)state;
	bpf_map_update_elem(&chains, &name, &sending, BPF_ANY);
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	assert_int_equal(bytes_of(EVENT_CHAIN), 0);
	assert_int_equal(bytes_of(EVENT_OVERLAP), sizeof(struct event_overlap));
	assert_int_equal(bytes_of(EVENT_STALL),
	                 events_of(EVENT_STALL, NULL) * sizeof(struct event_stall));
	assert_sums();
}

/* A chain that found no room in the ring is no chain that was sent. */
static void test_lost_chain_is_sent_again(void **state)
{
	struct access a = {.depth = 1, .tgid = TGID, .stack = {0x1000}};

	(void)state;
	shim.ring_limit = 1;
	shim_event_count = 1;
	assert_int_equal(chain_tell(&a), 0);
	shim.ring_limit = 0;
	assert_int_equal(chain_tell(&a), chain_name(&a));
	assert_int_equal(chain_tell(&a), chain_name(&a));
	assert_int_equal(events_of(EVENT_CHAIN, NULL), 1);
	assert_sums();
}

static void test_unknown_chain_is_never_shown(void **state)
{
	struct access access = {.depth = 2};
	struct event_stall_brief brief = {.h = {.kind = EVENT_STALL, .size = sizeof(brief)}};
	struct event_chain chain = {.h = {.kind = EVENT_CHAIN, .tgid = 5}, .name = 9, .depth = 2};
	struct chain_store *store;

	(void)state;
	assert_int_equal(chain_store_create(-1, &store), 0);
	access_brief_set(&brief.access, &access, 9);
	assert_null(chain_store_expand(store, &brief.h));
	assert_int_equal(chain_store_put(store, &chain), 0);
	assert_non_null(chain_store_expand(store, &brief.h));
	chain_store_forget(store, 6);
	assert_non_null(chain_store_expand(store, &brief.h));
	chain_store_forget(store, 5);
	assert_null(chain_store_expand(store, &brief.h));
	chain_store_destroy(store);
}

static void test_full_ring_is_a_loss(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 4};

	(void)state;
	shim.ring_limit = 2;
	hold_with(&v, &g1, OP_WRITE);
	assert_true(total(COVERAGE_RING_FULL) > 0);
	assert_true(counts_of(&map_a)->conflicts >= 1); /* counted all the same */
	assert_sums();
}

static void test_chain_that_cannot_be_walked_is_a_loss(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 2};
	struct operation o = {.now = shim.now_ns, .map = 1, .g = (unsigned long)&g1};
	struct access a;

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	shim.stack_depth = 0;
	o.caller = 0x10; /* the immediate caller alone is a chain, if a short one */
	assert_true(access_capture(NULL, &o, &a));
	o.caller = 0;
	assert_false(access_capture(NULL, &o, &a));
}

/* ---- choosing ------------------------------------------------------------------------ */

static void test_held_time_stays_within_budget(void **state)
{
	__u64 held_at_second[12] = {0};
	__u64 begin;

	(void)state;
	share(&map_a);
	begin = shim.now_ns;
	/* Two goroutines hammer a hundred maps: an access every 2 us for ten seconds. */
	for (__u64 i = 0; shim.now_ns < begin + 10000 * MS; i++) {
		shim.now_ns += 2000;
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
		held_at_second[(shim.now_ns - begin) / (1000 * MS) + 1] = total(COVERAGE_STALL_NS);
	}
	assert_true(total(COVERAGE_STALLS) > 10);
	for (int s = 1; s <= 10; s++)
		assert_in_range(held_at_second[s] - held_at_second[s - 1], 0, 10 * MS);
	assert_sums();
}

static void test_local_maps_are_hardly_held(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		shim.now_ns += 10000;
		hit(&g1, &map_a, OP_WRITE, 0x10);
	}
	assert_true(counts_of(&map_a)->holds > 0); /* the small share, to learn */
	assert_true(counts_of(&map_a)->holds < 100);
}

/* A map made for one request, touched once by each of two goroutines: known by its call sites. */
static void test_request_local_map_is_found(void **state)
{
	static struct fake_map request[64];

	(void)state;
	for (int i = 0; i < 64; i++) {
		struct visitor v = {.g = &g2, .map = &request[i], .op = OP_WRITE, .left = 1};

		request[i].hash0 = 100 + i;
		shim.now_ns += 50 * MS;
		shim.on_wait = visit;
		shim.ctx = &v;
		hit(&g1, &request[i], OP_WRITE, 0x10);
		shim.on_wait = NULL;
		if (v.left)
			hit(&g2, &request[i], OP_WRITE, 0x20);
	}
	assert_true(events_of(EVENT_OVERLAP, NULL) > 10);
	assert_sums();
}

static void test_control_windows_measure_the_rate(void **state)
{
	const struct map_counts *m;
	double rate;

	(void)state;
	share(&map_a);
	/* g1 and g2 in turn, on two CPUs, each every 100 us. Windows are 20 to 275 us long, three in
	 * four more than 147 us, and count one visit of g2 at most: 0.97 in 195 us, 4960 a second. */
	for (int i = 0; i < 200000; i++) {
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
	}
	m = counts_of(&map_a);
	assert_true(m->control_ns[1] > 100 * MS);
	rate = m->control_arrivals[1] * 1e9 / m->control_ns[1];
	assert_true(rate > 4200 && rate < 5800);
}

static void test_control_leaves_out_the_same_cpu(void **state)
{
	struct fake_g g3 = {.goid = 9}; /* odd, as 7: same CPU */

	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	for (int i = 0; i < 20000; i++) {
		shim.now_ns += 50000;
		hit(i & 1 ? &g1 : &g3, &map_a, OP_WRITE, 0x10);
	}
	assert_true(counts_of(&map_a)->control_ns[1] > 0);
	assert_int_equal(counts_of(&map_a)->control_arrivals[1], 0);
}

/* ---- crashes ------------------------------------------------------------------------- */

static void test_crash_names_the_last_map(void **state)
{
	static const char text[] = "concurrent map writes";
	const struct event_header *h = NULL;
	const struct event_crash *e;
	__u64 stack[1] = {0x40};
	struct pt_regs regs = {.r14 = (unsigned long)&g1,
	                       .ax = (unsigned long)text,
	                       .bx = strlen(text),
	                       .sp = (unsigned long)stack};

	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	shim.cookie = COOKIE(5, WIRE_CRASH, 0, WIRE_MESSAGE, WIRE_AT_ENTRY, 0);
	on_probe(&regs);
	assert_int_equal(events_of(EVENT_CRASH, &h), 1);
	e = (const void *)h;
	assert_string_equal(e->message, text);
	assert_int_equal(e->last_map, (unsigned long)&map_a);
	assert_int_equal(e->access.op, OP_WRITE);
	assert_int_equal(e->access.goid, 7);
	assert_sums();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(test_nil_map_is_filtered),
	        T(test_growing_stack_is_filtered_at_jbe_only),
	        T(test_place_is_the_programs_own),
	        T(test_part_of_an_operation_is_filtered),
	        T(test_other_process_is_filtered),
	        T(test_ids_of_the_own_pid_namespace),
	        T(test_system_stack_is_filtered),
	        T(test_operations_are_counted_by_kind),
	        T(test_first_hit_announces_the_process),
	        T(test_full_table_is_a_loss),
	        T(test_reused_g_is_a_new_goroutine),
	        T(test_reused_address_is_a_new_map),
	        T(test_seed_renewed_by_delete_is_the_same_map),
	        T(test_reused_address_of_an_emptied_map),
	        T(test_birth_is_told),
	        T(test_birth_ends_the_map_before),
	        T(test_seed_follows_a_goroutine_that_empties_its_map),
	        T(test_delete_that_leaves_entries_keeps_the_seed),
	        T(test_overlap_has_both_sides),
	        T(test_whole_chains_need_no_stack),
	        T(test_stacks_go_before_their_event),
	        T(test_callbacks_need_the_stack),
	        T(test_stack_copies_are_rationed),
	        T(test_two_readers_do_not_conflict),
	        T(test_same_goroutine_does_not_conflict),
	        T(test_another_map_does_not_conflict),
	        T(test_steps_of_one_goroutine_count_once),
	        T(test_nothing_stays_in_a_slot),
	        T(test_chain_is_sent_once),
	        T(test_other_chain_has_another_name),
	        T(test_chain_without_a_name_goes_along),
	        T(test_lost_chain_is_sent_again),
	        T(test_unknown_chain_is_never_shown),
	        T(test_full_ring_is_a_loss),
	        T(test_chain_that_cannot_be_walked_is_a_loss),
	        T(test_held_time_stays_within_budget),
	        T(test_local_maps_are_hardly_held),
	        T(test_request_local_map_is_found),
	        T(test_control_windows_measure_the_rate),
	        T(test_control_leaves_out_the_same_cpu),
	        T(test_crash_names_the_last_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

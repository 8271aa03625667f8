/* SPDX-License-Identifier: MIT */
/*
 * The BPF programs, compiled as an ordinary program: an operation that is seen at its `call`
 * instruction is the very same as at the probe in the function, and counts once.
 */
#include "programs.h"

#define PROBED  0x401010ULL /* in the map function */
#define CALL    0x480100ULL /* in the program */
#define WRAPPER 0x402020ULL /* where a wrapper's call of the map function returns to */
#define SITE    3

struct fake_g {
	__u64 goid;
};

struct fake_map {
	__u64 count;
	__u32 flags, hash0;
	__u64 rest[4];
};

static struct fake_g g1 = {7}, g2 = {8};
static struct fake_map map = {.hash0 = 1};

static int set_up(void **state)
{
	static const struct field_row row = {.g_parent_goid = -1,
	                                     .g_gopc = -1,
	                                     .g_startpc = -1,
	                                     .seed_offset = offsetof(struct fake_map, hash0),
	                                     .seed_size = 4};

	(void)state;
	programs_reset(&row);
	return 0;
}

static void walk_set(const __u64 *frames, int count)
{
	memcpy(shim.stack, frames, (size_t)count * sizeof(*frames));
	shim.stack_depth = count;
}

static struct pt_regs regs_of(struct fake_g *g, __u64 pc, const void *stack)
{
	static __u64 type = 21, frame[2];

	shim.cpu = g->goid & 1;
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	return (struct pt_regs){.r14 = (unsigned long)g,
	                        .ax = (unsigned long)&type,
	                        .bx = (unsigned long)&map,
	                        .sp = (unsigned long)stack,
	                        .bp = (unsigned long)frame,
	                        .ip = pc};
}

static void hit_function(struct fake_g *g, __u64 caller)
{
	__u64 stack[1] = {caller};
	struct pt_regs regs = regs_of(g, PROBED, stack);

	shim.cookie = COOKIE(SITE, PROBE_MAP_OP, OP_WRITE, ARGS_TYPE_MAP, PROBE_AT_PUSH, 0);
	on_probe(&regs);
}

static void hit_call(struct fake_g *g, __u32 row)
{
	__u64 stack[1] = {0};
	struct pt_regs regs = regs_of(g, CALL, stack);

	shim.cookie = COOKIE(SITE, PROBE_MAP_OP, OP_WRITE, ARGS_TYPE_MAP, WIRE_AT_CALL, 0) |
	              COOKIE_CALL(row);
	on_probe(&regs);
}

/* As bpf/govern/site_probes does it. */
static void call_arm(__u32 row, int wrapped)
{
	struct call_probe call = {.on = 1,
	                          .probed = (__s32)(PROBED - CALL),
	                          .wrapper = wrapped ? (__s32)(WRAPPER - CALL) : 0};
	struct call_key key = {.site = SITE, .distance = (__s32)(CALL + CALL_BYTES - PROBED)};
	__u32 bit = CALL_BIT(key.site, key.distance);

	bpf_map_update_elem(&call_probes, &row, &call, BPF_ANY);
	bpf_map_update_elem(&call_keys, &key, &row, BPF_ANY);
	assert_true(bit < CALL_BITS);
	tuning.calls[bit / 64] |= 1ULL << (bit % 64);
	tuning.calls_probed++;
}

/* ---- once ---------------------------------------------------------------------------- */

static void test_counted_once(void **state)
{
	(void)state;
	call_arm(5, 0);
	hit_call(&g1, 5);
	hit_function(&g1, CALL + CALL_BYTES);
	assert_int_equal(total(COVERAGE_COUNTED), 1);
	assert_int_equal(total(COVERAGE_AT_CALL), 1);
	assert_int_equal(total(COVERAGE_OUTSIDE), 1);
	assert_int_equal(state_of(&map)->counts.outside[OP_WRITE], 1);
	assert_int_equal(total(COVERAGE_CALL_SITE), 1);
	assert_int_equal(state_of(&map)->counts.ops[OP_WRITE], 1);
	assert_int_equal(state_of(&map)->counts.first_caller, CALL + CALL_BYTES);
}

/* In a window all operations count for rates, whatever probe saw them. */
static void test_counted_for_rates(void **state)
{
	(void)state;
	call_arm(5, 0);
	tuning.sampling = 1;
	hit_call(&g1, 5);
	tuning.sampling = 0;
	hit_call(&g1, 5);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_int_equal(total(COVERAGE_OUTSIDE), 1);
	assert_int_equal(state_of(&map)->counts.ops[OP_WRITE], 2);
	assert_int_equal(state_of(&map)->counts.outside[OP_WRITE], 1);
}

/* Other callers, and the same distance from another function, are none of its business. */
static void test_others_pass(void **state)
{
	(void)state;
	call_arm(5, 0);
	for (__u64 i = 1; i < 5000; i++)
		hit_function(&g1, CALL + CALL_BYTES + i);
	assert_int_equal(total(COVERAGE_CALL_SITE), 0);
	assert_int_equal(total(COVERAGE_COUNTED), 4999);
	tuning.calls_probed = 0; /* taken out */
	hit_function(&g1, CALL + CALL_BYTES);
	assert_int_equal(total(COVERAGE_CALL_SITE), 0);
}

static void test_hits_are_counted_by_call(void **state)
{
	__u32 five = 5, six = 6;

	(void)state;
	call_arm(5, 0);
	hit_call(&g1, 5);
	hit_call(&g2, 5);
	assert_int_equal(((struct call_probe *)bpf_map_lookup_elem(&call_probes, &five))->hits, 2);
	assert_int_equal(((struct call_probe *)bpf_map_lookup_elem(&call_probes, &six))->hits, 0);
}

/* ---- the same ------------------------------------------------------------------------ */

/* The last operation that was held. */
static struct access held(void)
{
	const struct event_header *h = NULL;
	const struct event_stall *stall;

	assert_true(events_of(EVENT_STALL, &h) > 0);
	stall = (const void *)h;
	assert_int_equal(stall->access.stack[0], PROBED);
	return stall->access;
}

static struct access access_of(void (*hit)(struct fake_g *, __u64), struct fake_g *g, __u64 arg)
{
	__u64 before = total(COVERAGE_STALLS);

	for (int i = 0; i < 10000 && total(COVERAGE_STALLS) == before; i++) {
		shim.now_ns += 1000 * MS;
		hit(g, arg);
	}
	assert_int_equal(total(COVERAGE_STALLS), before + 1);
	return held();
}

static void hit_call_5(struct fake_g *g, __u64 unused)
{
	(void)unused;
	hit_call(g, 5);
}

static void chains_compare(const struct access *a, const struct access *b)
{
	assert_int_equal(a->depth, b->depth);
	assert_int_equal(a->caller, b->caller);
	assert_int_equal(a->truncated, b->truncated);
	assert_int_equal(a->map, b->map);
	assert_int_equal(a->map_type, b->map_type);
	assert_int_equal(a->site, b->site);
	assert_int_equal(a->op, b->op);
	assert_memory_equal(a->stack, b->stack, a->depth * sizeof(*a->stack));
}

static void test_same_chain(void **state)
{
	const __u64 function[] = {PROBED, CALL + CALL_BYTES, 0x490000, 0x4a0000};
	const __u64 call[] = {CALL, 0x490000, 0x4a0000};
	struct access a, b;

	(void)state;
	walk_set(function, 4);
	a = access_of(hit_function, &g1, CALL + CALL_BYTES);
	call_arm(5, 0);
	walk_set(call, 3);
	b = access_of(hit_call_5, &g1, 0);
	assert_int_equal(a.depth, 4);
	chains_compare(&a, &b);
}

static void test_same_chain_through_a_wrapper(void **state)
{
	const __u64 function[] = {PROBED, WRAPPER, CALL + CALL_BYTES, 0x490000};
	const __u64 call[] = {CALL, 0x490000};
	struct access a, b;

	(void)state;
	walk_set(function, 4);
	a = access_of(hit_function, &g1, WRAPPER);
	call_arm(5, 1);
	walk_set(call, 2);
	b = access_of(hit_call_5, &g1, 0);
	assert_int_equal(a.depth, 4);
	chains_compare(&a, &b);
}

/* A chain that is too deep is cut at the same place. */
static void test_same_chain_when_too_deep(void **state)
{
	__u64 function[16], call[16];
	struct access a, b;

	(void)state;
	for (int i = 0; i < 16; i++)
		function[i] = 0x490000 + (__u64)i;
	function[0] = PROBED;
	function[1] = CALL + CALL_BYTES;
	call[0] = CALL;
	memcpy(call + 1, function + 2, sizeof(call) - 2 * sizeof(*call));
	walk_set(function, 12);
	a = access_of(hit_function, &g1, CALL + CALL_BYTES);
	call_arm(5, 0);
	walk_set(call, 11);
	b = access_of(hit_call_5, &g1, 0);
	assert_int_equal(a.depth, 8);
	assert_int_equal(a.truncated, CHAIN_TOO_DEEP);
	chains_compare(&a, &b);
}

/* ---- what surveys learn -------------------------------------------------------------- */

static int touches_of(__u64 place)
{
	struct touch_key key = {.group = 0x10,
	                        .distance = (__s32)(place - PROBED),
	                        .tgid = TGID,
	                        .site = SITE,
	                        .op = OP_WRITE};
	struct touch *touch = bpf_map_lookup_elem(&touches, &key);

	if (touch)
		assert_true(touch->map == (unsigned long)&map && touch->place == place);
	return touch != NULL;
}

static void test_touches_are_noted(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		hit_function(&g1, 0x10);
	assert_false(touches_of(0x10)); /* nobody else is there */
	for (int i = 0; i < 100; i++) {
		shim.now_ns += 12345;
		hit_function(&g2, 0x20);
		hit_function(&g1, 0x10);
	}
	assert_true(touches_of(0x10));
	assert_true(touches_of(0x20));
	assert_false(touches_of(0x30));
}

/* One in sixteen, whatever the time between operations. */
static void test_samples(void **state)
{
	struct call_site *site;

	(void)state;
	for (int i = 0; i < 16000; i++) {
		shim.now_ns += 997;
		hit_function(i & 1 ? &g1 : &g2, i & 1 ? 0x10 : 0x20);
	}
	site = call_site_find(TGID, 0x10);
	assert_non_null(site);
	assert_in_range(site->samples, 8000 / CALL_SAMPLE * 8 / 10, 8000 / CALL_SAMPLE * 12 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_counted_once),
	        T(test_counted_for_rates),
	        T(test_others_pass),
	        T(test_hits_are_counted_by_call),
	        T(test_same_chain),
	        T(test_same_chain_through_a_wrapper),
	        T(test_same_chain_when_too_deep),
	        T(test_touches_are_noted),
	        T(test_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The BPF programs, compiled as an ordinary program, on a target whose layout nobody vouches for:
 * what live objects have not confirmed is not read, and who works is told apart all the same. */
#include "programs.h"

struct fake_m {
	__u64 g0;
};

struct fake_g {
	__u64 goid, parent, gopc, startpc;
	struct fake_m *m;
};

struct fake_map {
	__u64 count, seed;
};

struct fake_iterator {
	__u64 type;
	struct fake_map *map;
};

static struct fake_m machine;
static struct fake_g g1 = {7, 1, 0x77, 0x700, &machine}, g2 = {8, 1, 0x88, 0x800, &machine};
static struct fake_map map_a = {.count = 5, .seed = 0x1111};
static __u64 type = 21;

static int set_up(void **state)
{
	static const struct field_row row = {.g_goid = offsetof(struct fake_g, goid),
	                                     .g_parent_goid = offsetof(struct fake_g, parent),
	                                     .g_gopc = offsetof(struct fake_g, gopc),
	                                     .g_startpc = offsetof(struct fake_g, startpc),
	                                     .map_length = offsetof(struct fake_map, count),
	                                     .seed_offset = offsetof(struct fake_map, seed),
	                                     .seed_size = 8,
	                                     .iterator_type = offsetof(struct fake_iterator, type),
	                                     .iterator_map = offsetof(struct fake_iterator, map),
	                                     .g_m = offsetof(struct fake_g, m),
	                                     .m_g0 = offsetof(struct fake_m, g0),
	                                     .unproven = 1};

	(void)state;
	programs_reset(&row);
	map_a.seed = 0x1111;
	return 0;
}

static void hit_with(struct fake_g *g, __u32 args, __u64 first, __u64 second, enum map_op op)
{
	__u64 stack[1] = {0x10};
	struct pt_regs regs = {
	        .r14 = (unsigned long)g, .ax = first, .bx = second, .sp = (unsigned long)stack};

	shim.cookie = COOKIE(3, PROBE_MAP_OP, op, args, PROBE_AT_PUSH, 0);
	shim.cpu = g == &g1;
	shim.pid_tgid = (__u64)TGID << 32 | (g == &g1 ? 101 : 102);
	on_probe(&regs);
	shim.now_ns += MS;
}

static void hit(struct fake_g *g, enum map_op op)
{
	hit_with(g, ARGS_TYPE_MAP, (unsigned long)&type, (unsigned long)&map_a, op);
}

static void step(struct fake_g *g, struct fake_map *map)
{
	struct fake_iterator iterator = {.type = (unsigned long)&type, .map = map};

	hit_with(g, ARGS_ITERATOR, (unsigned long)&iterator, 0, OP_ITERATE);
}

static void test_nothing_is_read_before_it_is_proven(void **state)
{
	(void)state;
	hit(&g1, OP_WRITE);
	assert_int_equal(total(COVERAGE_COUNTED), 1);
	assert_int_equal(goroutine_of(&g1)->goid, 0);
	assert_int_equal(goroutine_of(&g1)->parent_goid, 0);
	assert_int_equal(goroutine_of(&g1)->gopc, 0);
	assert_int_equal(goroutine_of(&g1)->startpc, 0);
	assert_int_equal(state_of(&map_a)->counts.seed, 0);
}

static void test_each_field_when_it_is_proven(void **state)
{
	(void)state;
	hit(&g1, OP_WRITE);
	tuning.proven[0] = LAYOUT_GOPC;
	hit(&g1, OP_WRITE);
	assert_int_equal(goroutine_of(&g1)->gopc, 0x77);
	assert_int_equal(goroutine_of(&g1)->goid, 0);
	tuning.proven[0] |= LAYOUT_STARTPC | LAYOUT_MAP;
	hit(&g1, OP_WRITE);
	assert_int_equal(goroutine_of(&g1)->startpc, 0x700);
	assert_int_equal(state_of(&map_a)->counts.seed, 0x1111);
	assert_int_equal(state_of(&map_a)->counts.gen, 0); /* the same map as before */
	assert_int_equal(state_of(&map_a)->counts.ops[OP_WRITE], 3);
	assert_int_equal(goroutine_of(&g1)->ops[OP_WRITE], 3);
	/* Who did what before the ids were known is not known: that is told. */
	tuning.proven[0] |= LAYOUT_GOID | LAYOUT_PARENT_GOID;
	hit(&g1, OP_WRITE);
	assert_int_equal(goroutine_of(&g1)->goid, 7);
	assert_int_equal(goroutine_of(&g1)->parent_goid, 1);
	assert_int_equal(goroutine_of(&g1)->ops[OP_WRITE], 1);
	assert_int_equal(total(COVERAGE_GOROUTINES_UNTRACKED), 3);
	/* Refuted: nobody has an id any more. */
	tuning.proven[0] = 0;
	hit(&g1, OP_WRITE);
	assert_int_equal(goroutine_of(&g1)->goid, 0);
	assert_int_equal(goroutine_of(&g1)->gopc, 0);
	assert_int_equal(state_of(&map_a)->counts.gen, 0);
	assert_int_equal(state_of(&map_a)->counts.ops[OP_WRITE], 5);
}

/* Known or not, one goroutine stays one: no map becomes shared because an id was learnt. */
static void test_identity_is_the_g(void **state)
{
	(void)state;
	hit(&g1, OP_WRITE);
	tuning.proven[0] = LAYOUT_GOID;
	hit(&g1, OP_WRITE);
	assert_false(state_of(&map_a)->counts.flags & MAP_SHARED);
	g2.goid = g1.goid; /* what a wrong offset would show */
	hit(&g2, OP_READ);
	assert_true(state_of(&map_a)->counts.flags & MAP_SHARED);
	g2.goid = 8;
}

static void test_new_map_once_the_header_is_proven(void **state)
{
	(void)state;
	hit(&g1, OP_WRITE);
	map_a.seed = 0x2222;
	hit(&g2, OP_WRITE);
	assert_int_equal(state_of(&map_a)->counts.gen, 0); /* cannot be told yet */
	tuning.proven[0] = LAYOUT_MAP;
	hit(&g1, OP_WRITE);
	assert_int_equal(state_of(&map_a)->counts.gen, 0);
	map_a.seed = 0x3333;
	hit(&g2, OP_WRITE);
	assert_int_equal(state_of(&map_a)->counts.gen, 1);
}

static void test_system_stack_is_filtered(void **state)
{
	(void)state;
	machine.g0 = (unsigned long)&g1;
	hit(&g1, OP_READ);
	machine.g0 = 0;
	assert_int_equal(total(COVERAGE_RUNTIME_INTERNAL), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
}

static void test_iterator_is_confirmed_by_its_map(void **state)
{
	struct fake_map junk = {0};

	(void)state;
	step(&g1, &map_a); /* nobody has seen this map */
	assert_int_equal(total(COVERAGE_UNREADABLE), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	hit(&g1, OP_ITERATE);
	step(&g1, &map_a);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	step(&g1, &junk);
	assert_int_equal(total(COVERAGE_UNREADABLE), 2);
	assert_null(state_of(&junk));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_nothing_is_read_before_it_is_proven),
	        T(test_each_field_when_it_is_proven),
	        T(test_identity_is_the_g),
	        T(test_new_map_once_the_header_is_proven),
	        T(test_system_stack_is_filtered),
	        T(test_iterator_is_confirmed_by_its_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

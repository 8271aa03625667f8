/* SPDX-License-Identifier: MIT */
/* Which locks all users of a map have: what is seen of that, and what follows for holds. */
#include "logic.h"

#define LOCK_A 0x5000ULL
#define LOCK_B 0x6000ULL
#define BASE   3 /* RBX */
#define SINCE  1000
#define AT     0x2000 /* instruction pointer at every lock site here */
#define CARRY  0x001
#define ZERO   0x040
#define SIGN   0x080

enum row { TAKE, TAKE_SHARED, DROP, DROP_SHARED, TRY, UNKNOWN_DROP, CONSTANT, LOADED, ROWS };

static const struct lock_site sites[ROWS] = {
        [TAKE] = {.action = LOCK_TAKE, .object = ORDER_OBJECT_REGISTER, .base = BASE},
        [TAKE_SHARED] = {.action = LOCK_TAKE_SHARED, .object = ORDER_OBJECT_REGISTER, .base = BASE},
        [DROP] = {.action = LOCK_DROP, .object = ORDER_OBJECT_REGISTER, .base = BASE},
        [DROP_SHARED] = {.action = LOCK_DROP_SHARED, .object = ORDER_OBJECT_REGISTER, .base = BASE},
        [TRY] = {.action = LOCK_TAKE,
                 .condition = ORDER_IF_ZF,
                 .object = ORDER_OBJECT_REGISTER,
                 .base = BASE},
        [UNKNOWN_DROP] = {.action = LOCK_DROP, .object = ORDER_OBJECT_NONE},
        [CONSTANT] = {.action = LOCK_TAKE,
                      .object = ORDER_OBJECT_CONSTANT,
                      .displacement = (__s64)LOCK_A - AT},
        [LOADED] = {.action = LOCK_TAKE,
                    .object = ORDER_OBJECT_LOADED,
                    .base = BASE,
                    .offset = 8,
                    .displacement = 16},
};

/* Used by both, and for a while: not judged by its call sites any more. */
static void share_old(struct fake_map *map)
{
	share(map);
	state_of(map)->counts.ops[OP_WRITE] = 1000;
}

static int set_up_locks(void **state)
{
	set_up(state);
	for (__u32 i = 0; i < ROWS; i++)
		bpf_map_update_elem(&lock_sites, &i, &sites[i], BPF_ANY);
	shim.now_ns = SINCE;
	tuning.locks_since = SINCE;
	tuning.lock_rows = 1;
	share_old(&map_a);
	shim.now_ns += 2 * LOCKS_SETTLE_NS;
	state_of(&map_a)->guard = (struct guard){0};
	return 0;
}

static void pass_with(const struct fake_g *g, enum row row, __u64 lock, __u64 flags)
{
	struct pt_regs regs = {
	        .r14 = (unsigned long)g, .bx = lock, .sp = lock, .ip = AT, .flags = flags};

	shim.cookie = COOKIE(0xffff, PROBE_LOCK, 0, 0, 0, 0) | COOKIE_LOCK(row);
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	on_probe(&regs);
}

static void pass(const struct fake_g *g, enum row row, __u64 lock)
{
	pass_with(g, row, lock, 0);
}

/* So many accesses of both goroutines by turns, each from taking a lock to dropping it. */
static void use_under(__u64 lock, enum row take, enum row drop, enum map_op op, int count)
{
	for (int i = 0; i < count; i++) {
		struct fake_g *g = i & 1 ? &g1 : &g2;

		pass(g, take, lock);
		shim.now_ns += 1000;
		hit(g, &map_a, op, 0x10);
		pass(g, drop, lock);
	}
}

static const struct guard *guard(void)
{
	return &state_of(&map_a)->guard;
}

static void test_one_lock_guards(void **state)
{
	(void)state;
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, GUARD_KNOWN - 1);
	assert_int_equal(guard()->accesses, GUARD_KNOWN - 1);
	assert_false(guard_explains(guard()));
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, 1);
	assert_true(guard_explains(guard()));
	assert_int_equal(guard()->bare, 0);
	assert_sums();
}

static void test_an_access_under_no_lock_is_remembered(void **state)
{
	(void)state;
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, GUARD_KNOWN);
	assert_int_equal(state_of(&map_a)->counts.guard_bare_place, 0);
	hit(&g2, &map_a, OP_READ, 0x20);
	assert_int_equal(guard()->bare, 1);
	assert_int_equal(state_of(&map_a)->counts.guard_bare_place, 0x20);
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, 100);
	assert_int_equal(guard()->bare, 1); /* an exception: the lock stays */
	assert_int_equal(state_of(&map_a)->counts.guard_bare_place, 0x20);
	assert_false(guard_explains(guard()));
}

static void test_two_locks_guard_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < GUARD_KNOWN; i++)
		use_under(i & 1 ? LOCK_A : LOCK_B, TAKE, DROP, OP_WRITE, 1);
	assert_int_equal(guard()->bare, GUARD_KNOWN / 2);
}

static void test_of_two_locks_the_common_one_is_left(void **state)
{
	(void)state;
	pass(&g1, TAKE, LOCK_B);
	pass(&g1, TAKE, LOCK_A);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	pass(&g1, DROP, LOCK_B);
	pass(&g1, DROP, LOCK_A);
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, GUARD_KNOWN);
	assert_true(guard_explains(guard()));
	use_under(LOCK_B, TAKE, DROP, OP_WRITE, 1);
	assert_int_equal(guard()->bare, 1);
}

static void test_a_reader_lock_guards_reading_alone(void **state)
{
	(void)state;
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, GUARD_KNOWN / 2);
	use_under(LOCK_A, TAKE_SHARED, DROP_SHARED, OP_READ, GUARD_KNOWN / 2);
	assert_true(guard_explains(guard()));
	use_under(LOCK_A, TAKE_SHARED, DROP_SHARED, OP_WRITE, 1);
	assert_false(guard_explains(guard()));
}

static void test_a_try_that_fails_takes_nothing(void **state)
{
	(void)state;
	pass_with(&g1, TRY, LOCK_A, CARRY | SIGN);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->bare, 1);
	pass_with(&g1, TRY, LOCK_A, ZERO);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->bare, 1);
}

static void test_conditions(void **state)
{
	static const struct {
		enum order_condition condition;
		__u64 flags;
		int counts;
	} cases[] = {{ORDER_ALWAYS, CARRY | ZERO | SIGN, 1}, {ORDER_IF_ZF, ZERO, 1},
	             {ORDER_IF_ZF, CARRY | SIGN, 0},         {ORDER_IF_NOT_ZF, ZERO, 0},
	             {ORDER_IF_NOT_ZF, CARRY | SIGN, 1},     {ORDER_IF_NOT_SF, SIGN, 0},
	             {ORDER_IF_NOT_SF, CARRY | ZERO, 1},     {ORDER_IF_NO_CF_ZF, CARRY, 0},
	             {ORDER_IF_NO_CF_ZF, ZERO, 0},           {ORDER_IF_NO_CF_ZF, SIGN, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pt_regs regs = {.flags = cases[i].flags};

		assert_int_equal(lock_counts(&regs, cases[i].condition), cases[i].counts);
	}
}

static void test_every_register_is_read(void **state)
{
	const struct pt_regs regs = {.ax = 100,
	                             .cx = 101,
	                             .dx = 102,
	                             .bx = 103,
	                             .sp = 104,
	                             .bp = 105,
	                             .si = 106,
	                             .di = 107,
	                             .r8 = 108,
	                             .r9 = 109,
	                             .r10 = 110,
	                             .r11 = 111,
	                             .r12 = 112,
	                             .r13 = 113,
	                             .r14 = 114,
	                             .r15 = 115};

	(void)state;
	for (__u32 i = 0; i < 16; i++)
		assert_int_equal(lock_register(&regs, i), 100 + i);
}

static void test_where_the_lock_is(void **state)
{
	__u64 memory[4] = {0, LOCK_A - 16};

	(void)state;
	pass(&g1, CONSTANT, 0);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	pass(&g2, LOADED, (uintptr_t)memory);
	hit(&g2, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->bare, 0);
	assert_int_equal(guard()->locks[0], LOCK_A);
}

/* Else a lock that was dropped at such a place would seem to be held for ever. */
static void test_a_drop_without_address_forgets_all(void **state)
{
	(void)state;
	pass(&g1, TAKE, LOCK_A);
	pass(&g1, TAKE, LOCK_B);
	pass(&g1, UNKNOWN_DROP, 0);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->bare, 1);
}

static void test_more_locks_than_there_is_room_for(void **state)
{
	(void)state;
	for (__u64 i = 0; i < LOCK_SET_MAX + 2; i++)
		pass(&g1, TAKE, LOCK_A + 16 * i);
	for (__u64 i = 0; i < LOCK_SET_MAX; i++)
		pass(&g1, DROP, LOCK_A + 16 * i);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->bare, 1); /* less guarded than it is, never more */
}

static void test_what_was_known_ends_with_the_window(void **state)
{
	(void)state;
	pass(&g1, TAKE, LOCK_A);
	tuning.locks_since = 0; /* the probes are out: it is dropped unseen */
	pass(&g1, DROP, LOCK_A);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->accesses, 0);
	shim.now_ns += 1000;
	tuning.locks_since = shim.now_ns;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->accesses, 0); /* who has what is not known yet */
	shim.now_ns += 2 * LOCKS_SETTLE_NS;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->accesses, 1);
	assert_int_equal(guard()->bare, 1);
}

/* A file whose lock sites are not probed: nothing is known of its locks. */
static void test_a_file_without_lock_probes(void **state)
{
	(void)state;
	tuning.lock_rows = ~1ULL;
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, GUARD_KNOWN);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(guard()->accesses, 0);
}

/* Held time goes to what no lock explains, as long as there is such a map. */
static void test_held_time_goes_to_what_is_not_explained(void **state)
{
	__u64 guarded;

	(void)state;
	use_under(LOCK_A, TAKE, DROP, OP_WRITE, GUARD_KNOWN);
	share_old(&map_b);
	guarded = state_of(&map_a)->counts.holds;
	for (int i = 0; i < 200; i++) {
		shim.now_ns += 20 * MS;
		use_under(LOCK_A, TAKE, DROP, OP_WRITE, 1);
		hit(i & 1 ? &g1 : &g2, &map_b, OP_WRITE, 0x30);
	}
	assert_true(state_of(&map_b)->counts.holds > 2);
	assert_true(state_of(&map_a)->counts.holds - guarded <= 1);
	/* Without one it is held as well, at times. */
	shim.now_ns += 2 * UNEXPLAINED_NS;
	guarded = state_of(&map_a)->counts.holds;
	for (int i = 0; i < 2000 && state_of(&map_a)->counts.holds == guarded; i++) {
		shim.now_ns += 100 * MS;
		use_under(LOCK_A, TAKE, DROP, OP_WRITE, 1);
	}
	assert_true(state_of(&map_a)->counts.holds > guarded);
}

/* At calls that were chosen for it. */
static void test_what_no_lock_guards_is_held_sooner(void **state)
{
	struct map_state *m = state_of(&map_a);
	struct operation at_call = {.probed = 1, .now = shim.now_ns}, in_function = at_call;
	__u64 sooner = 0, usual = 0;

	(void)state;
	in_function.probed = 0;
	m->guard = (struct guard){.accesses = GUARD_KNOWN, .bare = 1};
	m->counts.holds = RARELY_TRIED;
	assert_int_equal(map_priority(m, NULL, &at_call), PRIORITY_SUSPECT);
	assert_int_equal(map_priority(m, NULL, &in_function), PRIORITY_NORMAL);
	for (int i = 0; i < 100; i++) {
		sooner += spacing(&at_call, PRIORITY_SUSPECT, PATIENCE_ONE);
		usual += spacing(&at_call, PRIORITY_NORMAL, PATIENCE_ONE);
	}
	assert_true(sooner * 2 < usual);
	m->guard.bare = 0;
	assert_int_equal(map_priority(m, NULL, &at_call), PRIORITY_NORMAL);
}

int main(void)
{
#define L(test) cmocka_unit_test_setup_teardown(test, set_up_locks, tear_down)
	const struct CMUnitTest tests[] = {
	        L(test_one_lock_guards),
	        L(test_an_access_under_no_lock_is_remembered),
	        L(test_two_locks_guard_nothing),
	        L(test_of_two_locks_the_common_one_is_left),
	        L(test_a_reader_lock_guards_reading_alone),
	        L(test_a_try_that_fails_takes_nothing),
	        L(test_conditions),
	        L(test_every_register_is_read),
	        L(test_where_the_lock_is),
	        L(test_a_drop_without_address_forgets_all),
	        L(test_more_locks_than_there_is_room_for),
	        L(test_what_was_known_ends_with_the_window),
	        L(test_a_file_without_lock_probes),
	        L(test_held_time_goes_to_what_is_not_explained),
	        L(test_what_no_lock_guards_is_held_sooner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

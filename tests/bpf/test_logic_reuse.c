/* SPDX-License-Identifier: MIT */
/* One address, two maps: told apart by seeds, memory and births. */
#include "logic.h"

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
	assert_int_equal(((const struct event_map *)h)->end, ROW_GONE);
	assert_int_equal(((const struct event_map *)h)->counts.ops[OP_READ], 1);
	assert_int_equal(state_of(&map)->counts.gen, 1);
	assert_int_equal(state_of(&map)->counts.ops[OP_WRITE], 1);
	assert_int_equal(state_of(&map)->counts.ops[OP_READ], 0);
	assert_int_equal(state_of(&map)->counts.flags & MAP_SHARED, 0);
	assert_sums();
}

/* Who reads a row while it changes hands must see that it does. */
static const struct map_state *changing;
static int seen_changing, seen_whole;

static void on_row_written(const void *to)
{
	if (to != &changing->first_who)
		return;
	seen_changing++;
	seen_whole += map_state_whole(changing);
}

static void test_row_is_not_whole_between_two_maps(void **state)
{
	struct fake_map map = {.hash0 = 11};
	const struct map_state nobody = {0};

	(void)state;
	assert_false(map_state_whole(&nobody));
	hit(&g1, &map, OP_WRITE, 0x10);
	changing = state_of(&map);
	assert_true(map_state_whole(changing));
	shim.on_read_kernel = on_row_written;
	for (int i = 0; i < 3; i++) {
		map.hash0++;
		hit(i % 2 ? &g1 : &g2, &map, OP_WRITE, 0x20);
		assert_true(map_state_whole(changing));
		assert_int_equal(changing->counts.gen, i + 1);
	}
	shim.on_read_kernel = NULL;
	assert_int_equal(seen_changing, 3);
	assert_int_equal(seen_whole, 0);
	assert_sums();
}

/* The last words on maps of one goroutine leave room for what matters; nothing is lost unsaid. */
static void reuse_with_busy_ring(struct fake_g *second, struct fake_g *third)
{
	struct fake_map map = {.hash0 = 11};

	shim.ring_used = 51;
	hit(&g1, &map, OP_WRITE, 0x10);
	hit(second, &map, OP_READ, 0x10);
	map.hash0 = 12;
	hit(third, &map, OP_WRITE, 0x20);
	assert_int_equal(state_of(&map)->counts.gen, 1);
	assert_sums();
}

static void test_busy_ring_is_told_of_no_own_map(void **state)
{
	(void)state;
	reuse_with_busy_ring(&g1, &g2);
	assert_int_equal(events_of(EVENT_MAP, NULL), 0);
	assert_int_equal(total(COVERAGE_MAPS_UNTRACKED), 2);
}

static void test_busy_ring_is_told_of_shared_maps(void **state)
{
	(void)state;
	reuse_with_busy_ring(&g2, &g1);
	assert_int_equal(events_of(EVENT_MAP, NULL), 1);
	assert_int_equal(total(COVERAGE_MAPS_UNTRACKED), 0);
}

/* Operations that the collector has told of are in the rows already: left out of the rows again
 * they would be counted twice. */
static void told_before(__u64 scanned_ns, unsigned int events, __u64 untracked)
{
	shim.now_ns += 1000;
	tuning.scanned_ns = 0;
	shim.ring_used = 51;
	{
		struct fake_map map = {.hash0 = 11};

		hit(&g1, &map, OP_WRITE, 0x10);
		tuning.scanned_ns = scanned_ns;
		hit(&g1, &map, OP_READ, 0x10);
		map.hash0 = 12;
		hit(&g2, &map, OP_WRITE, 0x20);
	}
	assert_int_equal(events_of(EVENT_MAP, NULL), events);
	assert_int_equal(total(COVERAGE_MAPS_UNTRACKED), untracked);
	assert_sums();
}

static void test_busy_ring_is_told_of_maps_told_before(void **state)
{
	(void)state;
	told_before(shim.now_ns + 2000, 1, 0);
}

static void test_busy_ring_is_told_of_maps_during_a_scan(void **state)
{
	(void)state;
	told_before(UINT64_MAX, 1, 0);
}

static void test_busy_ring_is_not_told_of_maps_made_since(void **state)
{
	(void)state;
	told_before(shim.now_ns, 0, 2);
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
	assert_int_equal(state_of(&map)->counts.gen, 0);
	assert_true(state_of(&map)->counts.flags & MAP_SHARED);
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
	assert_int_equal(state_of(&map)->counts.gen, 1);
	assert_int_equal(state_of(&map)->counts.ops[OP_DELETE], 0);
	assert_int_equal(state_of(&map)->counts.flags & MAP_SHARED, 0);
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
	assert_int_equal(state_of(&map)->counts.seed, 12);
	shim.now_ns += 10 * MS;
	hit(&g1, &map, OP_READ, 0x10);
	assert_int_equal(state_of(&map)->seed_stale_ns, 0);
	assert_int_equal(state_of(&map)->counts.gen, 0);
	map.hash0 = 13; /* and now it is another map */
	hit(&g2, &map, OP_READ, 0x10);
	assert_int_equal(state_of(&map)->counts.gen, 1);
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
	assert_int_equal(state_of(&map)->counts.gen, 1);
}

static void born(struct fake_g *g, struct fake_map *map, __u64 caller)
{
	__u64 stack[1] = {caller};
	struct pt_regs regs = {
	        .r14 = (unsigned long)g, .ax = (unsigned long)map, .sp = (unsigned long)stack};

	shim.cookie = COOKIE(0xffff, PROBE_BIRTH, 0, ARGS_RESULT, PROBE_AT_RET, 0);
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
	assert_int_equal(state_of(&map)->counts.gen, 1);
	assert_int_equal(state_of(&map)->counts.seed, 12);
	assert_int_equal(state_of(&map)->counts.ops[OP_WRITE], 0);
	assert_int_equal(state_of(&map)->counts.ops[OP_READ], 1);
	assert_int_equal(state_of(&map)->counts.flags & MAP_SHARED, 0);
	assert_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_reused_address_is_a_new_map),
	        T(test_row_is_not_whole_between_two_maps),
	        T(test_busy_ring_is_told_of_no_own_map),
	        T(test_busy_ring_is_told_of_shared_maps),
	        T(test_busy_ring_is_told_of_maps_told_before),
	        T(test_busy_ring_is_told_of_maps_during_a_scan),
	        T(test_busy_ring_is_not_told_of_maps_made_since),
	        T(test_seed_renewed_by_delete_is_the_same_map),
	        T(test_reused_address_of_an_emptied_map),
	        T(test_birth_is_told),
	        T(test_birth_ends_the_map_before),
	        T(test_seed_follows_a_goroutine_that_empties_its_map),
	        T(test_delete_that_leaves_entries_keeps_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Unordered pairs, counts of pairs and guards of the model. */
#include "tests/unit/model/model_events.h"

static struct access reader_of(uint64_t addr)
{
	return access_at(addr, OP_READ, 7, 0x1001, 3);
}

static struct access writer_of(uint64_t addr)
{
	return access_at(addr, OP_WRITE, 8, 0x2002, 5);
}

static void pair_send(struct model *model, uint64_t addr, uint64_t gap_ns)
{
	struct access first = reader_of(addr), second = writer_of(addr);

	first.time_ns = now - gap_ns;
	unordered_send(model, 0, first, second);
}

/* ---- unordered pairs ----------------------------------------------------------------- */

static void test_unordered_sides(void **state)
{
	struct model *model = model_new();
	struct conflict_row *row;

	(void)state;
	pair_send(model, 0xa0, 1200000); /* before any EVENT_MAP */
	row = only_conflict(model);
	assert_int_equal(row->evidence, EVIDENCE_UNORDERED);
	assert_string_equal(conflict_evidence_name(row->evidence), "unordered");
	assert_int_equal(row->kind, CONFLICT_READ_WRITE);
	assert_int_equal(row->count, 1);
	assert_int_equal(row->gap_ns, 1200000);
	assert_int_equal(row->hold_ns, 0);
	assert_int_equal(row->a.access.goid, 7);
	assert_int_equal(row->a.chain_length, 3);
	assert_int_equal(row->b.chain_length, 5);
	assert_string_equal(row->b.chain[0].function, "main.writer");
	assert_int_equal(row->first_ns, START);
	assert_null(row->sightings);
	assert_false(row->also_overlaps);

	now += SECOND;
	pair_send(model, 0xa0, 3000);
	assert_ptr_equal(only_conflict(model), row);
	assert_int_equal(row->count, 2);
	assert_int_equal(row->gap_ns, 3000);
	assert_int_equal(row->first_ns, START);
	assert_int_equal(row->last_ns, START + SECOND);
	assert_int_equal(model_unordered_total(model), 2);
	model_destroy(model);
}

static void test_unordered_by_time(void **state)
{
	struct model *model = model_new();
	const struct map_row *map;
	uint32_t tick_now;

	(void)state;
	tick(model, 1);
	pair_send(model, 0xa0, 1000);
	pair_send(model, 0xa0, 1000);
	tick(model, 1);
	tick(model, 1);
	map = only_map(model);
	tick_now = model_clock(model)->tick;
	assert_non_null(map->timeline);
	assert_true(timeline_at(map->timeline, tick_now - 1, TIMELINE_UNORDERED) == 2);
	assert_true(timeline_at(map->timeline, tick_now, TIMELINE_UNORDERED) == 0);
	assert_true(timeline_at(map->timeline, tick_now - 1, TIMELINE_CONFLICTS) == 0);
	model_destroy(model);
}

/* It is a finding, and no conflict: not in the map's count, not in its heat, in no total. */
static void test_unordered_is_no_conflict(void **state)
{
	struct model *model = model_new();
	const struct model_totals *totals;
	size_t verdicts[VERDICT_COUNT];
	struct map_row *map;

	(void)state;
	assert_false(model_has_finding(model));
	pair_send(model, 0xa0, 0);
	tick(model, 1);
	map = only_map(model);
	assert_int_equal(map->verdict, VERDICT_UNORDERED);
	assert_string_equal(map_verdict_name(map->verdict), "unordered");
	assert_int_equal(map->goroutines, 2);
	assert_int_equal(map->conflicts, 0);
	assert_int_equal(map->order.unordered, 1);
	assert_int_equal(pair_counts_all(&map->order), 1);
	for (int d = 0; d < STACK_DEPTH_MAX; d++)
		assert_int_equal(map->heat_depth[d], 0);
	assert_int_equal(map->chain_count, 2);
	assert_int_equal(map->chains[0].conflicts + map->chains[1].conflicts, 0);
	assert_int_equal(model_conflict_total(model), 0);
	assert_false(model_has_conflict(model));
	assert_true(model_has_finding(model));
	assert_int_equal(model_totals(model, &totals, 1), 1);
	assert_int_equal(totals->conflicts, 0);
	assert_int_equal(totals->sightings[CONFLICT_READ_WRITE], 0);
	assert_int_equal(totals->order.unordered, 1);
	model_verdicts(model, verdicts);
	assert_int_equal(verdicts[VERDICT_UNORDERED], 1);
	model_destroy(model);
}

/* An overlap of the same lines, whichever comes first, is the stronger word: both rows stay, and
 * people are told of one. */
static void test_unordered_and_overlap(void **state)
{
	(void)state;
	for (int overlap_first = 0; overlap_first < 2; overlap_first++) {
		struct model *model = model_new();
		struct conflict_row *rows[4];
		size_t told;

		for (int i = 0; i < 2; i++) {
			if (i == overlap_first)
				pair_send(model, 0xa0, 0);
			else
				overlap_send(model, 0, writer_of(0xa0), reader_of(0xa0));
		}
		pair_send(model, 0xb0, 0);
		pair_send(model, 0xb0, 0);
		assert_int_equal(model_conflicts(model, NULL, rows, 4), 3);
		assert_int_equal(rows[0]->evidence, EVIDENCE_UNORDERED); /* most frequent first */
		assert_int_equal(model_findings(model, NULL, rows, 4, &told), 3);
		assert_int_equal(told, 2);
		assert_int_equal(rows[0]->evidence, EVIDENCE_OVERLAP);
		assert_int_equal(rows[1]->map->addr, 0xb0);
		assert_false(rows[1]->also_overlaps);
		assert_int_equal(rows[2]->evidence, EVIDENCE_UNORDERED);
		assert_true(rows[2]->also_overlaps);
		assert_int_equal(rows[0]->map->verdict, VERDICT_CONFLICT);
		assert_int_equal(rows[0]->map->conflicts, 1);
		assert_int_equal(rows[1]->map->verdict, VERDICT_UNORDERED);
		model_destroy(model);
	}
}

/* Events of another map, or in which the operations say another kind, are another pair. */
static void test_unordered_beside_overlap(void **state)
{
	struct model *model = model_new();
	struct access iterate = reader_of(0xa0);
	struct conflict_row *rows[3];
	size_t told;

	(void)state;
	iterate.op = OP_ITERATE;
	overlap_send(model, 0, iterate, writer_of(0xa0));
	pair_send(model, 0xa0, 0);
	assert_int_equal(model_findings(model, only_map(model), rows, 3, &told), 2);
	assert_int_equal(told, 2);
	model_destroy(model);
}

static void test_unordered_without_room(void **state)
{
	struct model *model = model_small(1, 1, 1);

	(void)state;
	for (uint64_t i = 1; i <= 50; i++)
		pair_send(model, i * 0x100, 0);
	assert_int_equal(model_unordered_total(model), 50);
	assert_int_equal(model_conflict_count(model), 1);
	assert_true(model_dropped(model) > 0);
	model_destroy(model);
}

static void test_unordered_malformed(void **state)
{
	static struct event_unordered event;
	struct model *model = model_new();

	(void)state;
	header_set(&event.h, EVENT_UNORDERED, sizeof(event));
	event.first = reader_of(0xa0);
	event.second = writer_of(0xa0);
	event.second.op = OP_COUNT;
	assert_int_equal(model_apply(model, &event.h), -EINVAL);
	event.second.op = OP_WRITE;
	event.first.depth = STACK_DEPTH_MAX + 1;
	assert_int_equal(model_apply(model, &event.h), -EINVAL);
	event.h.size = sizeof(struct event_header);
	assert_int_equal(model_apply(model, &event.h), -EINVAL);
	header_set(&event.h, EVENT_ORDER, sizeof(struct event_order) - 8);
	assert_int_equal(model_apply(model, &event.h), -EINVAL);
	assert_int_equal(model_map_count(model), 0);
	model_destroy(model);
}

/* ---- counts of pairs ----------------------------------------------------------------- */

static void test_counts(void **state)
{
	struct event_order counts = {
	        .pairs = 100, .under_lock = 60, .ordered = 20, .unknown = 10, .unordered = 0};
	const struct model_totals *totals;
	struct model *model = model_new();
	struct pair_counts *order;

	(void)state;
	order_send(model, 0xa0, &counts);
	order_send(model, 0xa0, &counts); /* absolute */
	order = &only_map(model)->order;
	assert_int_equal(order->pairs, 100);
	assert_int_equal(order->under_lock, 60);
	assert_int_equal(order->ordered, 20);
	assert_int_equal(order->unknown, 10);
	assert_int_equal(only_map(model)->verdict, VERDICT_LOCAL);
	counts.ordered = 5; /* went down: they began again */
	counts.pairs = 200;
	order_send(model, 0xa0, &counts);
	assert_int_equal(order->pairs, 200);
	assert_int_equal(order->ordered, 25);
	order_send(model, 0xb0, &counts);
	model_totals(model, &totals, 1);
	assert_int_equal(totals->order.pairs, 400);
	assert_int_equal(totals->order.under_lock, 120);
	model_destroy(model);
}

/* The events come before the counts, and some are lost: the larger figure is the true one. */
static void test_unordered_lost_on_the_way(void **state)
{
	struct model *model = model_new();
	struct event_order counts = {.pairs = 1, .unordered = 1};

	(void)state;
	pair_send(model, 0xa0, 0);
	order_send(model, 0xa0, &counts);
	assert_int_equal(only_map(model)->order.unordered, 1);
	counts.pairs = counts.unordered = 5;
	order_send(model, 0xa0, &counts);
	assert_int_equal(only_map(model)->order.unordered, 5);
	assert_int_equal(model_unordered_total(model), 5);
	pair_send(model, 0xa0, 0);
	assert_int_equal(model_unordered_total(model), 5);
	/* A map whose every event was lost has the verdict all the same. */
	order_send(model, 0xb0, &counts);
	assert_int_equal(model_unordered_total(model), 10);
	assert_int_equal(model_conflict_count(model), 1);
	model_destroy(model);
}

static void test_reset(void **state)
{
	struct model *model = model_new();
	struct event_order counts = {.pairs = 9, .under_lock = 4, .unordered = 5};
	const struct model_totals *totals;
	struct map_row *map;

	(void)state;
	pair_send(model, 0xa0, 0);
	order_send(model, 0xa0, &counts);
	map = only_map(model);
	model_reset(model);
	assert_int_equal(model_unordered_total(model), 0);
	assert_false(model_has_finding(model));
	assert_int_equal(model_conflict_count(model), 0);
	assert_int_equal(map->order.unordered, 0);
	assert_int_equal(map->past_unordered, 5);
	order_send(model, 0xa0, &counts); /* nothing new */
	assert_false(model_has_finding(model));
	counts.unordered = 6;
	counts.pairs = 10;
	order_send(model, 0xa0, &counts);
	assert_int_equal(map->order.unordered, 1);
	assert_int_equal(map->order.under_lock, 0);
	assert_int_equal(map->verdict, VERDICT_UNORDERED);
	model_totals(model, &totals, 1);
	assert_int_equal(totals->order.unordered, 6);
	model_destroy(model);
}

/* Rows of one family become one: pairs of the same lines, counts, what is proven by now. */
static void test_fold(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {
	        .ops = {5}, .type = 0x99, .first_caller = 0x1002, .flags = MAP_SHARED};
	struct conflict_row *rows[4];
	struct map_row *map;
	size_t told;

	(void)state;
	for (uint64_t i = 1; i <= MODEL_FAMILY_MAPS + 1; i++) {
		uint64_t addr = 0x100 * i;

		map_send(model, addr, &counts, ROW_GOES_ON);
		if (i == 3)
			overlap_send(model, 0, reader_of(addr), writer_of(addr));
		else if (i < 6)
			pair_send(model, addr, i);
		order_send(model, addr,
		           &(struct event_order){
		                   .pairs = 2, .guard_accesses = 50, .guard_lock = 0xc0});
	}
	map_send(model, 0x9000, &counts, ROW_GOES_ON);
	map = only_map(model);
	assert_int_equal(map->maps, MODEL_FAMILY_MAPS + 2);
	assert_int_equal(map->order.unordered, 4);
	assert_int_equal(map->order.pairs, 2 * (MODEL_FAMILY_MAPS + 1));
	assert_int_equal(map->guard.accesses, 0);
	assert_int_equal(model_findings(model, map, rows, 4, &told), 2);
	assert_int_equal(told, 1);
	assert_int_equal(rows[1]->count, 4);
	assert_true(rows[1]->also_overlaps);
	order_send(model, 0x100, &(struct event_order){.pairs = 3, .guard_accesses = 60});
	assert_int_equal(map->order.pairs, 2 * (MODEL_FAMILY_MAPS + 1) + 1);
	assert_int_equal(map->guard.accesses, 0);
	model_destroy(model);
}

/* A row with a finding is not given up for the sake of maps that nothing happened to. */
static void test_row_is_kept(void **state)
{
	struct model *model = model_small(8, 8, 8);
	struct map_counts counts = {.ops = {1}};
	size_t verdicts[VERDICT_COUNT];

	(void)state;
	pair_send(model, 0xa0, 0);
	map_send(model, 0xa0, &counts, ROW_GONE);
	for (uint64_t i = 1; i < 400; i++) {
		map_send(model, 0x1000 * i, &counts, ROW_GONE);
		tick(model, 1);
	}
	model_verdicts(model, verdicts);
	assert_int_equal(verdicts[VERDICT_UNORDERED], 1);
	model_destroy(model);
}

/* ---- guards -------------------------------------------------------------------------- */

static void test_guard(void **state)
{
	struct model *model = model_new();
	struct event_order counts = {.guard_accesses = GUARD_KNOWN - 1,
	                             .guard_lock = 0xc000,
	                             .guard_place = 0x2011,
	                             .guard_bare_place = 0x1007};
	const struct map_guard *guard;
	uint32_t version;

	(void)state;
	order_send(model, 0xa0, &counts);
	guard = &only_map(model)->guard;
	assert_false(map_guard_known(guard));
	counts.guard_accesses = 1204;
	counts.guard_bare = 4;
	version = only_map(model)->names_version;
	order_send(model, 0xa0, &counts);
	assert_true(map_guard_known(guard));
	assert_int_equal(guard->accesses, 1204);
	assert_int_equal(guard->bare, 4);
	assert_int_equal(guard->lock, 0xc000);
	assert_string_equal(guard->taken.function, "main.writer");
	assert_int_equal(guard->taken.line, 0x11);
	assert_string_equal(guard->bare_at.function, "main.reader");
	assert_int_equal(only_map(model)->names_version, version);
	counts.guard_place = 0x8011; /* in sync itself: nobody would look there */
	counts.guard_bare_place = 0;
	order_send(model, 0xa0, &counts);
	assert_null(guard->taken.function);
	assert_int_equal(guard->taken.pc, 0x8011);
	assert_null(guard->bare_at.function);
	assert_int_not_equal(only_map(model)->names_version, version);
	model_reset(model);
	assert_int_equal(guard->accesses, 1204); /* no count of ours */
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_unordered_sides),
	        cmocka_unit_test(test_unordered_by_time),
	        cmocka_unit_test(test_unordered_is_no_conflict),
	        cmocka_unit_test(test_unordered_and_overlap),
	        cmocka_unit_test(test_unordered_beside_overlap),
	        cmocka_unit_test(test_unordered_without_room),
	        cmocka_unit_test(test_unordered_malformed),
	        cmocka_unit_test(test_counts),
	        cmocka_unit_test(test_unordered_lost_on_the_way),
	        cmocka_unit_test(test_reset),
	        cmocka_unit_test(test_fold),
	        cmocka_unit_test(test_row_is_kept),
	        cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

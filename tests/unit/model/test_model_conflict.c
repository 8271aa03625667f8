/* SPDX-License-Identifier: MIT */
/* Conflicts, call chains and crashes of the model. */
#include "tests/unit/model/model_events.h"

/* ---- conflicts ----------------------------------------------------------------------- */

static void test_conflict_sides(void **state)
{
	struct model *model = model_new();
	struct access reader = access_at(0xa0, OP_READ, 7, 0x1001, 3);
	struct access writer = access_at(0xa0, OP_WRITE, 8, 0x2002, 5);
	struct conflict_row *row;

	(void)state;
	overlap_send(model, 0, reader, writer); /* before any EVENT_MAP */
	row = only_conflict(model);
	assert_int_equal(row->number, 1);
	assert_int_equal(row->kind, CONFLICT_READ_WRITE);
	assert_int_equal(row->evidence, EVIDENCE_OVERLAP);
	assert_int_equal(row->count, 1);
	assert_int_equal(row->hold_ns, 100000);
	assert_int_equal(row->after_ns, 60000);
	assert_int_equal(row->a.access.goid, 7);
	assert_int_equal(row->a.chain_length, 3);
	assert_string_equal(row->a.chain[0].function, "main.reader");
	assert_string_equal(row->a.runtime_function, "runtime.mapassign_fast64");
	assert_string_equal(row->b.created_by.function, "main.goer");
	assert_string_equal(row->b.first_function, "main.worker");
	assert_int_equal(row->b.access.goid, 8);
	assert_int_equal(row->b.chain_length, 5);
	assert_string_equal(row->map->type, "map[string]int");
	assert_int_equal(row->map->goroutines, 2);
	assert_int_equal(row->map->verdict, VERDICT_CONFLICT);
	assert_int_equal(row->map->heat_depth[4], 1);

	now += SECOND; /* the other way round: the same conflict, the latest sighting's sides */
	writer.goid = 18;
	overlap_send(model, 0, writer, reader);
	assert_ptr_equal(only_conflict(model), row);
	assert_int_equal(row->count, 2);
	assert_int_equal(row->a.access.goid, 18);
	assert_string_equal(row->a.chain[0].function, "main.writer");
	assert_int_equal(row->b.access.goid, 7);
	assert_int_equal(row->first_ns, START);
	assert_int_equal(row->last_ns, START + SECOND);

	/* Other frames further up are the same pair of lines; another line is not. */
	overlap_send(model, 0, access_at(0xa0, OP_READ, 7, 0x1001, 9), writer);
	assert_int_equal(only_conflict(model)->count, 3);
	overlap_send(model, 0, access_at(0xa0, OP_READ, 7, 0x1002, 9), writer);
	assert_int_equal(model_conflict_count(model), 2);
	assert_int_equal(only_map(model)->conflicts, 4);
	model_destroy(model);
}

static void test_conflict_kinds(void **state)
{
	static const struct {
		enum map_op a, b;
		enum conflict_kind kind;
	} cases[] = {
	        {OP_READ, OP_WRITE, CONFLICT_READ_WRITE},
	        {OP_DELETE, OP_READ, CONFLICT_READ_WRITE},
	        {OP_CLEAR, OP_READ, CONFLICT_READ_WRITE},
	        {OP_WRITE, OP_WRITE, CONFLICT_WRITE_WRITE},
	        {OP_DELETE, OP_CLEAR, CONFLICT_WRITE_WRITE},
	        {OP_ITERATE, OP_WRITE, CONFLICT_ITERATE_WRITE},
	        {OP_DELETE, OP_ITERATE, CONFLICT_ITERATE_WRITE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model *model = model_new();

		overlap_send(model, 0, access_at(0xa0, cases[i].a, 1, 0x1001, 2),
		             access_at(0xa0, cases[i].b, 2, 0x2001, 2));
		assert_int_equal(only_conflict(model)->kind, cases[i].kind);
		model_destroy(model);
	}
}

/* The kernel counted more than arrived: the larger figure is the true one. */
static void test_conflicts_lost_on_the_way(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .flags = MAP_SHARED | MAP_CHANGED};

	(void)state;
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	counts.conflicts = 1;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(only_map(model)->conflicts, 1);
	counts.conflicts = 5;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(only_map(model)->conflicts, 5);
	assert_int_equal(model_conflict_total(model), 5);
	for (int i = 0; i < 3; i++)
		overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
		             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(only_map(model)->conflicts, 5);
	/* A map whose every overlap was lost is in conflict all the same. */
	map_send(model, 0xb0, &counts, ROW_GOES_ON);
	assert_int_equal(model_conflict_total(model), 10);
	assert_int_equal(model_conflict_count(model), 1);
	model_destroy(model);
}

static void test_conflict_rate(void **state)
{
	struct model *model = model_new();

	(void)state;
	for (int i = 0; i < 40; i++) {
		for (int n = 0; n < 4; n++)
			overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
			             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
		tick(model, 2);
	}
	assert_true(fabs(only_conflict(model)->rate - 2) < 0.01);
	assert_true(fabs(only_map(model)->conflict_rate - 2) < 0.01);
	assert_true(fabs((double)only_map(model)->heat_rate[1] - 2) < 0.01);
	for (int i = 0; i < 40; i++)
		tick(model, 2);
	assert_near(only_conflict(model)->rate, 0);
	assert_near(only_map(model)->conflict_rate, 0);
	assert_int_equal(only_map(model)->heat_depth[1], 160);
	model_destroy(model);
}

static void test_chains(void **state)
{
	struct model *model = model_new();
	struct map_row *row;

	(void)state;
	for (int i = 0; i < 5; i++)
		stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 3));
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 4));
	stall_send(model, 0, access_at(0xa0, OP_WRITE, 1, 0x1001, 3));
	row = only_map(model);
	assert_int_equal(row->chain_count, 3);
	model_sort_chains(row);
	assert_int_equal(row->chains[0].count, 5);
	assert_int_equal(row->chains[0].chain_length, 3);
	assert_int_equal(row->chains[0].op, OP_READ);
	assert_int_equal(row->stalls, 0); /* the figure comes with EVENT_MAP, not from here */
	/* A full table lets go of chains that came once, never of a frequent one. */
	for (uint64_t i = 0; i < 500; i++)
		stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1100 + i, 2));
	model_sort_chains(row);
	assert_true(row->chain_count <= 64);
	assert_int_equal(row->chains[0].count, 5);
	assert_int_equal(model_map_count(model), 1);
	model_destroy(model);
}

/* The first function called the map function, and the walk went past it: a probe on `jbe`. */
static void test_complete_chain_without_its_caller(void **state)
{
	static const struct {
		uint64_t caller;
		uint16_t depth;
		bool complete;
	} cases[] = {{0x7005, 3, true}, {0x7005, 4, false}, {0x2005, 3, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model *model = model_new();
		struct access access = access_at(0xa0, OP_READ, 1, 0x1001, cases[i].depth);

		access.startpc = 0x7000;
		access.caller = cases[i].caller;
		access.depth = cases[i].depth;
		for (int n = 1; n < cases[i].depth; n++)
			access.stack[n] = 0x4001;
		stall_send(model, 0, access);
		assert_int_equal(only_map(model)->chains[0].complete, cases[i].complete);
		model_destroy(model);
	}
}

/* A chain is complete when the goroutine's first function is at its bottom, above
 * runtime.goexit. */
static void test_complete_chains(void **state)
{
	static const struct {
		uint64_t startpc, bottom;
		bool truncated, complete;
	} cases[] = {{0x7000, 0x7005, false, true},
	             {0x7000, 0x7005, true, false},
	             {0x7000, 0x2005, false, false},
	             {0x8000, 0x7005, false, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model *model = model_new();
		struct access access = access_at(0xa0, OP_READ, 1, 0x1001, 6);

		access.startpc = cases[i].startpc;
		access.stack[4] = cases[i].bottom;
		access.stack[5] = 0x4001;
		access.truncated = cases[i].truncated;
		stall_send(model, 0, access);
		assert_int_equal(only_map(model)->chain_count, 1);
		assert_int_equal(only_map(model)->chains[0].complete, cases[i].complete);
		assert_int_equal(only_map(model)->chains[0].truncated, cases[i].truncated);
		if (cases[i].startpc == 0x7000)
			assert_string_equal(only_map(model)->chains[0].first_function,
			                    "main.worker");
		else
			assert_null(only_map(model)->chains[0].first_function);
		model_destroy(model);
	}
}

/* ---- crashes ------------------------------------------------------------------------- */

static void test_crash_on_known_map(void **state)
{
	struct model *model = model_new();
	struct target_row target = {.tgid = PID}, *targets;
	struct event_process event = {.state = PROCESS_EXITED};
	struct map_counts counts = {.ops = {1}, .gen = 3};
	struct crash_row *crash;
	struct conflict_row *row;

	(void)state;
	assert_int_equal(model_target_add(model, &target), 0);
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	crash_send(model, "concurrent map read and map write", 0xa0);
	assert_int_equal(model_crashes(model, &crash, 1), 1);
	assert_ptr_equal(crash->map, only_map(model));
	assert_string_equal(crash->message, "concurrent map read and map write");
	assert_int_equal(crash->side.access.goid, 9);
	row = only_conflict(model);
	assert_int_equal(row->evidence, EVIDENCE_FATAL);
	assert_int_equal(row->kind, CONFLICT_READ_WRITE);
	assert_string_equal(row->a.chain[0].function, "main.writer");
	assert_int_equal(row->b.chain_length, 0);
	assert_int_equal(only_map(model)->conflicts, 1);
	assert_int_equal(only_map(model)->verdict, VERDICT_CONFLICT);
	header_set(&event.h, EVENT_PROCESS, sizeof(event));
	apply(model, &event.h);
	model_targets(model, &targets, 1);
	assert_int_equal(targets->state, PROCESS_CRASHED); /* that it ended too is no news */
	model_destroy(model);
}

static void test_crash_before_the_map_is_known(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .gen = 3};

	(void)state;
	crash_send(model, "concurrent map writes", 0xa0);
	assert_int_equal(model_conflict_total(model), 0);
	map_send(model, 0xa0, &counts, ROW_RETIRED);
	assert_int_equal(only_conflict(model)->kind, CONFLICT_WRITE_WRITE);
	assert_int_equal(model_conflict_total(model), 1);
	/* Counts that never come: the conflict is a fact all the same. */
	crash_send(model, "concurrent map iteration and map write", 0xb0);
	tick(model, 1);
	assert_int_equal(model_conflict_total(model), 2);
	assert_int_equal(model_map_count(model), 2);
	model_destroy(model);
}

static void test_crash_of_another_kind(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}};
	struct crash_row *crash[80];

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	crash_send(model, "all goroutines are asleep - deadlock!", 0xa0);
	assert_false(model_has_conflict(model));
	crash_send(model, "concurrent map writes", 0);
	tick(model, 1);
	assert_int_equal(model_crashes(model, crash, 80), 2);
	assert_ptr_equal(crash[0]->map, only_map(model));
	assert_null(crash[1]->map);
	assert_int_equal(model_conflict_total(model), 0);
	assert_true(model_has_conflict(model));
	for (int i = 0; i < 100; i++)
		crash_send(model, "stack overflow", 0xe0);
	assert_true(model_crashes(model, crash, 80) <= 80);
	assert_true(model_dropped(model) > 0);
	model_destroy(model);
}

/* A process dies once. What becomes known of its map later is no conflict of after the reset. */
static void test_crash_is_kept_over_a_reset(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .gen = 3};
	struct crash_row *crash[2];

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	crash_send(model, "concurrent map read and map write", 0xa0);
	crash_send(model, "concurrent map writes", 0xb0);
	model_reset(model);
	assert_int_equal(model_crashes(model, crash, 2), 2);
	assert_string_equal(crash[0]->message, "concurrent map read and map write");
	assert_string_equal(crash[0]->side.chain[0].function, "main.writer");
	assert_null(crash[0]->map);
	assert_int_equal(model_conflict_total(model), 0);
	assert_true(model_has_conflict(model));
	map_send(model, 0xb0, &counts, ROW_GOES_ON);
	tick(model, 1);
	assert_int_equal(model_conflict_total(model), 0);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_conflict_sides),
	        cmocka_unit_test(test_conflict_kinds),
	        cmocka_unit_test(test_conflicts_lost_on_the_way),
	        cmocka_unit_test(test_conflict_rate),
	        cmocka_unit_test(test_crash_is_kept_over_a_reset),
	        cmocka_unit_test(test_chains),
	        cmocka_unit_test(test_complete_chain_without_its_caller),
	        cmocka_unit_test(test_complete_chains),
	        cmocka_unit_test(test_crash_on_known_map),
	        cmocka_unit_test(test_crash_before_the_map_is_known),
	        cmocka_unit_test(test_crash_of_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Maps of the model and their families. */
#include "tests/unit/model/model_events.h"

#include "core/model/expectation.h"

/* ---- maps ---------------------------------------------------------------------------- */

static void test_counts_and_rates(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {10, 4, 2, 1, 3},
	                            .type = 0x99,
	                            .first_caller = 0x100c,
	                            .holds = 2,
	                            .hold_ns = {1000000, 500000}};
	struct map_row *row;

	(void)state;
	tick(model, 1);
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	tick(model, 2);
	row = only_map(model);
	assert_int_equal(row->number, 1);
	assert_int_equal(row->tgid, PID);
	assert_int_equal(row->addr, 0xa0);
	assert_string_equal(row->type, "map[string]int");
	assert_string_equal(row->first_use.function, "main.reader");
	assert_int_equal(row->first_use.line, 12);
	assert_int_equal(row->length, -1);
	assert_int_equal(row->maps, 1);
	assert_int_equal(row->ops[OP_READ], 10);
	assert_int_equal(row->ops[OP_ITERATE], 3);
	assert_near(row->rate[OP_READ], 5);
	assert_near(row->rate[OP_CLEAR], 0.5);
	assert_int_equal(row->stalls, 2);
	assert_near(row->stall_seconds, 0.0015);
	counts.ops[OP_READ] = 40;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	map_send(model, 0xa0, &counts, ROW_GOES_ON); /* absolute: saying it twice changes nothing */
	tick(model, 1);
	assert_int_equal(row->ops[OP_READ], 40);
	assert_int_equal(row->ops[OP_WRITE], 4);
	assert_int_equal(row->stalls, 2);
	assert_near(row->rate[OP_READ], 30);
	assert_near(row->rate[OP_WRITE], 0);
	tick(model, 1);
	assert_near(row->rate[OP_READ], 0);
	model_destroy(model);
}

/* ---- rates ---------------------------------------------------------------------------- */

/* One second in which the probes counted for so many milliseconds of windows. */
static void second_pass(struct model *model, struct map_counts *counts,
                        struct event_coverage *coverage, int sampled_ms)
{
	coverage->armed_ns += (uint64_t)sampled_ms * 1000000;
	coverage->sampled_ns += (uint64_t)sampled_ms * 1000000;
	coverage->watched_ns += SECOND;
	map_send(model, 0xa0, counts, ROW_GOES_ON);
	header_set(&coverage->h, EVENT_COVERAGE, sizeof(*coverage));
	apply(model, &coverage->h);
	tick(model, 1);
}

/* A thousand reads a second, seen in windows a twenty-fifth of the time; and all of them while
 * their call is probed, which is half of each third second. Those are no part of the rate, and
 * neither is a window of order probes in which the program was slower. */
static void test_rate_counts_windows_only(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.type = 0x99, .first_caller = 0x100c};
	struct event_coverage coverage = {0};

	(void)state;
	for (int second = 0; second < 60; second++) {
		int outside = second % 3 ? 0 : 500;

		counts.ops[OP_READ] += outside + 40;
		counts.outside[OP_READ] += outside;
		coverage.armed_ns += 100000000;
		second_pass(model, &counts, &coverage, 40);
		assert_near(only_map(model)->rate[OP_READ], 1000);
		assert_true(only_map(model)->rate_estimated);
	}
	model_destroy(model);
}

/* Windows of 5 to 13 ms, each of which sees as much as it happens to: the figure does not swing. */
static void test_rate_is_steady(void **state)
{
	static const int ms[] = {5, 13, 8, 0, 11}, ops[] = {160, 200, 100, 0, 280};
	struct model *model = model_new();
	struct map_counts counts = {.type = 0x99, .first_caller = 0x100c};
	struct event_coverage coverage = {0};

	(void)state;
	for (int second = 0; second < 60; second++) {
		counts.ops[OP_READ] += (uint64_t)ops[second % 5];
		second_pass(model, &counts, &coverage, ms[second % 5]);
		if (second < 5)
			continue;
		assert_true(only_map(model)->rate[OP_READ] > 17000);
		assert_true(only_map(model)->rate[OP_READ] < 23000);
	}
	model_destroy(model);
}

/* Four times the load: the rate is there after a few windows, however long they were before. */
static void test_rate_follows_the_load(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.type = 0x99, .first_caller = 0x100c};
	struct event_coverage coverage = {0};

	(void)state;
	for (int second = 0; second < 20; second++) {
		counts.ops[OP_READ] += 1000;
		second_pass(model, &counts, &coverage, 1000);
	}
	assert_near(only_map(model)->rate[OP_READ], 1000);
	assert_false(only_map(model)->rate_estimated);
	for (int second = 0; second < 8; second++) {
		counts.ops[OP_READ] += 40;
		second_pass(model, &counts, &coverage, 10);
	}
	assert_true(only_map(model)->rate[OP_READ] > 3000);
	assert_true(only_map(model)->rate[OP_READ] < 4001);
	model_destroy(model);
}

/* A rate means now: of a process that has ended it is 0, also where no window came since. */
static void test_rate_ends_with_the_process(void **state)
{
	struct model *model = model_new();
	struct target_row target = {.tgid = PID, .state = PROCESS_RUNNING};
	struct event_process end = {.state = PROCESS_EXITED};
	struct map_counts counts = {.type = 0x99, .first_caller = 0x100c};
	struct event_coverage coverage = {0};

	(void)state;
	assert_int_equal(model_target_add(model, &target), 0);
	for (int second = 0; second < 5; second++) {
		counts.ops[OP_READ] += 40;
		coverage.value[COVERAGE_COUNTED] += 40;
		second_pass(model, &counts, &coverage, 10);
	}
	assert_near(model_coverage(model)->ops_rate, 4000);
	second_pass(model, &counts, &coverage, 0);
	assert_near(only_map(model)->rate[OP_READ], 4000);
	assert_false(model_coverage(model)->rate_seen); /* nothing new is known */
	header_set(&end.h, EVENT_PROCESS, sizeof(end));
	end.h.tgid = PID;
	apply(model, &end.h);
	second_pass(model, &counts, &coverage, 0);
	assert_near(only_map(model)->rate[OP_READ], 0);
	assert_near(model_coverage(model)->ops_rate, 0);
	model_destroy(model);
}

/* ---- types, verdicts ------------------------------------------------------------------ */

/* In generic code a map goes by the type of its memory's shape; whoever knows better is
 * believed. */
static void test_type_of_a_shape(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x98};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	assert_string_equal(row->type, "map[go.shape.string_0]go.shape.int_1");
	counts.type = 0x99;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_string_equal(row->type, "map[string]int");
	counts.type = 0x98;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_string_equal(row->type, "map[string]int");
	assert_int_equal(row->type_addr, 0x99);
	model_destroy(model);
}

static void test_verdicts(void **state)
{
	static const struct {
		uint32_t flags;
		uint64_t held[2], control_ns[2], arrivals[2];
		enum map_verdict verdict;
		double expected;
	} cases[] = {
	        {0, {0}, {0}, {0}, VERDICT_LOCAL, 0},
	        {MAP_CHANGED, {0}, {0}, {0}, VERDICT_LOCAL, 0},
	        {MAP_SHARED, {0}, {0}, {0}, VERDICT_SHARED, 0},
	        {MAP_SHARED, {SECOND, 0}, {SECOND, 0}, {100, 0}, VERDICT_SHARED, 100},
	        {MAP_SHARED | MAP_CHANGED, {0}, {0}, {0}, VERDICT_SUSPECT, 0},
	        /* 2 ms x 2000/s + 1 ms x 990/s = 4.99 */
	        {MAP_SHARED | MAP_CHANGED,
	         {2000000, 1000000},
	         {10000000, 100000000},
	         {20, 99},
	         VERDICT_SUSPECT,
	         4.99},
	        {MAP_SHARED | MAP_CHANGED,
	         {2000000, 1000000},
	         {10000000, 100000000},
	         {20, 100},
	         VERDICT_GUARDED,
	         5.0},
	        /* held, but no experiment yet: nothing can be expected */
	        {MAP_SHARED | MAP_CHANGED, {SECOND, SECOND}, {0}, {50, 50}, VERDICT_SUSPECT, 0},
	};
	struct model *model = model_new();
	struct map_row *rows[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct map_counts counts = {.ops = {1}, .flags = cases[i].flags};

		memcpy(counts.hold_ns, cases[i].held, sizeof(cases[i].held));
		memcpy(counts.control_ns, cases[i].control_ns, sizeof(cases[i].held));
		memcpy(counts.control_arrivals, cases[i].arrivals, sizeof(cases[i].held));
		map_send(model, 0x100 + i, &counts, ROW_GOES_ON);
		assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 16), i + 1);
		assert_int_equal(rows[i]->verdict, cases[i].verdict);
		assert_near(rows[i]->expected_overlaps, cases[i].expected);
	}
	/* One overlap outweighs any expectation. */
	overlap_send(model, 0, access_at(0x106, OP_READ, 1, 0x1001, 2),
	             access_at(0x106, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(rows[6]->verdict, VERDICT_CONFLICT);
	tick(model, 1);
	assert_int_equal(rows[6]->verdict, VERDICT_CONFLICT);
	model_destroy(model);
}

/* A busy time and a quiet one: what was expected of the holds in the first stays, and those in the
 * second, when others hardly come, add hardly anything. */
static void test_expected_never_goes_down(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .flags = MAP_SHARED | MAP_CHANGED};
	double before = 0;

	(void)state;
	for (int second = 0; second < 60; second++) {
		counts.ops[OP_READ]++;
		counts.hold_ns[0] += 2000000;
		counts.control_ns[0] += 5000000;
		counts.control_arrivals[0] += second < 10 ? 10 : second % 10 == 0;
		if (second % 3 == 2) /* a hold cut short a window that was counted whole */
			counts.control_ns[0] -= 200000;
		map_send(model, 0xa0, &counts, ROW_GOES_ON);
		assert_true(only_map(model)->expected_overlaps >= before);
		before = only_map(model)->expected_overlaps;
		if (second >= 10)
			assert_int_equal(only_map(model)->verdict, VERDICT_GUARDED);
	}
	/* 10 x 4 overlaps, and 50 x 2 ms at 20 a second; with one rate for all it would be 42 at
	 * a time and 24 at another. */
	assert_true(before > 36 && before < 44);
	model_destroy(model);
}

/* One arrival may be chance: however long was held, it does not clear a map. */
static void test_one_arrival_is_not_enough(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .flags = MAP_SHARED | MAP_CHANGED};

	(void)state;
	counts.hold_ns[0] = 100000000;
	counts.control_ns[0] = 5000000;
	counts.control_arrivals[0] = 1;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_true(only_map(model)->expected_overlaps <= EXPECTATION_HELD_MOST);
	assert_int_equal(only_map(model)->verdict, VERDICT_SUSPECT);
	model_destroy(model);
}

static void test_goroutines_of_a_map(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	assert_int_equal(row->goroutines, 1);
	counts.goroutines[0] = 1; /* two goroutines on one bit */
	counts.flags = MAP_SHARED;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(row->goroutines, 2);
	assert_false(row->goroutines_estimated);
	counts.goroutines[0] = 0x3ff;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(row->goroutines, 10); /* -256 ln(246/256) = 10.2 */
	assert_false(row->goroutines_estimated);
	counts.goroutines[1] = counts.goroutines[2] = UINT64_MAX;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(row->goroutines, 198); /* -256 ln(118/256) = 198.3 */
	assert_true(row->goroutines_estimated);
	memset(counts.goroutines, 0xff, sizeof(counts.goroutines));
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_true(row->goroutines > 1000 && row->goroutines < 5000);
	model_destroy(model);
}

static void test_first_use(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .first_caller = 0x6001};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	assert_string_equal(row->first_use.function, "reflect.g");
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1005, 2));
	assert_string_equal(row->first_use.function, "main.reader");
	assert_int_equal(row->first_use.line, 5);
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x2005, 2));
	assert_string_equal(row->first_use.function, "main.reader");
	model_destroy(model);
}

/* Of two changes the later one, in whatever order their events come; a read is none. */
static void test_last_change(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .first_caller = 0x1001};
	struct access later = access_at(0xa0, OP_WRITE, 1, 0x2007, 2);
	struct access earlier = access_at(0xa0, OP_DELETE, 2, 0x3009, 2);
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1005, 2));
	assert_null(row->last_change.function);
	later.time_ns = START + 20;
	earlier.time_ns = START + 10;
	stall_send(model, 0, later);
	stall_send(model, 0, earlier);
	assert_string_equal(row->last_change.function, "main.writer");
	assert_int_equal(row->last_change.line, 7);
	earlier.time_ns = START + 30;
	stall_send(model, 0, earlier);
	assert_int_equal(row->last_change.line, 9);
	model_destroy(model);
}

static void test_ended_and_reused_address(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {5, 5}, .first_ns = START + 1};
	struct map_row *rows[4];

	(void)state;
	map_send(model, 0xa0, &counts, ROW_RETIRED);
	assert_true(only_map(model)->retired);
	assert_false(only_map(model)->ended); /* it may be used again */
	/* An overlap that the last word has overtaken still belongs to the old map ... */
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(only_map(model)->conflicts, 1);
	/* ... the next generation is another map ... */
	counts.gen = 1;
	counts.first_ns = START + 2;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 2);
	assert_int_equal(rows[1]->ops[OP_READ], 5);
	assert_int_equal(rows[1]->conflicts, 0);
	assert_false(rows[1]->retired);
	/* ... and so is the same generation after its last word, when counting began anew. */
	map_send(model, 0xa0, &counts, ROW_RETIRED);
	counts.first_ns = START + 3;
	counts.ops[OP_READ] = 6;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 3);
	assert_int_equal(rows[1]->ops[OP_READ], 5);
	assert_int_equal(rows[2]->ops[OP_READ], 6);
	/* A generation whose last word was lost ends with the next one. */
	counts.gen = 2;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 4);
	assert_true(rows[2]->ended);
	assert_false(rows[3]->ended);
	model_destroy(model);
}

static void test_process_end(void **state)
{
	struct model *model = model_new();
	struct target_row target = {.tgid = PID, .exe = "/bin/x", .state = PROCESS_RUNNING};
	struct event_process event = {.state = PROCESS_EXITED};
	struct map_counts counts = {.ops = {1}};
	struct map_row *rows[2];
	struct target_row *row;

	(void)state;
	assert_int_equal(model_target_add(model, &target), 0);
	assert_int_equal(model_target_add(model, &target), 0);
	assert_int_equal(model_targets(model, &row, 1), 1);
	assert_int_equal(model_target_count(model), 1);
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	map_send(model, 0xb0, &counts, ROW_RETIRED);
	header_set(&event.h, EVENT_PROCESS, sizeof(event));
	apply(model, &event.h);
	assert_int_equal(row->state, PROCESS_EXITED);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 2), 2);
	assert_true(rows[0]->ended);
	assert_true(rows[1]->ended);
	model_destroy(model);
}

/* ---- families ------------------------------------------------------------------------ */

static void test_family_folds(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {3, 1},
	                            .type = 0x99,
	                            .first_caller = 0x1010,
	                            .flags = MAP_SHARED | MAP_CHANGED,
	                            .hold_ns = {10000000},
	                            .control_ns = {10000000},
	                            .control_arrivals = {1}};
	struct map_row *rows[16], *first, *second;
	struct conflict_row *conflict;

	(void)state;
	for (uint64_t i = 0; i < MODEL_FAMILY_MAPS; i++)
		map_send(model, 0x1000 + i * 64, &counts, ROW_GOES_ON);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 16), MODEL_FAMILY_MAPS);
	first = rows[0];
	second = rows[1];
	for (int i = 0; i < 3; i++) {
		overlap_send(model, 0, access_at(0x1000 + 64 * i, OP_READ, 1, 0x1001, 2),
		             access_at(0x1000 + 64 * i, OP_WRITE, 2, 0x2001, 4));
	}
	stall_send(model, 0, access_at(0x1000, OP_READ, 1, 0x1001, 2));
	stall_send(model, 0, access_at(0x1040, OP_READ, 1, 0x1002, 2));
	assert_int_equal(model_conflicts(model, NULL, (struct conflict_row **)rows, 16), 3);
	/* Another line is another family. */
	counts.first_caller = 0x1011;
	map_send(model, 0x5000, &counts, ROW_GOES_ON);
	counts.first_caller = 0x1010;
	map_send(model, 0x6000, &counts, ROW_GOES_ON);

	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 16), 2);
	assert_ptr_equal(rows[0], first);
	assert_ptr_equal(second->folded_into, first);
	assert_null(first->folded_into);
	assert_int_equal(first->maps, 9);
	assert_int_equal(first->ops[OP_READ], 27);
	assert_near(first->expected_overlaps, 9);
	assert_int_equal(first->conflicts, 3);
	assert_int_equal(first->verdict, VERDICT_CONFLICT);
	assert_int_equal(first->heat_depth[3], 3);
	assert_int_equal(first->heat_depth[1], 0);
	conflict = only_conflict(model); /* three rows for the same two lines are one now */
	assert_ptr_equal(conflict->map, first);
	assert_int_equal(conflict->count, 3);
	assert_int_equal(model_conflict_total(model), 3);
	assert_int_equal(first->chain_count, 3); /* read 0x1001, write 0x2001, read 0x1002 */
	model_sort_chains(first);
	assert_int_equal(first->chains[0].conflicts, 3);
	assert_int_equal(first->chains[2].count, 1);

	/* Members that are known go on counting into the family, new ones join it. */
	counts.ops[OP_READ] = 13;
	map_send(model, 0x1040, &counts, ROW_RETIRED);
	map_send(model, 0x7000, &counts, ROW_GOES_ON);
	assert_int_equal(first->ops[OP_READ], 27 + 10 + 13);
	assert_int_equal(first->maps, 10);
	assert_false(first->ended);
	overlap_send(model, 0, access_at(0x7000, OP_READ, 1, 0x1001, 2),
	             access_at(0x7000, OP_WRITE, 2, 0x2001, 4));
	assert_int_equal(only_conflict(model)->count, 4);
	tick(model, 1);
	assert_near(first->rate[OP_READ], 50);
	model_destroy(model);
}

/* A map whose overlap comes before its counts gets a row first and is folded later. */
static void test_family_late_member(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x99, .first_caller = 0x1010};
	struct map_row *rows[4];

	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		map_send(model, 0x1000 + i * 64, &counts, ROW_RETIRED);
	assert_int_equal(only_map(model)->maps, 20);
	assert_true(only_map(model)->retired);
	assert_false(only_map(model)->ended);
	assert_int_equal(only_map(model)->verdict, VERDICT_LOCAL);
	overlap_send(model, 0, access_at(0x9000, OP_READ, 1, 0x1001, 2),
	             access_at(0x9000, OP_WRITE, 2, 0x2001, 4));
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 2);
	map_send(model, 0x9000, &counts, ROW_GOES_ON);
	assert_int_equal(only_map(model)->maps, 21);
	assert_int_equal(only_map(model)->conflicts, 1);
	assert_ptr_equal(only_conflict(model)->map, only_map(model));
	assert_false(only_map(model)->retired);
	model_destroy(model);
}

/* Guarded only when the sum says so, and only maps that are shared and changed are suspects. */
static void test_family_verdict(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x99, .first_caller = 0x1010};
	struct map_row *row;

	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		counts.flags = i % 2 ? MAP_SHARED : MAP_CHANGED; /* never both on one map */
		map_send(model, 0x1000 + i * 64, &counts, ROW_GOES_ON);
	}
	row = only_map(model);
	assert_int_equal(row->verdict, VERDICT_SHARED);
	counts.flags = MAP_SHARED | MAP_CHANGED;
	counts.hold_ns[1] = counts.control_ns[1] = 5000000;
	counts.control_arrivals[1] = 2;
	map_send(model, 0x8000, &counts, ROW_GOES_ON);
	assert_int_equal(row->verdict, VERDICT_SUSPECT);
	map_send(model, 0x8040, &counts, ROW_GOES_ON);
	assert_int_equal(row->verdict, VERDICT_SUSPECT);
	map_send(model, 0x8080, &counts, ROW_RETIRED);
	assert_near(row->expected_overlaps, 6);
	assert_int_equal(row->verdict, VERDICT_GUARDED);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_counts_and_rates),
	        cmocka_unit_test(test_rate_counts_windows_only),
	        cmocka_unit_test(test_rate_is_steady),
	        cmocka_unit_test(test_rate_follows_the_load),
	        cmocka_unit_test(test_rate_ends_with_the_process),
	        cmocka_unit_test(test_type_of_a_shape),
	        cmocka_unit_test(test_verdicts),
	        cmocka_unit_test(test_expected_never_goes_down),
	        cmocka_unit_test(test_one_arrival_is_not_enough),
	        cmocka_unit_test(test_goroutines_of_a_map),
	        cmocka_unit_test(test_first_use),
	        cmocka_unit_test(test_last_change),
	        cmocka_unit_test(test_ended_and_reused_address),
	        cmocka_unit_test(test_process_end),
	        cmocka_unit_test(test_family_folds),
	        cmocka_unit_test(test_family_late_member),
	        cmocka_unit_test(test_family_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

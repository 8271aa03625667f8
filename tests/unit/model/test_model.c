/* SPDX-License-Identifier: MIT */
/* The model as a whole: goroutines, totals, orders, bounds, events that make no sense. */
#include "tests/unit/model/model_events.h"

/* ---- goroutines, coverage ---------------------------------------------------------------------
 */

static void test_goroutines(void **state)
{
	struct model *model = model_new();
	struct goroutine_row *rows[8];

	(void)state;
	tick(model, 1);
	goroutine_send(model, 0xc000, 18, 100, ROW_GOES_ON);
	goroutine_send(model, 0xc100, 19, 300, ROW_GOES_ON);
	tick(model, 2);
	assert_int_equal(model_goroutines(model, rows, 8), 2);
	assert_int_equal(rows[0]->goid, 19);
	assert_near(rows[0]->rate, 150);
	assert_int_equal(rows[0]->conflicts, 30);
	assert_int_equal(rows[0]->maps, 3);
	assert_string_equal(rows[0]->created_by.function, "main.goer");
	assert_string_equal(rows[0]->first_function, "main.worker");
	assert_string_equal(rows[0]->last_use.function, "main.reader");
	/* The g is used again by another goroutine: another row. */
	goroutine_send(model, 0xc000, 18, 110, ROW_RETIRED);
	goroutine_send(model, 0xc000, 40, 5, ROW_GOES_ON);
	assert_int_equal(model_goroutines(model, rows, 8), 3);
	assert_int_equal(rows[1]->ops[OP_READ], 110);
	assert_true(rows[1]->retired);
	assert_false(rows[1]->ended);
	/* Forgotten by the kernel's table and met again: counts go on. */
	goroutine_send(model, 0xc100, 19, 310, ROW_RETIRED);
	goroutine_send(model, 0xc100, 19, 5, ROW_GOES_ON);
	assert_int_equal(model_goroutines(model, rows, 8), 3);
	assert_int_equal(rows[0]->ops[OP_READ], 315);
	assert_false(rows[0]->retired);
	/* Without a goid the g is all there is, until its last word. */
	goroutine_send(model, 0xd000, 0, 9, ROW_RETIRED);
	goroutine_send(model, 0xd000, 0, 8, ROW_GOES_ON);
	assert_int_equal(model_goroutines(model, rows, 8), 5);
	model_destroy(model);
}

static void test_coverage(void **state)
{
	struct model *model = model_new();
	struct event_coverage event = {.run_ns = 20, .target_cpu_ns = 1000};
	const struct coverage_row *row = model_coverage(model);

	(void)state;
	tick(model, 1);
	assert_near(row->overhead_estimate, 0);
	header_set(&event.h, EVENT_COVERAGE, sizeof(event));
	event.value[COVERAGE_HITS] = 5077;
	event.value[COVERAGE_COUNTED] = 5000;
	event.value[COVERAGE_NIL_MAP] = 77;
	event.value[COVERAGE_RING_FULL] = 1;
	event.value[COVERAGE_QUEUE_FULL] = 20;
	event.value[COVERAGE_TABLE_FULL] = 300;
	event.value[COVERAGE_STACK_FAILED] = 4000;
	event.value[COVERAGE_GOROUTINES_UNTRACKED] = 50000;
	apply(model, &event.h);
	tick(model, 2);
	assert_int_equal(row->lost, 4321);
	assert_int_equal(row->value[COVERAGE_NIL_MAP], 77);
	assert_near(row->ops_rate, 2500); /* a hit that is filtered is no operation */
	assert_near(row->overhead_estimate, 0.02);
	event.run_ns = 5000;
	apply(model, &event.h);
	tick(model, 1);
	assert_near(row->overhead_estimate, 1);
	assert_near(row->ops_rate, 0);
	event.target_cpu_ns = 0;
	apply(model, &event.h);
	assert_near(row->overhead_estimate, 0);
	model_destroy(model);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static void test_reset(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {100},
	                            .flags = MAP_SHARED | MAP_CHANGED,
	                            .conflicts = 2,
	                            .holds = 4,
	                            .hold_ns = {4000000},
	                            .control_ns = {1000000},
	                            .control_arrivals = {2}};
	struct goroutine_row *goroutine;
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	goroutine_send(model, 0xc000, 18, 100, ROW_GOES_ON);
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	model_reset(model);
	assert_int_equal(model_map_count(model), 0);
	assert_int_equal(model_conflict_count(model), 0);
	assert_int_equal(model_conflict_total(model), 0);
	assert_int_equal(model_goroutines(model, &goroutine, 1), 0);
	map_send(model, 0xa0, &counts, ROW_GOES_ON); /* nothing new */
	goroutine_send(model, 0xc000, 18, 100, ROW_GOES_ON);
	assert_int_equal(model_map_count(model), 0);
	assert_int_equal(model_goroutines(model, &goroutine, 1), 0);
	tick(model, 1);
	counts.ops[OP_READ] = 130;
	counts.holds = 5;
	counts.hold_ns[0] = 5000000;
	counts.control_ns[0] += 5000000;
	counts.control_arrivals[0] += 10;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	goroutine_send(model, 0xc000, 18, 107, ROW_GOES_ON);
	tick(model, 1);
	row = only_map(model);
	assert_int_equal(row->ops[OP_READ], 30);
	assert_near(row->rate[OP_READ], 30);
	assert_int_equal(row->stalls, 1);
	assert_near(row->expected_overlaps, 2); /* 1 ms at 10 arrivals in 5 ms */
	assert_int_equal(row->conflicts, 0);
	assert_int_equal(row->verdict, VERDICT_SUSPECT);
	assert_int_equal(model_goroutines(model, &goroutine, 1), 1);
	assert_int_equal(goroutine->ops[OP_READ], 7);
	counts.conflicts = 3;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(row->conflicts, 1);
	model_destroy(model);
}

static void test_malformed(void **state)
{
	struct model *model = model_new();
	static struct event_overlap event;
	struct event_header *header = &event.h;

	(void)state;
	header_set(header, EVENT_TICK, 8);
	assert_int_equal(model_apply(model, header), -EINVAL);
	header_set(header, EVENT_TICK, sizeof(*header) + 4);
	assert_int_equal(model_apply(model, header), -EINVAL);
	header_set(header, EVENT_MAP, sizeof(struct event_map) - 8);
	assert_int_equal(model_apply(model, header), -EINVAL);
	header_set(header, EVENT_KINDS + 5, sizeof(*header));
	assert_int_equal(model_apply(model, header), 0);
	header_set(header, EVENT_NONE, sizeof(*header));
	assert_int_equal(model_apply(model, header), 0);
	event.held = access_at(0xa0, OP_READ, 1, 0x1001, 2);
	event.came = access_at(0xa0, OP_WRITE, 1, 0x1001, 2);
	header_set(header, EVENT_OVERLAP, sizeof(event));
	event.came.depth = STACK_DEPTH_MAX + 1;
	assert_int_equal(model_apply(model, header), -EINVAL);
	event.came.depth = 3;
	event.held.op = OP_COUNT;
	assert_int_equal(model_apply(model, header), -EINVAL);
	event.held.op = OP_READ;
	/* Cut off behind the last used entry: sound. One entry earlier: not. */
	header_set(header, EVENT_OVERLAP,
	           offsetof(struct event_overlap, came) + offsetof(struct access, stack) + 24);
	assert_int_equal(model_apply(model, header), 0);
	header->size -= 8;
	assert_int_equal(model_apply(model, header), -EINVAL);
	assert_int_equal(model_conflict_total(model), 1);
	model_destroy(model);
}

/* Nobody knows a name: everything is counted all the same. */
static void test_no_symbols(void **state)
{
	struct model_config config = {.maps_max = 0};
	struct model *model;
	struct map_counts counts = {.ops = {1}, .type = 0x99, .first_caller = 0x1001};

	(void)state;
	now = START;
	assert_int_equal(model_create(&config, &model), 0);
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2002, 2));
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2));
	goroutine_send(model, 0xc000, 18, 100, ROW_GOES_ON);
	crash_send(model, "concurrent map writes", 0xa0);
	tick(model, 1);
	assert_null(only_map(model)->type);
	assert_null(only_map(model)->first_use.function);
	assert_int_equal(only_map(model)->conflicts, 3);
	assert_int_equal(model_conflict_count(model), 3); /* callers tell them apart */
	model_destroy(model);
}

static void test_orders(void **state)
{
	struct model *model = model_new();
	struct map_row *rows[64];

	(void)state;
	for (uint64_t i = 0; i < 50; i++) {
		struct map_counts counts = {
		        .ops = {i * 37 % 50 * 100, i * 13 % 50},
		        .conflicts = i % 3,
		        .flags = MAP_SHARED,
		        .goroutines = {(1ull << i) - 1},
		};

		map_send(model, 0x1000 * (i + 1), &counts, ROW_GOES_ON);
		order_send(model, 0x1000 * (i + 1), &(struct event_order){.unordered = i % 2});
	}
	tick(model, 1);
	for (int order = MAPS_BY_CONFLICTS; order <= MAPS_BY_NUMBER; order++) {
		for (size_t max = 0; max <= 60; max += 7) {
			size_t count = model_maps(model, (enum map_order)order, rows, max);

			assert_int_equal(count, max < 50 ? max : 50);
			for (size_t i = 1; i < count; i++) {
				struct map_row *x = rows[i - 1], *y = rows[i];
				bool good[] = {
				        x->conflicts > y->conflicts ||
				                (x->conflicts == y->conflicts &&
				                 x->ops[OP_WRITE] >= y->ops[OP_WRITE]),
				        x->conflicts > y->conflicts ||
				                (x->conflicts == y->conflicts &&
				                 x->order.unordered >= y->order.unordered),
				        x->rate[OP_READ] + x->rate[OP_WRITE] >=
				                y->rate[OP_READ] + y->rate[OP_WRITE],
				        x->ops[OP_WRITE] >= y->ops[OP_WRITE],
				        x->goroutines >= y->goroutines,
				        x->number < y->number,
				};

				assert_true(good[order]);
			}
		}
	}
	/* The first of a few are the first of all. */
	assert_int_equal(model_maps(model, MAPS_BY_RATE, rows, 50), 50);
	assert_int_equal(model_maps(model, MAPS_BY_RATE, rows + 50, 5), 5);
	assert_memory_equal(rows, rows + 50, 5 * sizeof(rows[0]));
	model_destroy(model);
}

static void test_bounds(void **state)
{
	struct model *model = model_small(40, 20, 3);
	struct map_counts counts = {.ops = {1}};
	struct goroutine_row *goroutines[64];
	struct map_row *rows[64];

	(void)state;
	for (uint64_t i = 0; i < 40; i++)
		map_send(model, 0x1000 * (i + 1), &counts, ROW_GOES_ON);
	assert_int_equal(model_dropped(model), 0);
	map_send(model, 0x1000 * 41, &counts, ROW_GOES_ON);
	assert_int_equal(model_dropped(model), 1);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 40);
	/* A proven conflict finds room all the same. */
	overlap_send(model, 0, access_at(0xf00000, OP_READ, 1, 0x1001, 2),
	             access_at(0xf00000, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 41);
	model_reset(model);
	map_send(model, 0x1000 * 41, &counts, ROW_GOES_ON);
	assert_int_equal(model_dropped(model), 1);
	for (uint64_t i = 0; i < 40; i++) {
		counts.ops[OP_READ]++;
		map_send(model, 0x1000 * (i + 1), &counts, ROW_GOES_ON);
	}
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 40);
	/* Ended maps make room, but not at once: late events may still come for them. */
	for (uint64_t i = 0; i < 40; i++)
		map_send(model, 0x1000 * (i + 1), &counts, ROW_RETIRED);
	for (int i = 0; i < 6; i++)
		tick(model, 1);
	for (uint64_t i = 50; i < 80; i++)
		map_send(model, 0x1000 * i, &counts, ROW_GOES_ON);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 40);
	assert_int_equal(model_dropped(model), 1);
	for (uint64_t i = 0; i < 30; i++)
		goroutine_send(model, 0xc000 + i, 18 + i, 5, i < 10 ? ROW_RETIRED : ROW_GOES_ON);
	assert_int_equal(model_goroutines(model, goroutines, 64), 20);
	assert_int_equal(model_dropped(model), 1);
	goroutine_send(model, 0xe000, 99, 5, ROW_GOES_ON);
	assert_int_equal(model_dropped(model), 2);
	for (uint64_t i = 0; i < 5; i++)
		overlap_send(model, 0, access_at(0x1000 * 79, OP_READ, 1, 0x1001 + i, 2),
		             access_at(0x1000 * 79, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(model_conflict_count(model), 3);
	assert_int_equal(model_conflict_total(model), 5); /* counted even where no row had room */
	assert_int_equal(model_dropped(model), 4);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_goroutines), cmocka_unit_test(test_coverage),
	        cmocka_unit_test(test_reset),      cmocka_unit_test(test_malformed),
	        cmocka_unit_test(test_no_symbols), cmocka_unit_test(test_orders),
	        cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The model: wire events in, rows out. Each test builds the few events it needs. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/model.h"

#define PID    77u
#define SECOND 1000000000ull
#define START  (500 * SECOND)

/* ---- a small world of names: pc 0x1000 * function + line --------------------------------------
 */

static const char *const functions[] = {NULL,        "main.reader", "main.writer", "main.loop",
                                        "runtime.f", "main.goer",   "reflect.g"};

static int names_frame(uint64_t pc, struct frame *out)
{
	uint64_t function = pc >> 12;

	*out = (struct frame){.pc = pc};
	if (function == 0 || function >= sizeof(functions) / sizeof(functions[0]))
		return 1;
	out->function = functions[function];
	out->file = "/src/main.go";
	out->line = (int)(pc & 0xfff);
	return 1;
}

static const struct frame *names_frames(void *ctx, uint32_t tgid, uint64_t pc, bool is_return,
                                        int *count)
{
	static struct frame frame;

	(void)ctx;
	(void)tgid;
	(void)is_return;
	*count = names_frame(pc, &frame);
	return &frame;
}

static int names_chain(void *ctx, const struct access *access, struct frame *out, int max)
{
	int length = 0;

	(void)ctx;
	for (int i = 1; i < access->depth && length < max; i++)
		length += names_frame(access->stack[i], &out[length]);
	return length;
}

static const char *names_site(void *ctx, unsigned int site)
{
	(void)ctx;
	return site == 3 ? "runtime.mapassign_fast64" : NULL;
}

static const char *names_type(void *ctx, uint32_t tgid, uint64_t type_addr)
{
	(void)ctx;
	(void)tgid;
	return type_addr == 0x99 ? "map[string]int" : NULL;
}

/* ---- events ---------------------------------------------------------------------------------- */

static uint64_t now = START;

static struct model *model_small(size_t maps_max, size_t goroutines_max, size_t conflicts_max)
{
	struct model_config config = {
	        .symbols = {names_chain, names_frames, names_site, names_type, NULL},
	        .maps_max = maps_max,
	        .goroutines_max = goroutines_max,
	        .conflicts_max = conflicts_max,
	};
	struct model *model;

	now = START;
	assert_int_equal(model_create(&config, &model), 0);
	return model;
}

static struct model *model_new(void)
{
	return model_small(0, 0, 0);
}

static void header_set(struct event_header *header, enum event_kind kind, size_t size)
{
	*header = (struct event_header){
	        .kind = kind, .size = (uint32_t)size, .time_ns = now, .tgid = PID};
}

static void apply(struct model *model, struct event_header *header)
{
	assert_int_equal(model_apply(model, header), 0);
}

static void tick(struct model *model, double seconds)
{
	struct event_header event;

	now += (uint64_t)(seconds * 1e9);
	header_set(&event, EVENT_TICK, sizeof(event));
	apply(model, &event);
}

static void map_send(struct model *model, uint64_t addr, const struct map_counts *counts,
                     bool ended)
{
	struct event_map event;

	header_set(&event.h, EVENT_MAP, sizeof(event));
	event.key = (struct map_key){.addr = addr, .tgid = PID};
	event.counts = *counts;
	if (!event.counts.first_ns)
		event.counts.first_ns = START;
	if (!event.counts.last_ns)
		event.counts.last_ns = now;
	event.ended = ended;
	event.pad = 0;
	apply(model, &event.h);
}

static struct access access_at(uint64_t addr, enum map_op op, uint64_t goid, uint64_t caller,
                               int depth)
{
	struct access access = {
	        .time_ns = now,
	        .map = addr,
	        .map_type = 0x99,
	        .g = 0xc000 + goid * 0x100,
	        .goid = goid,
	        .gopc = 0x5007,
	        .caller = caller,
	        .tgid = PID,
	        .tid = PID + 1,
	        .site = 3,
	        .depth = (uint16_t)(depth + 1),
	        .op = (uint8_t)op,
	};

	access.stack[0] = 0x4001;
	access.stack[1] = caller;
	for (int i = 2; i <= depth; i++)
		access.stack[i] = 0x3000 + (uint64_t)i;
	return access;
}

static void overlap_send(struct model *model, uint32_t gen, struct access held, struct access came)
{
	static struct event_overlap event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_OVERLAP, sizeof(event));
	event.hold_ns = 100000;
	event.after_ns = 60000;
	event.map_gen = gen;
	event.held = held;
	event.came = came;
	apply(model, &event.h);
}

static void stall_send(struct model *model, uint32_t gen, struct access access)
{
	static struct event_stall event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_STALL, sizeof(event));
	event.map_gen = gen;
	event.access = access;
	apply(model, &event.h);
}

static void crash_send(struct model *model, const char *message, uint64_t last_map)
{
	static struct event_crash event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_CRASH, sizeof(event));
	snprintf(event.message, sizeof(event.message), "%s", message);
	event.last_map = last_map;
	event.access = access_at(last_map, OP_WRITE, 9, 0x2020, 3);
	apply(model, &event.h);
}

static struct map_row *only_map(struct model *model)
{
	struct map_row *rows[2];

	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 2), 1);
	return rows[0];
}

static struct conflict_row *only_conflict(struct model *model)
{
	struct conflict_row *rows[2];

	assert_int_equal(model_conflicts(model, NULL, rows, 2), 1);
	return rows[0];
}

static void assert_near(double value, double expected)
{
	if (fabs(value - expected) > 1e-6 * fabs(expected) + 1e-9)
		fail_msg("%.9g instead of %.9g", value, expected);
}

/* ---- maps ------------------------------------------------------------------------------------ */

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
	map_send(model, 0xa0, &counts, false);
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
	map_send(model, 0xa0, &counts, false);
	map_send(model, 0xa0, &counts, false); /* absolute: saying it twice changes nothing */
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
		map_send(model, 0x100 + i, &counts, false);
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

static void test_goroutines_of_a_map(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, false);
	row = only_map(model);
	assert_int_equal(row->goroutines, 1);
	counts.goroutines[0] = 1; /* two goroutines on one bit */
	counts.flags = MAP_SHARED;
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(row->goroutines, 2);
	assert_false(row->goroutines_estimated);
	counts.goroutines[0] = 0x3ff;
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(row->goroutines, 10); /* -256 ln(246/256) = 10.2 */
	assert_false(row->goroutines_estimated);
	counts.goroutines[1] = counts.goroutines[2] = UINT64_MAX;
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(row->goroutines, 198); /* -256 ln(118/256) = 198.3 */
	assert_true(row->goroutines_estimated);
	memset(counts.goroutines, 0xff, sizeof(counts.goroutines));
	map_send(model, 0xa0, &counts, false);
	assert_true(row->goroutines > 1000 && row->goroutines < 5000);
	model_destroy(model);
}

static void test_first_use(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .first_caller = 0x6001};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, false);
	row = only_map(model);
	assert_string_equal(row->first_use.function, "reflect.g");
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1005, 2));
	assert_string_equal(row->first_use.function, "main.reader");
	assert_int_equal(row->first_use.line, 5);
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x2005, 2));
	assert_string_equal(row->first_use.function, "main.reader");
	model_destroy(model);
}

static void test_ended_and_reused_address(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {5, 5}, .first_ns = START + 1};
	struct map_row *rows[4];

	(void)state;
	map_send(model, 0xa0, &counts, true);
	assert_true(only_map(model)->ended);
	/* An overlap that the last word has overtaken still belongs to the old map ... */
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(only_map(model)->conflicts, 1);
	/* ... the next generation is another map ... */
	counts.gen = 1;
	counts.first_ns = START + 2;
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 2);
	assert_int_equal(rows[1]->ops[OP_READ], 5);
	assert_int_equal(rows[1]->conflicts, 0);
	assert_false(rows[1]->ended);
	/* ... and so is the same generation after its last word, when counting began anew. */
	map_send(model, 0xa0, &counts, true);
	counts.first_ns = START + 3;
	counts.ops[OP_READ] = 6;
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 3);
	assert_int_equal(rows[1]->ops[OP_READ], 5);
	assert_int_equal(rows[2]->ops[OP_READ], 6);
	/* A generation whose last word was lost ends with the next one. */
	counts.gen = 2;
	map_send(model, 0xa0, &counts, false);
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
	struct target_row *row;

	(void)state;
	assert_int_equal(model_target_add(model, &target), 0);
	assert_int_equal(model_target_add(model, &target), 0);
	assert_int_equal(model_targets(model, &row, 1), 1);
	assert_int_equal(model_target_count(model), 1);
	map_send(model, 0xa0, &counts, false);
	header_set(&event.h, EVENT_PROCESS, sizeof(event));
	apply(model, &event.h);
	assert_int_equal(row->state, PROCESS_EXITED);
	assert_true(only_map(model)->ended);
	model_destroy(model);
}

/* ---- families -------------------------------------------------------------------------------- */

static void test_family_folds(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {3, 1},
	                            .type = 0x99,
	                            .first_caller = 0x1010,
	                            .flags = MAP_SHARED | MAP_CHANGED,
	                            .hold_ns = {1000000},
	                            .control_ns = {1000000},
	                            .control_arrivals = {1}};
	struct map_row *rows[16], *first, *second;
	struct conflict_row *conflict;

	(void)state;
	for (uint64_t i = 0; i < MODEL_FAMILY_MAPS; i++)
		map_send(model, 0x1000 + i * 64, &counts, false);
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
	map_send(model, 0x5000, &counts, false);
	counts.first_caller = 0x1010;
	map_send(model, 0x6000, &counts, false);

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
	map_send(model, 0x1040, &counts, true);
	map_send(model, 0x7000, &counts, false);
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
		map_send(model, 0x1000 + i * 64, &counts, true);
	assert_int_equal(only_map(model)->maps, 20);
	assert_true(only_map(model)->ended);
	assert_int_equal(only_map(model)->verdict, VERDICT_LOCAL);
	overlap_send(model, 0, access_at(0x9000, OP_READ, 1, 0x1001, 2),
	             access_at(0x9000, OP_WRITE, 2, 0x2001, 4));
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 4), 2);
	map_send(model, 0x9000, &counts, false);
	assert_int_equal(only_map(model)->maps, 21);
	assert_int_equal(only_map(model)->conflicts, 1);
	assert_ptr_equal(only_conflict(model)->map, only_map(model));
	assert_false(only_map(model)->ended);
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
		map_send(model, 0x1000 + i * 64, &counts, false);
	}
	row = only_map(model);
	assert_int_equal(row->verdict, VERDICT_SHARED);
	counts.flags = MAP_SHARED | MAP_CHANGED;
	counts.hold_ns[1] = counts.control_ns[1] = 1000;
	counts.control_arrivals[1] = 2;
	map_send(model, 0x8000, &counts, false);
	assert_int_equal(row->verdict, VERDICT_SUSPECT);
	map_send(model, 0x8040, &counts, false);
	assert_int_equal(row->verdict, VERDICT_SUSPECT);
	map_send(model, 0x8080, &counts, true);
	assert_near(row->expected_overlaps, 6);
	assert_int_equal(row->verdict, VERDICT_GUARDED);
	model_destroy(model);
}

/* ---- conflicts ------------------------------------------------------------------------------- */

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
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(only_map(model)->conflicts, 1);
	counts.conflicts = 5;
	map_send(model, 0xa0, &counts, false);
	assert_int_equal(only_map(model)->conflicts, 5);
	assert_int_equal(model_conflict_total(model), 5);
	for (int i = 0; i < 3; i++)
		overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
		             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(only_map(model)->conflicts, 5);
	/* A map whose every overlap was lost is in conflict all the same. */
	map_send(model, 0xb0, &counts, false);
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

/* ---- crashes --------------------------------------------------------------------------------- */

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
	map_send(model, 0xa0, &counts, false);
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
	map_send(model, 0xa0, &counts, true);
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
	map_send(model, 0xa0, &counts, false);
	crash_send(model, "all goroutines are asleep - deadlock!", 0xa0);
	crash_send(model, "concurrent map writes", 0);
	tick(model, 1);
	assert_int_equal(model_crashes(model, crash, 80), 2);
	assert_ptr_equal(crash[0]->map, only_map(model));
	assert_null(crash[1]->map);
	assert_int_equal(model_conflict_total(model), 0);
	for (int i = 0; i < 100; i++)
		crash_send(model, "stack overflow", 0xe0);
	assert_true(model_crashes(model, crash, 80) <= 80);
	assert_true(model_dropped(model) > 0);
	model_destroy(model);
}

/* ---- goroutines, coverage ---------------------------------------------------------------------
 */

static void goroutine_send(struct model *model, uint64_t g, uint64_t goid, uint64_t reads,
                           bool ended)
{
	struct event_goroutine event = {.key = {.g = g, .tgid = PID}, .ended = ended};

	header_set(&event.h, EVENT_GOROUTINE, sizeof(event));
	event.counts.goid = goid;
	event.counts.parent_goid = 1;
	event.counts.gopc = 0x5003;
	event.counts.last_caller = 0x1004;
	event.counts.ops[OP_READ] = reads;
	event.counts.conflicts = reads / 10;
	event.counts.maps = 7;
	event.counts.last_ns = now;
	apply(model, &event.h);
}

static void test_goroutines(void **state)
{
	struct model *model = model_new();
	struct goroutine_row *rows[8];

	(void)state;
	tick(model, 1);
	goroutine_send(model, 0xc000, 18, 100, false);
	goroutine_send(model, 0xc100, 19, 300, false);
	tick(model, 2);
	assert_int_equal(model_goroutines(model, rows, 8), 2);
	assert_int_equal(rows[0]->goid, 19);
	assert_near(rows[0]->rate, 150);
	assert_int_equal(rows[0]->conflicts, 30);
	assert_int_equal(rows[0]->maps, 3);
	assert_string_equal(rows[0]->created_by.function, "main.goer");
	assert_string_equal(rows[0]->last_use.function, "main.reader");
	/* The g is used again by another goroutine: another row. */
	goroutine_send(model, 0xc000, 18, 110, true);
	goroutine_send(model, 0xc000, 40, 5, false);
	assert_int_equal(model_goroutines(model, rows, 8), 3);
	assert_int_equal(rows[1]->ops[OP_READ], 110);
	assert_true(rows[1]->ended);
	/* Forgotten by the kernel's table and met again: counts go on. */
	goroutine_send(model, 0xc100, 19, 310, true);
	goroutine_send(model, 0xc100, 19, 5, false);
	assert_int_equal(model_goroutines(model, rows, 8), 3);
	assert_int_equal(rows[0]->ops[OP_READ], 315);
	assert_false(rows[0]->ended);
	/* Without a goid the g is all there is, until its last word. */
	goroutine_send(model, 0xd000, 0, 9, true);
	goroutine_send(model, 0xd000, 0, 8, false);
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
	event.value[COVERAGE_HITS] = 5000;
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
	assert_near(row->hits_rate, 2500);
	assert_near(row->overhead_estimate, 0.02);
	event.run_ns = 5000;
	apply(model, &event.h);
	tick(model, 1);
	assert_near(row->overhead_estimate, 1);
	assert_near(row->hits_rate, 0);
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
	                            .hold_ns = {4000},
	                            .control_ns = {1000},
	                            .control_arrivals = {2}};
	struct goroutine_row *goroutine;
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, false);
	goroutine_send(model, 0xc000, 18, 100, false);
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	model_reset(model);
	assert_int_equal(model_map_count(model), 0);
	assert_int_equal(model_conflict_count(model), 0);
	assert_int_equal(model_conflict_total(model), 0);
	assert_int_equal(model_goroutines(model, &goroutine, 1), 0);
	map_send(model, 0xa0, &counts, false); /* nothing new */
	goroutine_send(model, 0xc000, 18, 100, false);
	assert_int_equal(model_map_count(model), 0);
	assert_int_equal(model_goroutines(model, &goroutine, 1), 0);
	tick(model, 1);
	counts.ops[OP_READ] = 130;
	counts.holds = 5;
	counts.hold_ns[0] = 5000;
	map_send(model, 0xa0, &counts, false);
	goroutine_send(model, 0xc000, 18, 107, false);
	tick(model, 1);
	row = only_map(model);
	assert_int_equal(row->ops[OP_READ], 30);
	assert_near(row->rate[OP_READ], 30);
	assert_int_equal(row->stalls, 1);
	assert_near(row->expected_overlaps, 2); /* 1000 ns at 2 arrivals in 1000 ns */
	assert_int_equal(row->conflicts, 0);
	assert_int_equal(row->verdict, VERDICT_SUSPECT);
	assert_int_equal(model_goroutines(model, &goroutine, 1), 1);
	assert_int_equal(goroutine->ops[OP_READ], 7);
	counts.conflicts = 3;
	map_send(model, 0xa0, &counts, false);
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
	map_send(model, 0xa0, &counts, false);
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2001, 2));
	overlap_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2),
	             access_at(0xa0, OP_WRITE, 2, 0x2002, 2));
	stall_send(model, 0, access_at(0xa0, OP_READ, 1, 0x1001, 2));
	goroutine_send(model, 0xc000, 18, 100, false);
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

		map_send(model, 0x1000 * (i + 1), &counts, false);
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
		map_send(model, 0x1000 * (i + 1), &counts, false);
	assert_int_equal(model_dropped(model), 0);
	map_send(model, 0x1000 * 41, &counts, false);
	assert_int_equal(model_dropped(model), 1);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 40);
	/* A proven conflict finds room all the same. */
	overlap_send(model, 0, access_at(0xf00000, OP_READ, 1, 0x1001, 2),
	             access_at(0xf00000, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 41);
	model_reset(model);
	map_send(model, 0x1000 * 41, &counts, false);
	assert_int_equal(model_dropped(model), 1);
	for (uint64_t i = 0; i < 40; i++) {
		counts.ops[OP_READ]++;
		map_send(model, 0x1000 * (i + 1), &counts, false);
	}
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 40);
	/* Ended maps make room, but not at once: late events may still come for them. */
	for (uint64_t i = 0; i < 40; i++)
		map_send(model, 0x1000 * (i + 1), &counts, true);
	for (int i = 0; i < 6; i++)
		tick(model, 1);
	for (uint64_t i = 50; i < 80; i++)
		map_send(model, 0x1000 * i, &counts, false);
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 64), 40);
	assert_int_equal(model_dropped(model), 1);
	for (uint64_t i = 0; i < 30; i++)
		goroutine_send(model, 0xc000 + i, 18 + i, 5, i < 10);
	assert_int_equal(model_goroutines(model, goroutines, 64), 20);
	assert_int_equal(model_dropped(model), 1);
	goroutine_send(model, 0xe000, 99, 5, false);
	assert_int_equal(model_dropped(model), 2);
	for (uint64_t i = 0; i < 5; i++)
		overlap_send(model, 0, access_at(0x1000 * 79, OP_READ, 1, 0x1001 + i, 2),
		             access_at(0x1000 * 79, OP_WRITE, 2, 0x2001, 2));
	assert_int_equal(model_conflict_count(model), 3);
	assert_int_equal(model_conflict_total(model), 5); /* counted even where no row had room */
	assert_int_equal(model_dropped(model), 4);
	model_destroy(model);
}

/* Anything in any order, with bounds that are always reached: rows stay consistent with the
 * totals, and the sanitizers watch the memory. */
static void test_anything(void **state)
{
	struct model *model = model_small(60, 10, 12);
	struct map_row *rows[64];
	struct conflict_row *conflicts[64];

	(void)state;
	srandom(3);
	for (int i = 0; i < 60000; i++) {
		uint64_t r = (uint64_t)random();
		uint64_t addr = 0x1000 + r % 90 * 64, line = r / 90 % 5;
		uint32_t gen = (uint32_t)(r / 450 % 3);
		struct map_counts counts = {
		        .ops = {r % 1000, r % 77},
		        .type = 0x99 + r % 2,
		        .first_caller = r % 4 ? 0x1010 : 0x1000 + r % 80,
		        .first_ns = START + r % 3,
		        .conflicts = r % 5 == 0,
		        .flags = (uint32_t)(r % 4),
		        .gen = gen,
		};

		switch (random() % 8) {
		case 0:
		case 1:
		case 2:
			map_send(model, addr, &counts, random() % 3 == 0);
			break;
		case 3:
			overlap_send(model, gen, access_at(addr, OP_READ, 1, 0x1001 + line, 2),
			             access_at(addr, OP_WRITE, 2, 0x2001, 3));
			break;
		case 4:
			stall_send(model, gen, access_at(addr, OP_READ, 1, 0x1001 + line, 4));
			break;
		case 5:
			goroutine_send(model, 0xc000 + r % 20, r % 30, r % 1000, r % 7 == 0);
			break;
		case 6:
			tick(model, 0.5);
			break;
		default:
			if (r % 40 == 0)
				crash_send(model, "concurrent map writes", addr);
			if (r % 4001 == 0)
				model_reset(model);
		}
		if (i % 16 == 0) {
			size_t count = model_maps(model, MAPS_BY_CONFLICTS, rows, 64);
			uint64_t sum = 0, sightings = 0;

			for (size_t n = 0; n < count; n++) {
				sum += rows[n]->conflicts;
				assert_true(rows[n]->maps >= 1);
				assert_null(rows[n]->folded_into);
				assert_int_equal(rows[n]->verdict == VERDICT_CONFLICT,
				                 rows[n]->conflicts > 0);
			}
			assert_true(sum <= model_conflict_total(model));
			if (model_dropped(model) == 0)
				assert_int_equal(sum, model_conflict_total(model));
			count = model_conflicts(model, NULL, conflicts, 64);
			for (size_t n = 0; n < count; n++) {
				sightings += conflicts[n]->count;
				assert_null(conflicts[n]->map->folded_into);
				assert_true(conflicts[n]->map->conflicts >= conflicts[n]->count);
			}
			assert_true(sightings <= sum);
		}
	}
	assert_true(model_dropped(model) > 0);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_counts_and_rates),
	        cmocka_unit_test(test_verdicts),
	        cmocka_unit_test(test_goroutines_of_a_map),
	        cmocka_unit_test(test_first_use),
	        cmocka_unit_test(test_ended_and_reused_address),
	        cmocka_unit_test(test_process_end),
	        cmocka_unit_test(test_family_folds),
	        cmocka_unit_test(test_family_late_member),
	        cmocka_unit_test(test_family_verdict),
	        cmocka_unit_test(test_conflict_sides),
	        cmocka_unit_test(test_conflict_kinds),
	        cmocka_unit_test(test_conflicts_lost_on_the_way),
	        cmocka_unit_test(test_conflict_rate),
	        cmocka_unit_test(test_chains),
	        cmocka_unit_test(test_crash_on_known_map),
	        cmocka_unit_test(test_crash_before_the_map_is_known),
	        cmocka_unit_test(test_crash_of_another_kind),
	        cmocka_unit_test(test_goroutines),
	        cmocka_unit_test(test_coverage),
	        cmocka_unit_test(test_reset),
	        cmocka_unit_test(test_malformed),
	        cmocka_unit_test(test_no_symbols),
	        cmocka_unit_test(test_orders),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The model under anything in any order, with bounds that are always reached: rows stay consistent
 * with the totals, and the sanitizers watch the memory.
 */
#include "tests/unit/model/model_events.h"

#define EVENTS 60000

static void send_map(struct model *model, uint64_t dice, uint64_t addr, uint32_t gen)
{
	struct map_counts counts = {
	        .ops = {dice % 1000, dice % 77},
	        .type = 0x99 + dice % 2,
	        .first_caller = dice % 4 ? 0x1010 : 0x1000 + dice % 80,
	        .first_ns = START + dice % 3,
	        .conflicts = dice % 5 == 0,
	        .flags = (uint32_t)(dice % 4),
	        .gen = gen,
	};

	map_send(model, addr, &counts, random() % 3 == 0);
}

static void send_anything(struct model *model)
{
	uint64_t dice = (uint64_t)random();
	uint64_t addr = 0x1000 + dice % 90 * 64, line = 0x1001 + dice / 90 % 5;
	uint32_t gen = (uint32_t)(dice / 450 % 3);

	switch (random() % 10) {
	case 0:
		overlap_send(model, gen, access_at(addr, OP_READ, 1, line, 2),
		             access_at(addr, OP_WRITE, 2, 0x2001, 3));
		break;
	case 1:
		stall_send(model, gen, access_at(addr, OP_READ, 1, line, 4));
		break;
	case 2:
		goroutine_send(model, 0xc000 + dice % 20, dice % 30, dice % 1000, dice % 7 == 0);
		break;
	case 3:
		tick(model, 0.5);
		break;
	case 4:
		if (dice % 40 == 0)
			crash_send(model, "concurrent map writes", addr);
		if (dice % 4001 == 0)
			model_reset(model);
		break;
	case 5:
		unordered_send(model, gen, access_at(addr, OP_READ, 1, line, 2),
		               access_at(addr, OP_WRITE, 2, 0x2001, 3));
		break;
	case 6:
		order_send(model, addr,
		           &(struct event_order){.map_gen = gen,
		                                 .pairs = dice % 500,
		                                 .ordered = dice % 300,
		                                 .unordered = dice % 50 == 0,
		                                 .guard_accesses = dice % 100,
		                                 .guard_place = line});
		break;
	default:
		send_map(model, dice, addr, gen);
	}
}

static uint64_t check_maps(const struct model *model)
{
	struct map_row *rows[128];
	size_t count = model_maps(model, MAPS_BY_CONFLICTS, rows, 128);
	uint64_t conflicts = 0, unordered = 0;

	for (size_t i = 0; i < count; i++) {
		conflicts += rows[i]->conflicts;
		assert_true(rows[i]->maps >= 1);
		assert_null(rows[i]->folded_into);
		assert_int_equal(rows[i]->verdict == VERDICT_CONFLICT, rows[i]->conflicts > 0);
		unordered += rows[i]->order.unordered;
		if (rows[i]->verdict != VERDICT_CONFLICT)
			assert_int_equal(rows[i]->verdict == VERDICT_UNORDERED,
			                 rows[i]->order.unordered > 0);
		assert_true(rows[i]->maps == 1 || rows[i]->guard.accesses == 0);
	}
	assert_true(unordered <= model_unordered_total(model));
	assert_true(conflicts <= model_conflict_total(model));
	if (model_dropped(model) == 0)
		assert_int_equal(conflicts, model_conflict_total(model));
	return conflicts;
}

/* Is there an overlap of the same lines? Both are reads of one line and a write of another here. */
static bool overlaps(struct conflict_row *const *rows, size_t count, const struct side *a,
                     const struct side *b, const struct map_row *map)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i]->evidence == EVIDENCE_OVERLAP && rows[i]->map == map &&
		    rows[i]->a.chain[0].pc == a->chain[0].pc &&
		    rows[i]->b.chain[0].pc == b->chain[0].pc)
			return true;
	return false;
}

static void check_conflicts(const struct model *model, uint64_t conflicts)
{
	struct conflict_row *rows[64];
	size_t told, count = model_findings(model, NULL, rows, 64, &told);
	uint64_t sightings = 0;

	for (size_t i = 0; i < count; i++) {
		bool unordered = rows[i]->evidence == EVIDENCE_UNORDERED;
		const struct map_row *map = rows[i]->map;

		sightings += unordered ? 0 : rows[i]->count;
		assert_null(map->folded_into);
		assert_true((unordered ? map->order.unordered : map->conflicts) >= rows[i]->count);
		assert_int_equal(i >= told, rows[i]->also_overlaps);
		assert_int_equal(i >= told,
		                 unordered && overlaps(rows, count, &rows[i]->a, &rows[i]->b, map));
	}
	assert_true(sightings <= conflicts);
}

static void test_anything(void **state)
{
	struct model *model = model_small(60, 10, 12);

	(void)state;
	srandom(3);
	for (int i = 0; i < EVENTS; i++) {
		send_anything(model);
		if (i % 16 == 0)
			check_conflicts(model, check_maps(model));
	}
	assert_true(model_dropped(model) > 0);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Births: found by address and seed, whenever the map is first counted. */
#include "tests/unit/model/model_events.h"

static void birth_send(struct model *model, uint64_t addr, uint64_t seed, uint64_t pc)
{
	struct event_birth event = {.seed = seed};

	header_set(&event.h, EVENT_BIRTH, sizeof(event));
	event.access = (struct access){.time_ns = now,
	                               .map = addr,
	                               .tgid = PID,
	                               .goid = 9,
	                               .depth = 3,
	                               .stack = {0x4001, pc, 0x3001}};
	assert_int_equal(model_apply(model, &event.h), 0);
}

static void test_found_by_address_and_seed(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x99, .seed = 5};
	struct map_row *row;

	(void)state;
	birth_send(model, 0xa0, 4, 0x1001); /* an earlier one at the address */
	birth_send(model, 0xa0, 5, 0x2007);
	birth_send(model, 0xb0, 5, 0x1001);
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	assert_int_equal(row->born_length, 2);
	assert_string_equal(row->born[0].function, "main.writer");
	assert_int_equal(row->born[0].line, 7);
	assert_int_equal(row->born_goid, 9);
	model_destroy(model);
}

static void test_not_of_another_map(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x99, .seed = 6};
	struct map_row *row;

	(void)state;
	birth_send(model, 0xa0, 5, 0x2007);
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	assert_int_equal(row->born_length, 0);
	assert_null(row->born);
	counts.seed = 0; /* not known: so is its birth */
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	assert_int_equal(row->born_length, 0);
	model_destroy(model);
}

/* A row for many maps says where they were made as long as that is one place. */
static void family_send(struct model *model, bool same)
{
	struct map_counts counts = {.ops = {1}, .type = 0x99, .first_caller = 0x100c, .seed = 5};

	for (int i = 0; i < 2 * MODEL_FAMILY_MAPS; i++) {
		birth_send(model, 0xa0 + 0x100 * i, 5, same ? 0x2007 : 0x2007 + (i & 1));
		map_send(model, 0xa0 + 0x100 * i, &counts, ROW_GOES_ON);
	}
}

static void test_family(void **state)
{
	struct model *model = model_new();

	(void)state;
	family_send(model, true);
	assert_int_equal(only_map(model)->maps, 2 * MODEL_FAMILY_MAPS);
	assert_int_equal(only_map(model)->born_length, 2);
	assert_int_equal(only_map(model)->born[0].line, 7);
	model_destroy(model);
	model = model_new();
	family_send(model, false);
	assert_int_equal(only_map(model)->maps, 2 * MODEL_FAMILY_MAPS);
	assert_int_equal(only_map(model)->born_length, 0);
	model_destroy(model);
}

/* More than are kept: the latest are known, memory is bounded, nothing dangles. */
static void test_many(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x99, .seed = 5};
	struct map_row *rows[2];

	(void)state;
	for (uint64_t i = 0; i < 30000; i++)
		birth_send(model, 0x1000 + i % 20000 * 16, 5, 0x2007);
	map_send(model, 0x1000, &counts, ROW_GOES_ON);             /* forgotten */
	map_send(model, 0x1000 + 9999 * 16, &counts, ROW_GOES_ON); /* the latest */
	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 2), 2);
	assert_int_equal(rows[0]->born_length, 0);
	assert_int_equal(rows[1]->born_length, 2);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_found_by_address_and_seed),
	        cmocka_unit_test(test_not_of_another_map),
	        cmocka_unit_test(test_family),
	        cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Lengths of maps: asked for when wanted, once an interval, of the map that was meant. */
#include "tests/unit/model/model_events.h"

struct live {
	int calls, asked;
	struct map_length last[8];
	uint64_t seed;
	int64_t length;
};

static void live_lengths(void *ctx, struct map_length *maps, size_t count)
{
	struct live *live = ctx;

	live->calls += count > 0;
	for (size_t i = 0; i < count; i++) {
		live->last[live->asked++ % 8] = maps[i];
		if (maps[i].seed == live->seed)
			maps[i].length = live->length;
	}
}

static struct model *model_live(struct live *live)
{
	struct model_config config = {.symbols = {.call_chain = names_chain,
	                                          .frames = names_frames,
	                                          .site_function = names_site,
	                                          .type_name = names_type,
	                                          .lengths = live_lengths,
	                                          .ctx = live}};
	struct model *model;

	now = START;
	assert_int_equal(model_create(&config, &model), 0);
	return model;
}

static void test_length_of_the_map_with_the_seed(void **state)
{
	struct live live = {.seed = 5, .length = 42};
	struct model *model = model_live(&live);
	struct map_counts counts = {.ops = {1}, .type = 0x99, .seed = 5};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	tick(model, 1);
	row = only_map(model);
	assert_int_equal(live.calls, 0); /* nobody wanted to know */
	model_lengths_read(model, &row, 1);
	assert_int_equal(row->length, 42);
	assert_int_equal(live.last[0].tgid, PID);
	assert_int_equal(live.last[0].addr, 0xa0);
	assert_int_equal(live.last[0].seed, 5);
	live.length = 43;
	model_lengths_read(model, &row, 1);
	assert_int_equal(row->length, 42); /* once an interval */
	assert_int_equal(live.calls, 1);
	tick(model, 1);
	model_lengths_read(model, &row, 1);
	assert_int_equal(row->length, 43);
	live.seed = 6; /* another map lives there by now */
	tick(model, 1);
	model_lengths_read(model, &row, 1);
	assert_int_equal(row->length, -1);
	model_destroy(model);
}

static void test_length_nobody_can_know(void **state)
{
	struct live live = {.seed = 5, .length = 1};
	struct model *model = model_live(&live);
	struct map_counts counts = {.ops = {1}, .type = 0x99};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON); /* no seed */
	row = only_map(model);
	model_lengths_read(model, &row, 1);
	assert_int_equal(live.asked, 0);
	counts.seed = 5;
	live.length = INT64_MAX; /* no map has so many */
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	tick(model, 1);
	model_lengths_read(model, &row, 1);
	assert_int_equal(live.asked, 1);
	assert_int_equal(row->length, -1);
	map_send(model, 0xa0, &counts, ROW_RETIRED); /* its last word */
	tick(model, 1);
	model_lengths_read(model, &row, 1);
	assert_int_equal(live.asked, 1);
	assert_int_equal(row->length, -1);
	model_destroy(model);
}

/* A row that stands for many maps has no one length. */
static void test_length_of_a_family(void **state)
{
	struct live live = {.seed = 5, .length = 1};
	struct model *model = model_live(&live);
	struct map_counts counts = {.ops = {1}, .type = 0x99, .first_caller = 0x100c, .seed = 5};
	struct map_row *row;

	(void)state;
	for (int i = 0; i <= MODEL_FAMILY_MAPS; i++)
		map_send(model, 0xa0 + 0x100 * i, &counts, ROW_GOES_ON);
	row = only_map(model);
	assert_int_equal(row->maps, MODEL_FAMILY_MAPS + 1);
	model_lengths_read(model, &row, 1);
	assert_int_equal(live.asked, 0);
	assert_int_equal(row->length, -1);
	model_destroy(model);
}

/* As in a replay. */
static void test_no_live_process(void **state)
{
	struct model *model = model_new();
	struct map_counts counts = {.ops = {1}, .type = 0x99, .seed = 5};
	struct map_row *row;

	(void)state;
	map_send(model, 0xa0, &counts, ROW_GOES_ON);
	row = only_map(model);
	model_lengths_read(model, &row, 1);
	assert_int_equal(row->length, -1);
	model_destroy(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_length_of_the_map_with_the_seed),
	        cmocka_unit_test(test_length_nobody_can_know),
	        cmocka_unit_test(test_length_of_a_family),
	        cmocka_unit_test(test_no_live_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

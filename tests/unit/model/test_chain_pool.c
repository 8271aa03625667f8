/* SPDX-License-Identifier: MIT */
/* Call chains kept once, and what is built on that: a call tree, and filters that remember. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/model/chain_pool.h"
#include "tests/synthetic/synthetic.h"
#include "tui/words/call_tree.h"
#include "tui/words/match.h"

#define LENGTH 3

static void chain_make(struct frame frames[LENGTH], uint64_t pc)
{
	for (int i = 0; i < LENGTH; i++)
		frames[i] = (struct frame){
		        .function = "main.f", .file = "/src/f.go", .line = i, .pc = pc + i};
}

static void test_equal_chains_are_one(void **state)
{
	struct chain_pool pool = {0};
	struct frame x[LENGTH], y[LENGTH];
	const struct frame *a, *b, *c;

	(void)state;
	chain_make(x, 1);
	chain_make(y, 1);
	a = chain_pool_take(&pool, x, LENGTH);
	assert_ptr_equal(a, chain_pool_take(&pool, y, LENGTH));
	b = chain_pool_take(&pool, x, LENGTH - 1);
	assert_ptr_not_equal(a, b);
	y[1].inlined = true;
	c = chain_pool_take(&pool, y, LENGTH);
	assert_ptr_not_equal(a, c);
	assert_true(c[1].inlined);
	assert_null(chain_pool_take(&pool, x, 0));
	assert_int_equal(pool.chains.count, 3);
	chain_pool_give(&pool, a);
	assert_int_equal(pool.chains.count, 3); /* it was taken twice */
	chain_pool_give(&pool, a);
	chain_pool_give(&pool, b);
	chain_pool_give(&pool, chain_pool_share(c));
	assert_int_equal(pool.chains.count, 1);
	chain_pool_give(&pool, c);
	chain_pool_give(&pool, NULL);
	assert_int_equal(pool.chains.count, 0);
	chain_pool_clear(&pool);
}

/* ---- with a load ------------------------------------------------------------------------------
 */

struct load {
	struct event_queue *queue;
	struct synthetic *synthetic;
	struct model *model;
	struct rows rows;
};

static void load_open(struct load *load)
{
	const struct synthetic_config made_up = {.maps = 300,
	                                         .goroutines = 300,
	                                         .conflict_maps = 20,
	                                         .operations_per_second = 1e5,
	                                         .conflicts_per_second = 100,
	                                         .stalls_per_second = 100,
	                                         .short_maps_per_second = 30};
	struct model_config config = {.maps_max = 200, .goroutines_max = 250};

	*load = (struct load){0};
	assert_int_equal(event_queue_create(1u << 22, &load->queue), 0);
	assert_int_equal(synthetic_create(&made_up, load->queue, &load->synthetic), 0);
	config.symbols = synthetic_symbols(load->synthetic);
	assert_int_equal(model_create(&config, &load->model), 0);
	assert_int_equal(synthetic_targets_add(load->synthetic, load->model), 0);
}

static void load_step(struct load *load)
{
	assert_true(synthetic_run(load->synthetic, load->queue, load->model) >= 0);
	assert_int_equal(rows_refresh(&load->rows, load->model), 0);
}

static void load_close(struct load *load)
{
	rows_free(&load->rows);
	model_destroy(load->model);
	synthetic_destroy(load->synthetic);
	event_queue_destroy(load->queue);
}

/* A filter that has seen all rows many times says of each what a fresh one says; a reset in
 * between, rows that make room for others and verdicts that change included. */
static void test_filter_remembers_the_truth(void **state)
{
	static const char *const words[] = {"order", "is:conflict", "func:handle", "file:.go", "1"};
	struct pattern old[sizeof(words) / sizeof(words[0])] = {0}, fresh = {0};
	size_t found = 0, missed = 0;
	struct load load;
	char why[64];

	(void)state;
	load_open(&load);
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		assert_int_equal(pattern_set(&old[w], words[w], why, sizeof(why)), 0);
	for (int tick = 0; tick < 40; tick++) {
		if (tick == 25)
			model_reset(load.model);
		load_step(&load);
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			assert_int_equal(pattern_set(&fresh, words[w], why, sizeof(why)), 0);
			for (size_t i = 0; i < load.rows.map_count; i++) {
				bool has = match_map(&load.rows, load.rows.maps[i], &fresh);

				assert_int_equal(match_map(&load.rows, load.rows.maps[i], &old[w]),
				                 has);
				*(has ? &found : &missed) += 1;
			}
			for (size_t i = 0; i < load.rows.goroutine_count; i++)
				assert_int_equal(match_goroutine(load.rows.goroutines[i], &old[w]),
				                 match_goroutine(load.rows.goroutines[i], &fresh));
		}
	}
	assert_true(found > 0 && missed > 0);
	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		pattern_clear(&old[w]);
	pattern_clear(&fresh);
	load_close(&load);
}

static uint64_t roots_sum(const struct call_tree *tree)
{
	uint64_t sum = 0;

	for (int i = tree->first_root; i != CALL_TREE_NOWHERE; i = tree->nodes[i].next)
		sum += tree->nodes[i].count;
	return sum;
}

/* Whatever maps share, the tree holds each chain's count once, at every frame of it. */
static void test_tree_holds_all_counts(void **state)
{
	static struct call_tree tree;
	uint64_t total = 0;
	struct load load;

	(void)state;
	load_open(&load);
	for (int tick = 0; tick < 10; tick++)
		load_step(&load);
	call_tree_begin(&tree, &(struct range){0});
	for (size_t i = 0; i < load.rows.map_count; i++) {
		const struct map_row *map = load.rows.maps[i];

		call_tree_add_map(&tree, map);
		for (size_t k = 0; k < map->chain_count; k++)
			total += map->chains[k].count;
	}
	assert_true(call_tree_finish(&tree));
	assert_true(total > 0);
	assert_int_equal(tree.total + tree.left_out, total);
	assert_int_equal(roots_sum(&tree), tree.total);
	for (int i = 0; i < tree.node_count; i++) {
		const struct call_node *node = &tree.nodes[i];
		uint64_t below = 0, before = UINT64_MAX;

		for (int c = node->first_child; c != CALL_TREE_NOWHERE; c = tree.nodes[c].next) {
			assert_int_equal(tree.nodes[c].parent, i);
			assert_true(tree.nodes[c].count <= before);
			before = tree.nodes[c].count;
			below += tree.nodes[c].count;
		}
		assert_true(call_node_is_leaf(node) ? below <= node->count : below == node->count);
	}
	load_close(&load);
}

static void tree_make(struct call_tree *tree, const struct load *load, size_t every,
                      const struct range *range)
{
	do {
		call_tree_begin(tree, range);
		for (size_t i = 0; i < load->rows.map_count; i += every)
			call_tree_add_map(tree, load->rows.maps[i]);
	} while (!call_tree_finish(tree));
}

/* A tree that was made again and again says what one says that is made now. */
static void test_tree_remembers_the_truth(void **state)
{
	static struct call_tree old, fresh;
	const struct range all = {0}, deep = {.set = true,
	                                      .in = {.depth_low = 3,
	                                             .depth_high = 4,
	                                             .tick_high = UINT32_MAX}};
	unsigned int remembered = 0;
	struct load load;

	(void)state;
	load_open(&load);
	call_tree_forget(&old);
	for (int tick = 0; tick < 60; tick++) {
		/* Now and then another filter, or another range. */
		size_t every = tick % 10 < 7 ? 1 : 5;
		const struct range *range = tick % 16 < 12 ? &all : &deep;

		load_step(&load);
		tree_make(&old, &load, every, range);
		remembered += old.remembers;
		call_tree_forget(&fresh);
		tree_make(&fresh, &load, every, range);
		assert_int_equal(old.left_out, 0);
		assert_int_equal(fresh.left_out, 0);
		assert_int_equal(old.total, fresh.total);
		assert_int_equal(old.line_count, fresh.line_count);
		for (int i = 0; i < old.line_count; i++) {
			const struct call_node *a = &old.nodes[old.lines[i]];
			const struct call_node *b = &fresh.nodes[fresh.lines[i]];

			assert_int_equal(a->path, b->path);
			assert_int_equal(a->count, b->count);
			assert_int_equal(a->conflicts, b->conflicts);
			assert_int_equal(a->offset, b->offset);
			assert_int_equal(call_node_is_leaf(a), call_node_is_leaf(b));
		}
	}
	assert_true(remembered > 20);
	load_close(&load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_equal_chains_are_one),
	        cmocka_unit_test(test_filter_remembers_the_truth),
	        cmocka_unit_test(test_tree_holds_all_counts),
	        cmocka_unit_test(test_tree_remembers_the_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

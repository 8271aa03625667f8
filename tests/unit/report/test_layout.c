/* SPDX-License-Identifier: MIT */
/* The layout, at every size from 1x1 to 400x100 and with every focus: panes stay on the screen, do
 * not overlap, and the focused one has room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/term/layout.h"

#define HEIGHT_MAX 100
#define WIDTH_MAX  400

static unsigned char taken[HEIGHT_MAX][WIDTH_MAX];

static void take(const struct rect *rect, int height, int width)
{
	if (rect->height == 0)
		return;
	assert_true(rect->y >= 0 && rect->x >= 0 && rect->height > 0 && rect->width > 0);
	assert_true(rect->y + rect->height <= height);
	assert_true(rect->x + rect->width <= width);
	for (int y = rect->y; y < rect->y + rect->height; y++)
		for (int x = rect->x; x < rect->x + rect->width; x++)
			assert_int_equal(taken[y][x]++, 0);
}

static void check_divider(int x, const struct rect *left, const struct rect *right)
{
	if (x < 0)
		return;
	assert_int_equal(left->x + left->width, x);
	assert_int_equal(right->x, x + 1);
	assert_int_equal(left->y, right->y);
	assert_int_equal(left->height, right->height);
	for (int y = left->y; y < left->y + left->height; y++)
		taken[y][x]++;
}

static void check(int height, int width, enum pane_id focus)
{
	struct layout layout = layout_compute(height, width, focus, NULL);

	assert_int_equal(layout.too_small, height < LAYOUT_MIN_HEIGHT || width < LAYOUT_MIN_WIDTH);
	if (layout.too_small)
		return;
	memset(taken, 0, sizeof(taken));
	take(&layout.header, height, width);
	take(&layout.keys, height, width);
	for (int i = 0; i < PANE_COUNT; i++)
		take(&layout.pane[i], height, width);
	check_divider(layout.upper_divider_x, &layout.pane[PANE_MAPS], &layout.pane[PANE_HEAT]);
	check_divider(layout.lower_divider_x, &layout.pane[PANE_GOROUTINES],
	              &layout.pane[PANE_CHAINS]);
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			assert_int_equal(taken[y][x], 1); /* no cell forgotten, none twice */
	/* Title, column heads, a row, the sums. */
	assert_true(layout.pane[focus].height >= 4);
	assert_true(layout.pane[focus].width >= 10);
}

static void every_size_is_covered_once(void **state)
{
	(void)state;
	for (int height = 1; height <= HEIGHT_MAX; height++)
		for (int width = 1; width <= WIDTH_MAX; width += width < 130 ? 1 : 9)
			for (int focus = 0; focus < PANE_COUNT; focus++)
				check(height, width, (enum pane_id)focus);
}

static void all_panes_at_80x24(void **state)
{
	(void)state;
	for (int focus = 0; focus < PANE_COUNT; focus++) {
		struct layout layout = layout_compute(24, 80, (enum pane_id)focus, NULL);

		for (int i = 0; i < PANE_COUNT; i++)
			assert_true(layout.pane[i].height >= 8);
		assert_true(layout.pane[PANE_HEAT].width >= 18);
	}
}

static void the_layout_does_not_jump_with_the_focus(void **state)
{
	struct layout first = layout_compute(24, 80, PANE_MAPS, NULL);

	(void)state;
	for (int focus = 1; focus < PANE_COUNT; focus++) {
		struct layout other = layout_compute(24, 80, (enum pane_id)focus, NULL);

		assert_memory_equal(first.pane, other.pane, sizeof(first.pane));
	}
}

static void a_banner_leaves_room(void **state)
{
	(void)state;
	for (int height = LAYOUT_MIN_HEIGHT; height <= HEIGHT_MAX; height++) {
		struct layout_wish wish = {.banner_lines = 4};
		struct layout layout = layout_compute(height, 80, PANE_MAPS, &wish);

		assert_int_equal(layout.banner.y, layout.header.y + layout.header.height);
		assert_int_equal(layout.body.y, layout.banner.y + layout.banner.height);
		assert_int_equal(layout.body.y + layout.body.height, layout.keys.y);
		assert_in_range(layout.banner.height, 2, 4);
		assert_in_range(layout.body.height, 5, height);
		assert_int_equal(layout.pane[PANE_MAPS].y, layout.body.y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_size_is_covered_once),
	        cmocka_unit_test(a_banner_leaves_room),
	        cmocka_unit_test(all_panes_at_80x24),
	        cmocka_unit_test(the_layout_does_not_jump_with_the_focus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

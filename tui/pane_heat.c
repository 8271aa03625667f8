/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>

#include "tui/draw.h"
#include "tui/format.h"
#include "tui/heat_scale.h"
#include "tui/pane.h"

/* Rows are those of the maps pane, columns are depths of call chains: how deep below its first
 * function a goroutine was when it collided. One place in the code makes one hot column; a map
 * that is passed around makes many. */

#define DEPTHS_SHOWN_MIN 8
#define CELL_WIDTH_MAX   3

static int deepest(const struct table *maps)
{
	int depth = DEPTHS_SHOWN_MIN;

	for (size_t i = 0; i < maps->count; i++) {
		const struct map_row *map = maps->rows[i];

		for (int d = STACK_DEPTH_MAX; map->conflicts && d > depth; d--)
			if (map->heat_depth[d - 1]) {
				depth = d;
				break;
			}
	}
	return depth;
}

static int cell_width(const struct rect *area, int depths)
{
	int width = area->width / depths;

	return width < 1 ? 1 : width > CELL_WIDTH_MAX ? CELL_WIDTH_MAX : width;
}

static void draw_ruler(const struct rect *area, int y, int first, int shown, int width)
{
	int free_from = area->x;

	draw_text(y, area->x, area->width, STYLE_HEAD, GROUND_NONE, "");
	for (int i = 0; i < shown; i++) {
		int depth = first + i + 1;
		char label[FORMAT_MAX];
		int x = area->x + i * width;

		snprintf(label, sizeof(label), "%d", depth);
		x += width / 2 - (text_width(label) > 1 && width > 2);
		if (width < 3 && depth % 5 && depth != 1)
			continue;
		if (x < free_from || x + text_width(label) > area->x + area->width)
			continue;
		draw_word(y, x, 3, STYLE_HEAD, GROUND_NONE, label);
		free_from = x + text_width(label) + (width < 3);
	}
}

static void draw_row(const struct map_row *map, int y, int x, int first, int shown, int width,
                     enum ground ground)
{
	for (int i = 0; i < shown; i++) {
		int d = first + i;

		draw_heat(y, x + i * width, width,
		          heat_level(map->heat_rate[d], map->heat_depth[d]), ground);
	}
}

/* "0 123456789 >100/s", each digit in its colour. */
static void draw_legend(const struct rect *area)
{
	int y = area->y + area->height - 1, x = area->x;
	int width = area->width >= 9 * 2 + 20 ? 2 : 1;
	bool words = area->width >= 9 * width + 22;

	draw_text(y, x, area->width, STYLE_DIM, GROUND_NONE, "");
	x += draw_word(y, x, area->width, STYLE_DIM, GROUND_NONE, words ? "rare " : "0 ");
	for (int level = 1; level <= HEAT_LEVELS; level++, x += width)
		draw_heat(y, x, width, level, GROUND_NONE);
	draw_words(y, x, area->x + area->width - x, STYLE_DIM, GROUND_NONE, " >%s%s",
	           heat_level_from(HEAT_LEVELS), words ? " conflicts/s" : "/s");
}

static void draw_rows(struct ui *ui, const struct rect *area, int first, int shown, int width,
                      bool focused)
{
	for (int i = 0; i < area->height - 3; i++) {
		size_t index = ui->maps.list.top + (size_t)i;
		int y = area->y + 2 + i;
		enum ground ground;

		if (index >= ui->maps.count)
			break;
		ground = index != ui->maps.list.selected ? GROUND_NONE
		         : focused                       ? GROUND_SELECTED
		                                         : GROUND_MARKED;
		draw_text(y, area->x, area->width, STYLE_TEXT, ground, "");
		draw_row(ui->maps.rows[index], y, area->x, first, shown, width, ground);
	}
}

static void draw(struct ui *ui, const struct rect *area, bool focused)
{
	int depths = deepest(&ui->maps);
	int width = cell_width(area, depths);
	int room = area->width / width;
	int first, shown;

	if (ui->heat_first_depth > depths - room)
		ui->heat_first_depth = depths > room ? depths - room : 0;
	first = ui->heat_first_depth;
	shown = STACK_DEPTH_MAX - first < room ? STACK_DEPTH_MAX - first : room;
	draw_title(area, focused,
	           area->width >= 44   ? "Heat: conflicts/s by call-chain depth"
	           : area->width >= 26 ? "Heat: conflicts by depth"
	                               : "Heat by depth",
	           NULL);
	draw_ruler(area, area->y + 1, first, shown, width);
	list_show(&ui->maps.list, (size_t)(area->height - 3));
	draw_rows(ui, area, first, shown, width, focused);
	draw_legend(area);
}

static enum handled act(struct ui *ui, enum action action)
{
	if (action == ACTION_RIGHT) {
		ui->heat_first_depth++; /* drawing holds it within the depths that there are */
		return HANDLED;
	}
	if (action == ACTION_LEFT) {
		ui->heat_first_depth -= ui->heat_first_depth > 0;
		return HANDLED;
	}
	return pane_maps.act(ui, action);
}

static struct table *table(struct ui *ui)
{
	return &ui->maps;
}

const struct pane_ops pane_heat = {"heat", draw, act, NULL, table, NULL};

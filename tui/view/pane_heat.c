/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/term/heat_scale.h"
#include "tui/view/heat_when.h"
#include "tui/view/table_pane.h"
#include "tui/words/format.h"

/* Rows are those of the maps pane. At first columns are time: since when there are conflicts, and
 * how often. By map, columns are depths of call chains: how deep below its first function a
 * goroutine was when it collided. One place in the code makes one hot column; a map that is passed
 * around makes many. */

#define DEPTHS_SHOWN_MIN 8
#define CELL_WIDTH_MAX   3

/* Of the maps with conflicts: they are few, and a walk over all rows would cost more than the rest
 * of the frame. */
static int deepest(const struct rows *rows)
{
	int depth = DEPTHS_SHOWN_MIN;

	for (size_t i = 0; i < rows->conflict_count; i++) {
		int own = heat_deepest(rows->conflicts[i]->map);

		depth = own > depth ? own : depth;
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

static void draw_row(const struct ui *ui, const struct map_row *map, int y, int x, int first,
                     int shown, int width, enum ground ground)
{
	for (int i = 0; i < shown; i++) {
		int d = first + i;
		bool marked = ground == GROUND_SELECTED &&
		              heat_is_marked(&ui->heat_pane.cursor, &ui->rows, d + 1, 0);

		draw_heat(y, x + i * width, width,
		          heat_level(map->heat_rate[d], map->heat_depth[d]),
		          marked ? GROUND_CURSOR : ground);
	}
}

/* When: rows are those of the maps pane. */
static void draw_when(struct ui *ui, const struct rect *area, bool focused)
{
	struct rect line = {area->y + 1, area->x, 1, area->width};

	heat_when_ruler_draw(&ui->rows, &line);
	list_show(&ui->maps.list, (size_t)(area->height - 3));
	for (int i = 0; i < area->height - 3; i++) {
		size_t index = ui->maps.list.top + (size_t)i;

		if (index >= ui->maps.count)
			break;
		line.y++;
		heat_when_row_draw(&ui->rows, table_row(&ui->maps, index), &line,
		                   index != ui->maps.list.selected ? GROUND_NONE
		                   : focused                       ? GROUND_SELECTED
		                                                   : GROUND_MARKED);
	}
	heat_legend_draw(area);
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
		draw_row(ui, table_row(&ui->maps, index), y, area->x, first, shown, width, ground);
	}
}

/* By map: rows are those of the maps pane. */
static void draw_by_map(struct ui *ui, const struct rect *area, bool focused)
{
	int depths = deepest(&ui->rows);
	int width = cell_width(area, depths);
	int room = area->width / width;
	int first, shown;

	if (ui->heat_pane.cursor.depth > ui->heat_pane.first_depth + room)
		ui->heat_pane.first_depth = ui->heat_pane.cursor.depth - room;
	if (ui->heat_pane.cursor.depth && ui->heat_pane.cursor.depth <= ui->heat_pane.first_depth)
		ui->heat_pane.first_depth = ui->heat_pane.cursor.depth - 1;
	if (ui->heat_pane.first_depth > depths - room)
		ui->heat_pane.first_depth = depths > room ? depths - room : 0;
	first = ui->heat_pane.first_depth;
	shown = STACK_DEPTH_MAX - first < room ? STACK_DEPTH_MAX - first : room;
	draw_ruler(area, area->y + 1, first, shown, width);
	list_show(&ui->maps.list, (size_t)(area->height - 3));
	draw_rows(ui, area, first, shown, width, focused);
	heat_legend_draw(area);
}

static void draw_of_one_map(struct ui *ui, const struct rect *area, bool focused)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	const struct map_row *map = ui_selected_map(ui);
	char why[EXPLAIN_MAX];

	if (map && map->conflicts)
		heat_draw(&ui->heat_pane.cursor, &ui->rows, map, &body, focused);
	else if (map)
		draw_wrapped(body.y, body.x + 1, body.width - 2, body.height, STYLE_DIM,
		             explain_no_conflicts(&ui->rows, map, why));
	else
		draw_wrapped(body.y, body.x + 1, body.width - 2, body.height, STYLE_DIM,
		             "No map is selected.");
}

static bool has_rows_of_maps(const struct ui *ui)
{
	return ui->heat_pane.cursor.mode == HEAT_WHEN || ui->heat_pane.cursor.mode == HEAT_BY_MAP;
}

/* Titles from long to short. */
static const char *const titles[HEAT_MODES][3] = {
        [HEAT_WHEN] = {"Heat: conflicts and unordered pairs by time", "Heat: conflicts by time",
                       "Heat: when"},
        [HEAT_BY_MAP] = {"Heat: conflicts/s by call-chain depth", "Heat: conflicts by depth",
                         "Heat by depth"},
        [HEAT_BY_TIME] = {"Heat: call-chain depth by time", "Heat: depth by time", "Heat by time"},
        [HEAT_BY_FREQUENCY] = {"Heat: conflicts by call-chain depth", "Heat: depth, frequency",
                               "Heat: counts"},
};

static void draw(struct ui *ui, const struct pane_ops *pane, const struct rect *area, bool focused)
{
	const struct map_row *map = ui_selected_map(ui);
	char remark[32] = "";

	(void)pane;
	if (!has_rows_of_maps(ui) && map)
		snprintf(remark, sizeof(remark), "m%u", map->number);
	draw_title(area, focused,
	           titles[ui->heat_pane.cursor.mode][area->width >= 44   ? 0
	                                             : area->width >= 26 ? 1
	                                                                 : 2],
	           remark);
	if (ui->heat_pane.cursor.mode == HEAT_WHEN)
		draw_when(ui, area, focused);
	else if (ui->heat_pane.cursor.mode == HEAT_BY_MAP)
		draw_by_map(ui, area, focused);
	else
		draw_of_one_map(ui, area, focused);
}

/* Without a cursor yet: at the first depth, or the deepest of the map. */
static bool move(struct ui *ui, enum action action)
{
	const struct map_row *map = ui_selected_map(ui);
	int most = deepest(&ui->rows);

	if (ui->heat_pane.cursor.mode == HEAT_WHEN)
		return false;
	if (ui->heat_pane.cursor.mode != HEAT_BY_MAP)
		return heat_act(&ui->heat_pane.cursor, &ui->rows, map, action);
	if (action == ACTION_RIGHT)
		ui->heat_pane.cursor.depth += ui->heat_pane.cursor.depth < most;
	else if (action == ACTION_LEFT)
		ui->heat_pane.cursor.depth -= ui->heat_pane.cursor.depth > 1;
	else
		return false;
	return true;
}

static void open_cell(struct ui *ui)
{
	const struct map_row *map = ui_selected_map(ui);
	struct history_range range = heat_range(&ui->heat_pane.cursor, &ui->rows);

	if (ui->heat_pane.cursor.marking && ui->heat_pane.cursor.depth)
		ui_range_set(ui, range);
	else if (map && ui->heat_pane.cursor.depth && map->conflicts &&
	         ui->heat_pane.cursor.mode != HEAT_WHEN)
		ui_range_open(ui, range, map);
	else if (map)
		map_view_open(ui, map);
}

static enum handled act(struct ui *ui, const struct pane_ops *pane, enum action action)
{
	(void)pane;
	if (action == ACTION_MARK && ui->heat_pane.cursor.mode == HEAT_WHEN)
		ui_notice(ui, false, "a range is picked in the other heatmaps: v shows them");
	else if (action == ACTION_MARK)
		ui_heat_mark(ui, &ui->heat_pane.cursor);
	else if (action == ACTION_OPEN)
		open_cell(ui);
	else if (!move(ui, action))
		return pane_maps.act(ui, &pane_maps, action);
	return HANDLED;
}

static struct table *table(struct ui *ui)
{
	return &ui->maps;
}

const struct pane_ops pane_heat = {
        .name = "heat", .draw = draw, .act = act, .copy = table_pane_copy, .table = table};

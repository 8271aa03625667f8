/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "core/report/order_text.h"
#include "tui/term/draw.h"
#include "tui/term/heat_scale.h"
#include "tui/view/copy_text.h"
#include "tui/view/fight_matrix.h"
#include "tui/view/pane.h"
#include "tui/view/timeline_chart.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"

/* One map: what it is, the verdict with its evidence in words, heat by depth, then its conflicts
 * and call chains. */

#define LABEL_WIDTH 11
#define NAME_BYTES  2048

static int draw_labelled(int y, const struct rect *area, const char *label, enum style style,
                         const char *text)
{
	int lines = area->height / 6 > 1 ? area->height / 6 : 1;
	int room = area->y + area->height - y;
	char clean[NAME_BYTES];

	if (room <= 0)
		return y;
	lines = lines < room ? lines : room;
	/* Long names can be read in full here, as far as there is room. */
	draw_word(y, area->x + 1, LABEL_WIDTH - 1, STYLE_DIM, GROUND_NONE, label);
	sanitize(text, clean, sizeof(clean));
	lines = draw_wrapped(y, area->x + 1 + LABEL_WIDTH, area->width - LABEL_WIDTH - 2, lines,
	                     style, clean);
	return y + (lines ? lines : 1);
}

/* How its accesses are ordered, and what guards it; nothing where nothing is known. */
static int draw_order(const struct map_row *map, int y, const struct rect *area)
{
	const char *const labels[] = {"pairs", "how", "reason", "lock", "others"};
	char texts[sizeof(labels) / sizeof(labels[0])][NAME_BYTES];

	order_pairs_text(&map->order, texts[0], NAME_BYTES);
	if (map->order.unknown)
		snprintf(texts[0] + strlen(texts[0]), NAME_BYTES - strlen(texts[0]),
		         "; unknown: not all that the two did in between was seen");
	order_how_text(&map->order, texts[1], NAME_BYTES);
	snprintf(texts[2], NAME_BYTES, "%s", order_reason_text(map_reason(map)));
	order_guard_text(&map->guard, texts[3], NAME_BYTES);
	order_bare_text(&map->guard, texts[4], NAME_BYTES);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (*texts[i])
			y = draw_labelled(y, area, labels[i], STYLE_TEXT, texts[i]);
	return y;
}

static int draw_identity(const struct ui *ui, const struct map_row *map, int y,
                         const struct rect *area)
{
	char text[NAME_BYTES], function[NAME_BYTES / 2], line[256], age[FORMAT_MAX],
	        count[FORMAT_MAX];
	uint64_t now = ui->rows.now_ns;
	int used;

	y = draw_labelled(y, area, "type", STYLE_STRONG,
	                  map->type ? map->type : "not known: the target does not tell it");
	snprintf(text, sizeof(text), "%s  %s",
	         map->first_use.function || map->first_use.pc
	                 ? format_line(&map->first_use, line, sizeof(line))
	                 : "not known",
	         format_function(&map->first_use, function, sizeof(function)));
	y = draw_labelled(y, area, "first used", STYLE_TEXT, text);
	if (map->born_length) {
		snprintf(text, sizeof(text), "%s  %s",
		         format_line(&map->born[0], line, sizeof(line)),
		         format_function(&map->born[0], function, sizeof(function)));
		y = draw_labelled(y, area, "made at", STYLE_TEXT, text);
	}
	used = snprintf(text, sizeof(text), "0x%" PRIx64 " in process %u", map->addr, map->tgid);
	if (map->length >= 0)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "  %" PRId64 " keys",
		                 map->length);
	if (map->maps > 1)
		used += snprintf(text + used, sizeof(text) - (size_t)used,
		                 "  stands for %s maps first used there",
		                 format_count(map->maps, count));
	snprintf(text + used, sizeof(text) - (size_t)used, "  last used %s ago%s",
	         format_age(now, map->last_ns, age), map->ended ? ", gone since" : "");
	return draw_labelled(y, area, "lives at", STYLE_TEXT, text);
}

static int draw_rates(const struct map_row *map, int y, const struct rect *area)
{
	char text[512], rate[FORMAT_MAX], count[FORMAT_MAX];
	bool totals = area->width >= 150;
	size_t used = 0;

	for (unsigned int op = 0; op < OP_COUNT; op++) {
		if (!map->ops[op])
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s%s",
		                         map_op_name(op),
		                         map->rate_estimated && map->rate[op] > 0 ? "~" : "",
		                         format_rate(map->rate[op], rate));
		if (totals)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " (%s seen)",
			                         format_count(map->ops[op], count));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "  ");
	}
	snprintf(text + used, sizeof(text) - used, "by %s%u goroutine%s",
	         map->goroutines_estimated ? "about " : "", map->goroutines,
	         map->goroutines == 1 ? "" : "s");
	return draw_labelled(y, area, "ops/s", STYLE_TEXT, text);
}

static int draw_verdict(const struct ui *ui, const struct map_row *map, int y,
                        const struct rect *area)
{
	char why[EXPLAIN_MAX];

	draw_word(y, area->x + 1, LABEL_WIDTH - 1, verdict_style(map->verdict), GROUND_NONE,
	          map_verdict_name(map->verdict));
	return y + draw_wrapped(y, area->x + 1 + LABEL_WIDTH, area->width - LABEL_WIDTH - 2,
	                        area->height > 20 ? 5 : 4, STYLE_TEXT,
	                        explain_verdict(&ui->rows, map, why));
}

/* Depths with conflicts: number, heat, conflicts. As many as fit in the line. */
static int draw_heat_strip(const struct map_row *map, int y, const struct rect *area)
{
	int x = area->x + 1 + LABEL_WIDTH, end = area->x + area->width - 1;
	char count[FORMAT_MAX], text[64];
	int depths = heat_deepest(map);

	if (!depths || y >= area->y + area->height)
		return y;
	draw_word(y, area->x + 1, LABEL_WIDTH - 1, STYLE_DIM, GROUND_NONE, "heat");
	for (int d = 0; d < depths; d++) {
		int level = heat_level(map->heat_rate[d], map->heat_depth[d]);

		if (!level)
			continue;
		snprintf(text, sizeof(text), " depth %d: %s%s  ", d + 1,
		         format_count(map->heat_depth[d], count), glyph(GLYPH_TIMES));
		if (x + 3 + text_width(text) > end)
			break;
		draw_heat(y, x, 3, level, GROUND_NONE);
		x += 3 + draw_word(y, x + 3, end - x - 3, STYLE_TEXT, GROUND_NONE, text);
	}
	return y + 1;
}

/* ---- sections ------------------------------------------------------------------------ */

static void draw_conflicts(struct ui *ui, const struct map_row *map, const struct rect *area,
                           bool focused)
{
	(void)map;
	chain_list_draw(&ui->map_view.chains, &ui->rows, area, focused);
}

/* What the others are drawn from; without a conflict there is nothing to draw. */
static bool has_conflicts(const struct ui *ui, const struct map_row *map, const struct rect *area)
{
	char why[EXPLAIN_MAX];

	if (map->conflicts)
		return true;
	draw_wrapped(area->y, area->x + 1, area->width - 2, area->height, STYLE_DIM,
	             explain_no_conflicts(&ui->rows, map, why));
	return false;
}

static void draw_heat_by_time(struct ui *ui, const struct map_row *map, const struct rect *area,
                              bool focused)
{
	if (has_conflicts(ui, map, area))
		heat_draw(&ui->map_view.heat, &ui->rows, map, area, focused);
}

static void draw_lines(struct ui *ui, const struct map_row *map, const struct rect *area,
                       bool focused)
{
	static struct fight_matrix matrix;

	(void)focused;
	if (!has_conflicts(ui, map, area))
		return;
	fight_matrix_fill(&matrix, &ui->rows, map, &ui->range);
	fight_matrix_draw(&matrix, area);
}

static void draw_timeline(struct ui *ui, const struct map_row *map, const struct rect *area,
                          bool focused)
{
	struct rect part = {area->y, area->x + 1, area->height, area->width - 2};

	(void)focused;
	if (part.height > 12)
		part.height = 12;
	timeline_chart_draw(&ui->rows, map, &part);
}

/* One at a time where the screen is narrow; else the others stand beside the conflicts. */
static const struct section {
	const char *name, *title;
	void (*draw)(struct ui *ui, const struct map_row *map, const struct rect *area,
	             bool focused);
	int share; /* of the lines beside the conflicts */
} sections[MAP_SECTIONS] = {
        [MAP_CONFLICTS] = {"conflicts", "Conflicts and unordered pairs, then call chains",
                           draw_conflicts, 0},
        [MAP_HEAT] = {"heat", "Conflicts by call-chain depth and time", draw_heat_by_time, 5},
        [MAP_LINES] = {"lines", "Which line met which", draw_lines, 3},
        [MAP_TIMELINE] = {"timeline", "Reads, changes and conflicts by time", draw_timeline, 3},
};

#define SHARES        11
#define BESIDE_FROM   132   /* columns from which they stand side by side */
#define TALL_FROM     24    /* lines of all sections together */
#define BESIDE_COLUMN 3 / 7 /* where the right half begins */

/* "conflicts | heat | lines | timeline", the one that is shown marked. */
static void draw_tabs(const struct ui *ui, const struct rect *area)
{
	int x = area->x + 1;

	draw_title(area, false, "", "Tab: next");
	for (int i = 0; i < MAP_SECTIONS; i++) {
		x += draw_words(area->y, x, area->x + area->width - x,
		                i == (int)ui->map_view.section ? STYLE_TITLE_FOCUS : STYLE_TITLE,
		                GROUND_NONE, " %s ", sections[i].name);
		x++;
	}
}

static struct rect below(const struct rect *area)
{
	return (struct rect){area->y + 1, area->x, area->height - 1, area->width};
}

static void draw_one_section(struct ui *ui, const struct map_row *map, const struct rect *area)
{
	struct rect body = below(area);

	draw_tabs(ui, area);
	if (body.height > 0)
		sections[ui->map_view.section].draw(ui, map, &body, true);
}

static void draw_titled(struct ui *ui, enum map_section id, const struct map_row *map,
                        const struct rect *area)
{
	struct rect body = below(area);
	bool focused = ui->map_view.section == id;
	char words[128] = "";

	if (ui->range.set && id != MAP_HEAT && id != MAP_TIMELINE)
		range_words(&ui->range, &ui->rows, words, sizeof(words));
	draw_title(area, focused, sections[id].title, words);
	if (body.height > 0)
		sections[id].draw(ui, map, &body, focused);
}

static void draw_all_sections(struct ui *ui, const struct map_row *map, const struct rect *area)
{
	int left = area->width * BESIDE_COLUMN;
	struct rect part = {area->y, area->x, area->height, left};

	draw_titled(ui, MAP_CONFLICTS, map, &part);
	draw_divider(area->y, area->x + left, area->height, GLYPH_TEE_DOWN);
	part.x += left + 1;
	part.width = area->width - left - 1;
	for (int id = MAP_CONFLICTS + 1; id < MAP_SECTIONS; id++) {
		part.height = id + 1 < MAP_SECTIONS ? area->height * sections[id].share / SHARES
		                                    : area->y + area->height - part.y;
		draw_titled(ui, (enum map_section)id, map, &part);
		part.y += part.height;
	}
}

static void draw_sections(struct ui *ui, const struct map_row *map, int y, const struct rect *area)
{
	struct rect body = {y, area->x, area->y + area->height - y, area->width};

	if (body.height < 2)
		return;
	if (body.width >= BESIDE_FROM && body.height >= TALL_FROM)
		draw_all_sections(ui, map, &body);
	else
		draw_one_section(ui, map, &body);
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct map_row *map = rows_map(&ui->rows, ui->map_view.number);
	char name[EXPLAIN_MAX], title[EXPLAIN_MAX + 32];
	int y = area->y + 1;

	if (!map) {
		draw_title(area, true, "Map", NULL);
		draw_wrapped(y, area->x + 1, area->width - 2, 3, STYLE_DIM,
		             "This map is no longer among those that are kept. Esc goes back.");
		return;
	}
	snprintf(title, sizeof(title), "Map m%u  %s", map->number,
	         explain_map_name(map, name, sizeof(name)));
	draw_title(area, true, title, "Esc goes back");
	y = draw_verdict(ui, map, y, area);
	y = draw_rates(map, y, area);
	y = draw_heat_strip(map, y, area);
	rows_length_read(&ui->rows, ui->source->model, map);
	if (area->height >= 12) {
		y = draw_order(map, y, area);
		y = draw_identity(ui, map, y, area);
	}
	draw_sections(ui, map, y, area);
}

static void open_selected(struct ui *ui)
{
	struct chain_list *chains = &ui->map_view.chains;

	if (ui->map_view.section == MAP_HEAT && ui->map_view.heat.depth) {
		ui_range_open(ui, heat_range(&ui->map_view.heat, &ui->rows), chains->map);
		ui->map_view.section = MAP_CONFLICTS;
	} else if (ui->map_view.section != MAP_CONFLICTS) {
		ui->map_view.section = MAP_CONFLICTS;
	} else if (chain_list_conflict(chains)) {
		conflict_view_open(ui, chain_list_conflict(chains));
	} else {
		chains->open = !chains->open;
	}
}

static void section_step(struct ui *ui, int by)
{
	ui->map_view.section =
	        (enum map_section)(((int)ui->map_view.section + by + MAP_SECTIONS) % MAP_SECTIONS);
}

static enum handled act(struct ui *ui, enum action action)
{
	struct chain_list *chains = &ui->map_view.chains;

	if (action == ACTION_NEXT_PANE || action == ACTION_HEAT_MODE)
		section_step(ui, 1);
	else if (action == ACTION_PREV_PANE)
		section_step(ui, -1);
	else if (action == ACTION_OPEN)
		open_selected(ui);
	else if (action == ACTION_MARK && ui->map_view.section == MAP_HEAT)
		ui_heat_mark(ui, &ui->map_view.heat);
	else if (action == ACTION_MARK)
		ui_notice(ui, false, "ranges are picked in the heatmap: Tab goes there");
	else if (ui->map_view.section == MAP_HEAT &&
	         heat_act(&ui->map_view.heat, &ui->rows, chains->map, action))
		return HANDLED;
	else if (action == ACTION_RIGHT)
		open_selected(ui);
	else if (action == ACTION_LEFT)
		ui_view_back(ui);
	else if (ui->map_view.section != MAP_CONFLICTS || !list_act(&chains->list, action))
		return NOT_HANDLED;
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	bool again, known = chain_list_click(&ui->map_view.chains, y, &again);

	(void)x;
	if (known)
		ui->map_view.section = MAP_CONFLICTS;
	if (again)
		act(ui, ACTION_OPEN);
	return known;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	return copy_chain_list(&ui->map_view.chains, out, size);
}

void map_view_open(struct ui *ui, const struct map_row *map)
{
	ui->map_view.number = map->number;
	ui->map_view.section = MAP_CONFLICTS;
	ui->map_view.heat = (struct heat_cursor){.mode = HEAT_BY_TIME};
	ui_view_open(ui, VIEW_MAP);
}

const struct view_ops view_map = {
        .name = "map", .draw = draw, .act = act, .click = click, .copy = copy};

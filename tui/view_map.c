/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "tui/draw.h"
#include "tui/explain.h"
#include "tui/format.h"
#include "tui/heat_scale.h"
#include "tui/pane.h"

/* One map: what it is, the verdict with its evidence in words, heat by depth, then its conflicts
 * and call chains. */

#define LABEL_WIDTH 11
#define NAME_BYTES  2048

static int draw_labelled(int y, const struct rect *area, const char *label, enum style style,
                         const char *text)
{
	draw_word(y, area->x + 1, LABEL_WIDTH - 1, STYLE_DIM, GROUND_NONE, label);
	draw_word(y, area->x + 1 + LABEL_WIDTH, area->width - LABEL_WIDTH - 2, style, GROUND_NONE,
	          text);
	return y + 1;
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
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s", map_op_name(op),
		                         format_rate(map->rate[op], rate));
		if (totals)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " (%s in all)",
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
	static const enum style styles[VERDICT_COUNT] = {
	        [VERDICT_CONFLICT] = STYLE_CONFLICT, [VERDICT_SUSPECT] = STYLE_SUSPECT,
	        [VERDICT_GUARDED] = STYLE_GUARDED,   [VERDICT_SHARED] = STYLE_SHARED,
	        [VERDICT_LOCAL] = STYLE_LOCAL,
	};
	char why[EXPLAIN_MAX];

	draw_word(y, area->x + 1, LABEL_WIDTH - 1, styles[map->verdict], GROUND_NONE,
	          map_verdict_name(map->verdict));
	return y + draw_wrapped(y, area->x + 1 + LABEL_WIDTH, area->width - LABEL_WIDTH - 2,
	                        area->height > 20 ? 4 : 3, STYLE_TEXT,
	                        explain_verdict(&ui->rows, map, why));
}

/* Depths with conflicts: number, heat, conflicts. As many as fit in the line. */
static int draw_heat_strip(const struct map_row *map, int y, const struct rect *area)
{
	int x = area->x + 1 + LABEL_WIDTH, end = area->x + area->width - 1;
	char count[FORMAT_MAX], text[64];
	int depths = heat_deepest(map);

	if (!depths)
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

static void draw_list(struct ui *ui, int y, const struct rect *area)
{
	struct rect title = {y, area->x, 1, area->width};
	struct rect body = {y + 1, area->x, area->y + area->height - y - 1, area->width};

	if (body.height < 1)
		return;
	draw_title(&title, false,
	           ui->map_view_chains.conflict_count ? "Conflicts, then sampled call chains"
	                                              : "Sampled call chains",
	           NULL);
	chain_list_draw(&ui->map_view_chains, &ui->rows, &body, true);
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct map_row *map = rows_map(&ui->rows, ui->map_number);
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
	if (area->height >= 12)
		y = draw_identity(ui, map, y, area);
	draw_list(ui, y, area);
}

static enum handled act(struct ui *ui, enum action action)
{
	struct chain_list *chains = &ui->map_view_chains;

	if (list_act(&chains->list, action))
		return HANDLED;
	if (action == ACTION_LEFT) {
		ui_view_back(ui);
		return HANDLED;
	}
	if (action != ACTION_OPEN && action != ACTION_RIGHT)
		return NOT_HANDLED;
	if (chain_list_conflict(chains))
		ui_conflict_open(ui, chain_list_conflict(chains));
	else
		chains->open = !chains->open;
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	bool again, known = chain_list_click(&ui->map_view_chains, y, &again);

	(void)x;
	if (again)
		act(ui, ACTION_OPEN);
	return known;
}

const struct view_ops view_map = {"map", draw, act, click, NULL};

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/chain_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"
#include "tui/words/match.h"

#define CONFLICT_LINES 3
#define OP_WIDTH       8
#define NAME_MAX_BYTES 1024

/* ---- what is in it ----------------------------------------------------------------------------
 */

/* A conflict has a number; a call chain is known by where it was. */
static uint64_t key_of(const void *ctx, size_t index)
{
	const struct chain_list *chains = ctx;

	if (index < chains->conflict_count)
		return chains->conflicts[index]->number;
	return chains->rows[index - chains->conflict_count]->key | UINT64_C(1) << 63;
}

void chain_list_set(struct chain_list *chains, const struct rows *rows, struct map_row *map,
                    const struct range *range)
{
	if (!map || map->number != chains->map_number) {
		chains->list = (struct list){0};
		chains->open = false;
	}
	chains->map = map;
	chains->map_number = map ? map->number : 0;
	chains->conflict_count = chains->row_count = 0;
	chains->in_range = range->set;
	if (!map)
		return;
	for (size_t i = 0; i < rows->conflict_count; i++)
		if (rows->conflicts[i]->map == map &&
		    chains->conflict_count < CHAIN_LIST_CONFLICTS_MAX &&
		    range_has_conflict(range, rows->conflicts[i]))
			chains->conflicts[chains->conflict_count++] = rows->conflicts[i];
	model_sort_chains(map);
	for (size_t i = 0; i < map->chain_count && chains->row_count < CHAIN_LIST_CHAINS_MAX; i++)
		if (range_has_chain(range, &map->chains[i]))
			chains->rows[chains->row_count++] = &map->chains[i];
	list_sync(&chains->list, chains->conflict_count + chains->row_count, key_of, chains);
}

void chain_list_follow(struct chain_list *chains)
{
	uint64_t key;

	if (!chains->map || chains->list.selected >= chains->list.count)
		return;
	key = key_of(chains, chains->list.selected);
	if (key != chains->list.key)
		chains->open = false;
	chains->list.key = key;
}

struct conflict_row *chain_list_conflict(const struct chain_list *chains)
{
	size_t selected = chains->list.selected;

	return selected < chains->conflict_count ? chains->conflicts[selected] : NULL;
}

static bool item_matches(const struct chain_list *chains, size_t index,
                         const struct pattern *pattern)
{
	const struct chain_row *chain;

	if (index < chains->conflict_count)
		return match_conflict(chains->conflicts[index], pattern);
	chain = chains->rows[index - chains->conflict_count];
	return match_chain(chain->chain, chain->chain_length, pattern);
}

static void item_select(struct chain_list *chains, size_t index)
{
	chains->list.selected = index;
	chains->list.moved = true;
	chain_list_follow(chains);
}

bool chain_list_search(struct chain_list *chains, const struct pattern *pattern, int by)
{
	size_t at = chains->list.selected, count = chains->map ? chains->list.count : 0;

	for (size_t i = 0; i < count; i++) {
		at = (at + count + (size_t)(ptrdiff_t)by) % count;
		if (item_matches(chains, at, pattern)) {
			item_select(chains, at);
			return true;
		}
	}
	return false;
}

/* ---- drawing ----------------------------------------------------------------------------------
 */

static enum style op_style(unsigned int op)
{
	return op_changes(op) ? STYLE_CHANGE : STYLE_LOOK;
}

static void draw_conflict_head(const struct rows *rows, const struct conflict_row *conflict, int y,
                               int x, int width, enum ground ground)
{
	static const char *const marks[EVIDENCE_COUNT] = {
	        [EVIDENCE_OVERLAP] = "",
	        [EVIDENCE_FATAL] = "  fatal",
	        [EVIDENCE_UNORDERED] = "  unordered",
	};
	enum { PARTS = 4 };
	char figure[FORMAT_MAX], parts[PARTS][FORMAT_MAX + 8];
	bool proven = conflict->evidence != EVIDENCE_UNORDERED;
	int used = draw_as(y, x, width, proven ? STYLE_BAD : STYLE_WARN, ground, TEXT_SENTENCE,
	                   conflict_kind_name(conflict->kind));

	snprintf(parts[0], sizeof(parts[0]), "  %s%s", format_count(conflict->count, figure),
	         glyph(GLYPH_TIMES));
	snprintf(parts[1], sizeof(parts[1]), "  %s/s", format_rate(conflict->rate, figure));
	snprintf(parts[2], sizeof(parts[2]), "  %s ago",
	         format_age(rows->now_ns, conflict->last_ns, figure));
	snprintf(parts[3], sizeof(parts[3]), "%s", marks[conflict->evidence]);
	for (int i = 0; i < PARTS; i++)
		used += draw_as(y, x + used, width - used, STYLE_TEXT, ground, TEXT_WHOLE,
		                parts[i]);
}

/* Operation, source line, function. The source lines of both sides stand in one column. */
static void draw_side(const struct side *side, int line_width, int y, int x, int width,
                      enum ground ground)
{
	char line[NAME_MAX_BYTES] = "no call chain", function[NAME_MAX_BYTES] = "";
	int left = width - OP_WIDTH - line_width - 1;

	if (side->chain_length) {
		format_line(&side->chain[0], line, sizeof(line));
		format_function(&side->chain[0], function, sizeof(function));
	}
	draw_word(y, x, OP_WIDTH, op_style(side->access.op), ground, map_op_name(side->access.op));
	draw_as(y, x + OP_WIDTH, line_width, STYLE_LINE, ground,
	        side->chain_length ? TEXT_PLACE : TEXT_SENTENCE, line);
	draw_as(y, x + OP_WIDTH + line_width + 1, left, STYLE_FUNCTION, ground, TEXT_FUNCTION,
	        function);
}

/* What the source lines of both sides take: in full, and at least. */
static void line_widths_of(const struct conflict_row *conflict, int *want, int *least)
{
	const struct side *sides[2] = {&conflict->a, &conflict->b};
	char line[NAME_MAX_BYTES];

	*want = *least = 0;
	for (int i = 0; i < 2; i++) {
		int width = (int)strlen("no call chain"), shortest = 1;

		if (!explain_side_is_known(conflict, sides[i]))
			continue;
		if (sides[i]->chain_length) {
			format_line(&sides[i]->chain[0], line, sizeof(line));
			width = text_width(line);
			shortest = text_least_width(line, TEXT_PLACE);
		}
		*want = width > *want ? width : *want;
		*least = shortest > *least ? shortest : *least;
	}
}

static void draw_conflict(const struct rows *rows, const struct conflict_row *conflict,
                          const struct rect *area, int line, enum ground ground)
{
	const struct side *sides[2] = {&conflict->a, &conflict->b};
	int want, least, most = (area->width - OP_WIDTH) / 2;

	line_widths_of(conflict, &want, &least);
	most = most > least ? most : least;

	if (line == 0) {
		draw_conflict_head(rows, conflict, area->y, area->x + 2, area->width - 2, ground);
		return;
	}
	if (!explain_side_is_known(conflict, sides[line - 1])) {
		draw_as(area->y, area->x + 3, area->width - 3, STYLE_DIM, ground, TEXT_SENTENCE,
		        "the other side is not known: the runtime names one");
		return;
	}
	draw_side(sides[line - 1], want < most ? want : most, area->y, area->x + 3, area->width - 3,
	          ground);
}

/* The source line of a frame; a wide one gets at least what it needs. */
static int draw_place(const struct frame *frame, int y, int x, int width, enum ground ground)
{
	char line[NAME_MAX_BYTES];
	int least = text_least_width(format_line(frame, line, sizeof(line)), TEXT_PLACE);

	return draw_as(y, x, width > least ? width : least, STYLE_LINE, ground, TEXT_PLACE, line);
}

static void draw_chain_head(const struct chain_row *row, const struct rect *area,
                            enum ground ground)
{
	char count[FORMAT_MAX], times[FORMAT_MAX + 8], name[NAME_MAX_BYTES], text[TEXT_MAX];
	size_t used = 0;
	bool alone = false; /* there is no room for more than the first function */
	int x = area->x + 2;

	text[0] = '\0';
	for (int i = 0; i < row->chain_length && used + 1 < sizeof(text); i++) {
		int n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
		                 i ? glyph(GLYPH_FROM) : "");

		used += (size_t)n < sizeof(text) - used ? (size_t)n : 0;
		n = snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
		             format_function(&row->chain[i], name, sizeof(name)));
		used += (size_t)n < sizeof(text) - used ? (size_t)n : sizeof(text) - used - 1;
	}
	snprintf(times, sizeof(times), "%s%s", format_count(row->count, count), glyph(GLYPH_TIMES));
	draw_right(area->y, x, 5, STYLE_TEXT, ground, times);
	draw_word(area->y, x + 6, OP_WIDTH, op_style(row->op), ground, map_op_name(row->op));
	x += 6 + OP_WIDTH;
	if (row->chain_length) {
		x += 1 + draw_place(&row->chain[0], area->y, x, (area->width - 16) / 2, ground);
		format_function(&row->chain[0], name, sizeof(name));
		alone = text_width(name) + 2 + text_mark_width() > area->x + area->width - x;
	}
	draw_as(area->y, x, area->x + area->width - x, STYLE_FUNCTION, ground,
	        alone ? TEXT_FUNCTION : TEXT_SENTENCE,
	        alone               ? name
	        : row->chain_length ? text
	                            : "the call chain could not be walked");
}

static void draw_chain(const struct chain_row *row, const struct rect *area, int line,
                       enum ground ground)
{
	char name[NAME_MAX_BYTES];
	const struct frame *frame;
	int x = area->x + 8, width = area->width - 8, used;

	if (line == 0) {
		draw_chain_head(row, area, ground);
		return;
	}
	frame = &row->chain[line - 1];
	used = draw_place(frame, area->y, x, width / 2, ground);
	snprintf(name, sizeof(name), "%s", frame->function ? frame->function : "unknown function");
	draw_as(area->y, x + used + 1, width - used - 1,
	        frame->inlined ? STYLE_DIM : STYLE_FUNCTION, ground, TEXT_FUNCTION, name);
}

static int item_lines(const struct chain_list *chains, size_t index)
{
	if (index < chains->conflict_count)
		return CONFLICT_LINES;
	if (index != chains->list.selected || !chains->open)
		return 1;
	return 1 + chains->rows[index - chains->conflict_count]->chain_length;
}

/* Scroll so that the selected item is visible as a whole, or from its top. */
static void scroll(struct chain_list *chains, int height)
{
	struct list *list = &chains->list;
	int lines = 0;

	list->page = height > CONFLICT_LINES ? (size_t)(height / CONFLICT_LINES) : 1;
	if (list->selected < list->top)
		list->top = list->selected;
	for (size_t i = list->top; i <= list->selected; i++)
		lines += item_lines(chains, i);
	while (list->top < list->selected && lines > height)
		lines -= item_lines(chains, list->top++);
}

static void draw_item(const struct chain_list *chains, const struct rows *rows, size_t index,
                      const struct rect *area, int line, enum ground ground)
{
	const char *pointer =
	        index == chains->list.selected && line == 0 && ground ? glyph(GLYPH_POINTER) : "";

	draw_text(area->y, area->x, area->width, STYLE_TEXT, line ? GROUND_NONE : ground, pointer);
	if (index < chains->conflict_count)
		draw_conflict(rows, chains->conflicts[index], area, line,
		              line ? GROUND_NONE : ground);
	else
		draw_chain(chains->rows[index - chains->conflict_count], area, line,
		           line ? GROUND_NONE : ground);
}

void chain_list_draw(struct chain_list *chains, const struct rows *rows, const struct rect *area,
                     bool focused)
{
	struct rect line_area = {area->y, area->x, 1, area->width};
	char why[EXPLAIN_MAX];
	int y = 0;

	chains->first_y = -1;
	if (chains->map && !chains->conflict_count)
		y = draw_wrapped(
		        area->y, area->x + 1, area->width - 2, area->height, STYLE_DIM,
		        chains->in_range && chains->map->conflicts
		                ? "None of its conflicts was seen in the range; u lifts it."
		                : explain_no_conflicts(rows, chains->map, why));
	if (!chains->map || !chains->list.count) {
		if (chains->in_range && chains->map)
			return;
		draw_wrapped(area->y + y, area->x + 1, area->width - 2, area->height - y, STYLE_DIM,
		             explain_no_chains(rows, chains->map, why));
		return;
	}
	scroll(chains, area->height - y);
	chains->first_y = area->y + y;
	for (size_t i = chains->list.top; i < chains->list.count && y < area->height; i++) {
		enum ground ground = i != chains->list.selected ? GROUND_NONE
		                     : focused                  ? GROUND_SELECTED
		                                                : GROUND_NONE;

		for (int line = 0; line < item_lines(chains, i) && y < area->height; line++) {
			line_area.y = area->y + y++;
			draw_item(chains, rows, i, &line_area, line, ground);
		}
	}
}

bool chain_list_click(struct chain_list *chains, int y, bool *again)
{
	int line = chains->first_y;

	*again = false;
	if (line < 0 || y < line)
		return false;
	for (size_t i = chains->list.top; i < chains->list.count; i++) {
		line += item_lines(chains, i);
		if (y < line) {
			*again = i == chains->list.selected && chains->list.moved;
			item_select(chains, i);
			return true;
		}
	}
	return false;
}

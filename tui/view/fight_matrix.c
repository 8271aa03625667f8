/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/fight_matrix.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"
#include "tui/term/heat_scale.h"
#include "tui/words/format.h"

#define CELL_WIDTH 5
#define NAME_BYTES 1024

/* ---- filling ------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_line(const struct frame *a, const struct frame *b)
{
	return a->line == b->line && same_text(a->file, b->file) &&
	       same_text(a->function, b->function) && (a->file || a->pc == b->pc);
}

static int line_of(struct fight_matrix *matrix, const struct side *side)
{
	const struct frame *frame = side->chain_length ? &side->chain[0] : NULL;

	if (!frame)
		return -1;
	for (int i = 0; i < matrix->line_count; i++)
		if (same_line(matrix->lines[i].frame, frame))
			return i;
	if (matrix->line_count == FIGHT_LINES_MAX)
		return -1;
	matrix->lines[matrix->line_count] = (struct fight_line){frame, side->access.op, 0};
	return matrix->line_count++;
}

static void conflict_add(struct fight_matrix *matrix, const struct conflict_row *conflict,
                         uint64_t count)
{
	int a = line_of(matrix, &conflict->a), b = line_of(matrix, &conflict->b);

	if (a < 0 || b < 0) {
		matrix->left_out += count;
		return;
	}
	matrix->count[a][b] += count;
	matrix->rate[a][b] += conflict->rate;
	if (a != b) {
		matrix->count[b][a] += count;
		matrix->rate[b][a] += conflict->rate;
		matrix->lines[b].count += count;
	}
	matrix->lines[a].count += count;
}

void fight_matrix_fill(struct fight_matrix *matrix, const struct rows *rows,
                       const struct map_row *map, const struct range *range)
{
	memset(matrix, 0, sizeof(*matrix));
	/* The conflicts come with the most frequent first, and so do the lines. */
	for (size_t i = 0; i < rows->conflict_count; i++) {
		const struct conflict_row *conflict = rows->conflicts[i];

		if (conflict->map != map || conflict->evidence == EVIDENCE_UNORDERED ||
		    !range_has_conflict(range, conflict))
			continue;
		conflict_add(matrix, conflict,
		             range->set ? sightings_count(conflict->sightings, &range->in)
		                        : conflict->count);
	}
}

/* ---- drawing ------------------------------------------------------------------------- */

static void draw_cell(const struct fight_matrix *matrix, int row, int column, int y, int x)
{
	uint64_t count = matrix->count[row][column];
	int level = heat_level(matrix->rate[row][column], count);
	char text[FORMAT_MAX];

	if (!count) {
		draw_right(y, x, CELL_WIDTH, STYLE_DIM, GROUND_NONE, glyph(GLYPH_DOT));
		return;
	}
	draw_text(y, x + 1, CELL_WIDTH - 1, (enum style)(STYLE_HEAT_1 + level - 1), GROUND_NONE,
	          "");
	draw_right(y, x + 1, CELL_WIDTH - 1,
	           style_has_color() ? (enum style)(STYLE_HEAT_1 + level - 1) : STYLE_STRONG,
	           GROUND_NONE, format_count(count, text));
}

static void draw_label(const struct fight_line *line, int index, int y, int x, int width)
{
	char text[NAME_BYTES];
	int used, least, half;

	used = draw_words(y, x, width, STYLE_KEY, GROUND_NONE, "%c ", 'A' + index);
	used += draw_words(y, x + used, width - used,
	                   op_changes(line->op) ? STYLE_CHANGE : STYLE_LOOK, GROUND_NONE, "%-8s",
	                   map_op_name(line->op));
	least = text_least_width(format_line(line->frame, text, sizeof(text)), TEXT_PLACE);
	half = (width - used) / 2 > least ? (width - used) / 2 : least;
	used += 1 + draw_as(y, x + used, half, STYLE_LINE, GROUND_NONE, TEXT_PLACE, text);
	draw_as(y, x + used, width - used, STYLE_FUNCTION, GROUND_NONE, TEXT_FUNCTION,
	        format_function(line->frame, text, sizeof(text)));
}

void fight_matrix_draw(const struct fight_matrix *matrix, const struct rect *area)
{
	int label = area->width * 3 / 5 > 60 ? 60 : area->width * 3 / 5;
	int columns = (area->width - label) / CELL_WIDTH;
	int lines = matrix->line_count < area->height - 1 ? matrix->line_count : area->height - 1;

	if (columns > lines)
		columns = lines;
	for (int i = 0; i < columns; i++) {
		char letter[2] = {(char)('A' + i), '\0'};

		draw_right(area->y, area->x + label + i * CELL_WIDTH, CELL_WIDTH, STYLE_KEY,
		           GROUND_NONE, letter);
	}
	draw_as(area->y, area->x, label - 1, STYLE_HEAD, GROUND_NONE, TEXT_SENTENCE,
	        "source line, and how often it met which other");
	for (int row = 0; row < lines; row++) {
		int y = area->y + 1 + row;

		draw_label(&matrix->lines[row], row, y, area->x, label - 1);
		for (int column = 0; column <= row && column < columns; column++)
			draw_cell(matrix, row, column, y, area->x + label + column * CELL_WIDTH);
	}
	if (matrix->left_out && lines + 1 < area->height)
		draw_words(area->y + 1 + lines, area->x, area->width, STYLE_DIM, GROUND_NONE,
		           "and %" PRIu64 " with a line that is not listed or not known",
		           matrix->left_out);
}

/* SPDX-License-Identifier: MIT */
/*
 * fight_matrix: which source line of the program collides with which, and how often: the conflicts
 * of one map as a triangle of lines by lines.
 */
#ifndef GOMAPTOP_TUI_FIGHT_MATRIX_H
#define GOMAPTOP_TUI_FIGHT_MATRIX_H

#include "tui/term/layout.h"
#include "tui/words/range.h"
#include "tui/words/rows.h"

#define FIGHT_LINES_MAX 26 /* lines have letters for names */

struct fight_line {
	const struct frame *frame;
	unsigned int op;
	uint64_t count; /* conflicts that it was part of */
};

struct fight_matrix {
	struct fight_line lines[FIGHT_LINES_MAX]; /* most conflicts first */
	int line_count;
	uint64_t count[FIGHT_LINES_MAX][FIGHT_LINES_MAX]; /* [i][j] == [j][i] */
	double rate[FIGHT_LINES_MAX][FIGHT_LINES_MAX];
	uint64_t left_out; /* conflicts of lines for which there was no room */
};

/* Pure: from the conflicts of a map that the range has. A line is told from another by function,
 * file and number. */
void fight_matrix_fill(struct fight_matrix *matrix, const struct rows *rows,
                       const struct map_row *map, const struct range *range);

void fight_matrix_draw(const struct fight_matrix *matrix, const struct rect *area);

#endif

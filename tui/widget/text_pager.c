/* SPDX-License-Identifier: MIT */
#include "tui/widget/text_pager.h"

#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"

#define LINE_MAX_BYTES 16384 /* of a line that is searched */

/* Draw the rows of one line; row is that of the first, counted from the top of the area. Returns
 * the row behind the last. */
static int line_draw(const char *line, size_t length, const struct rect *area, int row)
{
	size_t blanks = strspn(line, " "), part, skip;
	int indent = (int)blanks < area->width / 2 ? (int)blanks : area->width / 2;
	const char *at = line + blanks, *end = line + length;
	char rest[TEXT_MAX];

	if (at >= end)
		return row + 1; /* an empty line is a row, too */
	for (; at < end; at += skip, row++) {
		snprintf(rest, sizeof(rest), "%.*s", (int)(end - at), at);
		part = text_wrap(rest, area->width - indent, &skip);
		if (!part)
			break;
		rest[part] = '\0';
		if (row >= 0 && row < area->height)
			draw_word(area->y + row, area->x + indent, area->width - indent,
			          indent ? STYLE_TEXT : STYLE_STRONG, GROUND_NONE, rest);
	}
	return row;
}

static int text_draw(const char *text, const struct rect *area, int row)
{
	for (size_t length; *text; text += length, text += *text == '\n') {
		length = strcspn(text, "\n");
		row = line_draw(text, length, area, row);
	}
	return row;
}

int text_pager_draw(const char *text, const struct rect *area, int *scroll)
{
	const struct rect nowhere = {area->y, area->x, 0, area->width};
	int rows = text_draw(text, &nowhere, 0), most = rows - area->height;

	if (*scroll > most)
		*scroll = most;
	if (*scroll < 0)
		*scroll = 0;
	text_draw(text, area, -*scroll);
	return rows;
}

int text_pager_search(const char *text, const struct pattern *pattern, int from, int by)
{
	int number = 0, first = 0, before = 0, after = 0, last = 0;
	static char line[LINE_MAX_BYTES];

	for (size_t length; *text; text += length, text += *text == '\n') {
		length = strcspn(text, "\n");
		number++;
		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		if (!pattern_in_text(pattern, line))
			continue;
		if (!first)
			first = number;
		if (number < from)
			before = number;
		if (number > from && !after)
			after = number;
		last = number;
	}
	if (by > 0)
		return after ? after : first;
	return before ? before : last;
}

int text_pager_row(const char *text, int width, int line)
{
	const struct rect nowhere = {0, 0, 0, width};
	int row = 0;

	for (size_t length; *text && --line > 0; text += length, text += *text == '\n') {
		length = strcspn(text, "\n");
		row = line_draw(text, length, &nowhere, row);
	}
	return row;
}

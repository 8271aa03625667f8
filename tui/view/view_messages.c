/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "core/report/overhead_text.h"
#include "tui/term/draw.h"
#include "tui/view/pane.h"
#include "tui/words/format.h"

/* What gomaptop noticed, the newest first. */

static const struct {
	const char *word;
	enum style style;
} levels[] = {
        [MESSAGE_NOTE] = {"note", STYLE_DIM},
        [MESSAGE_WARNING] = {"warning", STYLE_WARN},
        [MESSAGE_UNORDERED] = {"unordered", STYLE_WARN},
        [MESSAGE_ALARM] = {"conflict", STYLE_BAD},
};

#define WHEN_WIDTH 9 /* "12s ago", "12:31:07" */

static const char *when(const struct ui *ui, const struct message *message, char out[FORMAT_MAX])
{
	char age[FORMAT_MAX];

	if (!message->time_ns)
		return "at start";
	if (ui->source->realtime_offset_ns) {
		format_clock(message->time_ns + (uint64_t)ui->source->realtime_offset_ns, out);
		out[8] = '\0'; /* no fractions */
		return out;
	}
	snprintf(out, FORMAT_MAX, "%.20s ago", format_age(ui->rows.now_ns, message->time_ns, age));
	return out;
}

/* Above all messages: what the header has no room for. */
static int draw_cost(const struct ui *ui, const struct rect *area)
{
	char text[2 * OVERHEAD_TEXT_MAX + 8], parts[OVERHEAD_TEXT_MAX];

	overhead_text(&ui->rows.coverage, ui->source->overhead_limit, text, OVERHEAD_TEXT_MAX);
	overhead_parts_text(&ui->rows.coverage, parts, sizeof(parts));
	if (!*text)
		return 0;
	snprintf(text + strlen(text), sizeof(parts) + 8, ": %s.", parts);
	return draw_wrapped(area->y, area->x + 1, area->width - 2, area->height, STYLE_DIM, text) +
	       1;
}

/* Long ones take several lines. */
static int draw_message(const struct ui *ui, const struct message *message, int y,
                        const struct rect *area)
{
	int left = 1 + WHEN_WIDTH + 1 + 9;
	char text[FORMAT_MAX], clean[4 * MESSAGE_TEXT];

	draw_word(y, area->x + 1, WHEN_WIDTH, STYLE_DIM, GROUND_NONE, when(ui, message, text));
	draw_word(y, area->x + 2 + WHEN_WIDTH, 9, levels[message->level].style, GROUND_NONE,
	          levels[message->level].word);
	sanitize(message->text, clean, sizeof(clean));
	return draw_wrapped(y, area->x + left + 1, area->width - left - 2,
	                    area->y + area->height - y, STYLE_TEXT, clean);
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	size_t count = messages_count(&ui->messages);
	int y;

	draw_title(area, true, "Messages, the newest first", "Esc goes back");
	y = body.y + draw_cost(ui, &body);
	if (ui->messages_view.scroll >= count)
		ui->messages_view.scroll = count ? count - 1 : 0;
	if (!count)
		draw_wrapped(y, area->x + 1, area->width - 2, 2, STYLE_DIM,
		             "Nothing was noticed so far.");
	for (size_t i = ui->messages_view.scroll; i < count && y < body.y + body.height; i++) {
		int used = draw_message(ui, messages_at(&ui->messages, i), y, &body);

		if (ui->messages.made - i == ui->messages_view.found)
			draw_word(y, body.x, 1, STYLE_STRONG, GROUND_NONE, glyph(GLYPH_POINTER));
		y += used > 0 ? used : 1;
	}
}

static enum handled act(struct ui *ui, enum action action)
{
	static const int by[ACTION_COUNT] = {
	        [ACTION_UP] = -1,        [ACTION_DOWN] = 1,       [ACTION_PAGE_UP] = -10,
	        [ACTION_PAGE_DOWN] = 10, [ACTION_HOME] = -100000, [ACTION_END] = 100000,
	};
	long to;

	if (action == ACTION_LEFT || action == ACTION_MESSAGES) {
		ui_view_back(ui);
		return HANDLED;
	}
	if (action >= ACTION_COUNT || !by[action])
		return NOT_HANDLED;
	to = (long)ui->messages_view.scroll + by[action];
	ui->messages_view.scroll = to < 0 ? 0 : (size_t)to;
	return HANDLED;
}

struct searched {
	const struct messages *messages;
	const struct pattern *pattern;
};

static bool message_has(const void *ctx, size_t index)
{
	const struct searched *searched = ctx;
	const struct message *message = messages_at(searched->messages, index);

	return pattern_in_text(searched->pattern, message->text) ||
	       pattern_in_text(searched->pattern, levels[message->level].word);
}

/* From the one that was found before, else from the first one that is shown. */
static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	struct messages_view *view = &ui->messages_view;
	struct searched searched = {&ui->messages, pattern};
	struct list list = {.count = messages_count(&ui->messages)};
	uint64_t made = ui->messages.made;

	if (view->found && made - view->found < list.count)
		list.selected = (size_t)(made - view->found);
	else
		list.selected = by > 0 ? view->scroll + list.count - 1 : view->scroll;
	if (!list_search(&list, by, message_has, &searched))
		return false;
	view->found = made - list.selected;
	view->scroll = list.selected;
	return true;
}

void messages_view_open(struct ui *ui)
{
	ui->messages_view = (struct messages_view){0};
	ui_view_open(ui, VIEW_MESSAGES);
}

const struct view_ops view_messages = {
        .name = "messages", .draw = draw, .act = act, .search = search};

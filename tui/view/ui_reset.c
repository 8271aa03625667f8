/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/term/screen.h"
#include "tui/view/pane.h"

/* Counting again from zero. What was found is only forgotten after a question: a process dies once,
 * and a conflict may never come back. */

/* "3 conflicts and 1 unordered pair"; empty: there is neither. */
static const char *found_words(const struct model *model, char out[RESET_WORDS_MAX])
{
	uint64_t conflicts = model_conflict_total(model), pairs = model_unordered_total(model);
	int used = 0;

	out[0] = '\0';
	if (conflicts)
		used = snprintf(out, RESET_WORDS_MAX, "%" PRIu64 " conflict%s", conflicts,
		                conflicts == 1 ? "" : "s");
	if (pairs)
		snprintf(out + used, RESET_WORDS_MAX - (size_t)used,
		         "%s%" PRIu64 " unordered pair%s", conflicts ? " and " : "", pairs,
		         pairs == 1 ? "" : "s");
	return out;
}

/* "; 2 crashes are kept"; empty: there is none. */
static const char *kept_words(const struct model *model, char out[RESET_WORDS_MAX])
{
	size_t crashes = model_crash_count(model);

	out[0] = '\0';
	if (crashes)
		snprintf(out, RESET_WORDS_MAX, "; %zu crash%s kept", crashes,
		         crashes == 1 ? " is" : "es are");
	return out;
}

static void reset(struct ui *ui)
{
	const struct model *model = ui->source->model;
	char found[RESET_WORDS_MAX], kept[RESET_WORDS_MAX];

	found_words(model, found);
	kept_words(model, kept);
	if (ui->rows.frozen)
		rows_thaw(&ui->rows);
	model_reset(ui->source->model);
	ui->reset_ns = model_now_ns(model);
	messages_add(&ui->messages, ui->reset_ns, MESSAGE_NOTE,
	             "reset by key: counts%s%s were forgotten%s", *found ? ", " : "", found, kept);
	ui->depth = 0;
	ui->maps.list = ui->goroutines.list = (struct list){0};
	ui->chains = ui->map_view.chains = (struct chain_list){0};
	ui_refresh(ui);
	ui_notice(ui, false, "counts and conflicts forgotten; counting from now%s", kept);
}

void ui_reset_ask(struct ui *ui)
{
	const struct model *model = ui->source->model;

	if (model_has_finding(model) || model_crash_count(model))
		ui->question = QUESTION_RESET;
	else
		reset(ui);
}

void ui_reset_answer(struct ui *ui, int code)
{
	if (code == SCREEN_KEY_MOUSE) {
		screen_mouse(); /* no answer, and not kept for later */
		return;
	}
	ui->question = QUESTION_NONE;
	if (code == 'y')
		reset(ui);
	else
		ui_notice(ui, false, "nothing was forgotten");
}

void ui_reset_draw(const struct ui *ui, const struct rect *area)
{
	const struct model *model = ui->source->model;
	char found[RESET_WORDS_MAX], kept[RESET_WORDS_MAX], text[3 * RESET_WORDS_MAX];

	found_words(model, found);
	snprintf(text, sizeof(text), "y forgets %s%s; any other key: no",
	         *found ? found : "all counts", kept_words(model, kept));
	draw_text(area->y, area->x, area->width, STYLE_WARN, GROUND_NONE, text);
}

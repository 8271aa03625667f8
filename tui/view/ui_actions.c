/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tui/term/clipboard.h"
#include "tui/term/draw.h"
#include "tui/term/screen.h"
#include "tui/view/crash_banner.h"
#include "tui/view/pane.h"
#include "tui/words/format.h"

/* What the keys do that are the same in every view. */

#define NS_MS           UINT64_C(1000000)
#define INTERVAL_MIN_NS (100 * NS_MS)
#define INTERVAL_MAX_NS (60000 * NS_MS)
#define COPY_MAX        (64 * 1024)

/* ---- search and filter --------------------------------------------------------------- */

/* The rows that keys act on: the focused pane of the overview has a table, or it and the map view
 * have a list of call chains. */
static struct table *table_of(struct ui *ui)
{
	const struct pane_ops *pane = ui_focused_pane(ui);

	return pane && pane->table ? pane->table(ui) : NULL;
}

static struct chain_list *chains_of(struct ui *ui)
{
	if (ui_view(ui) == &view_map)
		return &ui->map_view.chains;
	return ui_focused_pane(ui) == &pane_chains ? &ui->chains : NULL;
}

static void search_go(struct ui *ui, int by)
{
	struct table *table = table_of(ui);
	struct chain_list *chains = chains_of(ui);
	const struct view_ops *view = ui_view(ui);
	bool found = false;

	if (pattern_is_empty(&ui->search)) {
		ui_notice(ui, false, "nothing to search for yet: / asks for it");
		return;
	}
	if (table)
		found = table_search(table, ui, &ui->search, by);
	else if (chains)
		found = chain_list_search(chains, &ui->search, by);
	else if (view->search)
		found = view->search(ui, &ui->search, by);
	else {
		ui_notice(ui, false, "nothing to search in this pane: Tab goes to the next one");
		return;
	}
	if (!found)
		ui_notice(ui, true, "\"%s\" is not found here", ui->search.text);
}

static void search_next(struct ui *ui)
{
	search_go(ui, 1);
}

static void search_previous(struct ui *ui)
{
	search_go(ui, -1);
}

static void search_ask(struct ui *ui)
{
	ui->question = QUESTION_SEARCH;
	prompt_open(&ui->prompt, "search", "type, func:name, file:name, go:number, ~regex", NULL);
}

static void filter_ask(struct ui *ui)
{
	ui->question = QUESTION_FILTER;
	prompt_open(&ui->prompt, "filter",
	            "type, func:name, file:name, go:number, pid:number, is:verdict, ~regex",
	            ui->filter.text);
}

/* The filter of before, for undo; the oldest one makes room. */
static void filter_remember(struct ui *ui)
{
	if (ui->filter_count == FILTERS_MAX) {
		memmove(ui->filters[0], ui->filters[1], sizeof(ui->filters) - PATTERN_MAX);
		ui->filter_count--;
	}
	memcpy(ui->filters[ui->filter_count++], ui->filter.text, PATTERN_MAX);
}

static bool filter_set(struct ui *ui, const char *text)
{
	char why[128];

	if (pattern_set(&ui->filter, text, why, sizeof(why))) {
		ui_notice(ui, true, "no regular expression: %s", why);
		return false;
	}
	ui_refresh(ui);
	return true;
}

bool ui_filter(struct ui *ui, const char *text)
{
	filter_remember(ui);
	if (filter_set(ui, text))
		return true;
	ui->filter_count--;
	return false;
}

static void filter_undo(struct ui *ui)
{
	if (ui->range.set || ui->heat_pane.cursor.marking) {
		ui_range_lift(ui);
		ui_notice(ui, false, "the range is lifted: everything is shown again");
		return;
	}
	if (!ui->filter_count) {
		ui_notice(ui, false, "no filter to take back");
		return;
	}
	filter_set(ui, ui->filters[--ui->filter_count]);
	if (pattern_is_empty(&ui->filter))
		ui_notice(ui, false, "everything is shown again");
	else
		ui_notice(ui, false, "filter: %s", ui->filter.text);
}

static void search_answer(struct ui *ui, enum prompt_answer answer)
{
	char why[128];

	if (answer != PROMPT_DONE || !ui->prompt.length)
		return;
	if (pattern_set(&ui->search, ui->prompt.text, why, sizeof(why)))
		ui_notice(ui, true, "no regular expression: %s", why);
	else
		search_go(ui, 1);
}

static void filter_answer(struct ui *ui, enum prompt_answer answer)
{
	if (answer == PROMPT_DONE && strcmp(ui->filter.text, ui->prompt.text) != 0)
		ui_filter(ui, ui->prompt.text);
}

static void nothing_answer(struct ui *ui, enum prompt_answer answer)
{
	if (answer == PROMPT_DONE)
		ui_notice(ui, false, "nothing to filter here: go back to the overview");
}

void ui_swallow(struct ui *ui, enum action action)
{
	if (action != ACTION_FILTER)
		return;
	ui->question = QUESTION_NOTHING;
	prompt_open(&ui->prompt, "filter", "there is nothing to filter here; Esc goes on", NULL);
}

void ui_answer(struct ui *ui, int code)
{
	static void (*const take[])(struct ui * ui, enum prompt_answer answer) = {
	        [QUESTION_SEARCH] = search_answer,
	        [QUESTION_FILTER] = filter_answer,
	        [QUESTION_KEYS] = setup_keys_answer,
	        [QUESTION_NOTHING] = nothing_answer,
	};
	enum prompt_answer answer = prompt_key(&ui->prompt, code);

	if (answer != PROMPT_DONE && answer != PROMPT_LEFT)
		return;
	take[ui->question](ui, answer);
	prompt_close(&ui->prompt);
	ui->question = QUESTION_NONE;
}

/* ---- order --------------------------------------------------------------------------- */

static void order_change(struct ui *ui, int by)
{
	struct table *table = table_of(ui);

	if (!table) {
		ui_notice(ui, false, "nothing to sort here");
		return;
	}
	if (by)
		table_sort_step(table, by);
	else
		table->reversed = !table->reversed;
	ui_refresh(ui);
}

static void order_next(struct ui *ui)
{
	order_change(ui, 1);
}

static void order_previous(struct ui *ui)
{
	order_change(ui, -1);
}

static void order_reverse(struct ui *ui)
{
	order_change(ui, 0);
}

/* ---- conflicts ----------------------------------------------------------------------- */

/* Conflicts in the order of the list; from none, the first one. */
static void conflict_step(struct ui *ui, int by)
{
	const struct rows *rows = &ui->rows;
	size_t at = by > 0 ? 0 : rows->conflict_count - 1;
	char why[EXPLAIN_MAX];

	if (!rows->conflict_count) {
		ui_notice(ui, false, "%s", explain_no_conflicts(rows, NULL, why));
		return;
	}
	for (size_t i = 0; i < rows->conflict_count && ui_view(ui) == &view_conflict; i++)
		if (rows->conflicts[i]->number == ui->conflict_view.number)
			at = (i + rows->conflict_count + (size_t)(ptrdiff_t)by) %
			     rows->conflict_count;
	table_select(&ui->maps, rows->conflicts[at]->map->number);
	conflict_view_open(ui, rows->conflicts[at]);
}

static void conflict_next(struct ui *ui)
{
	conflict_step(ui, 1);
}

static void conflict_previous(struct ui *ui)
{
	conflict_step(ui, -1);
}

/* ---- the screen ---------------------------------------------------------------------- */

static void zoom(struct ui *ui)
{
	ui->wish.zoomed = !ui->wish.zoomed;
	if (ui->depth)
		ui_notice(ui, false, "the overview %s",
		          ui->wish.zoomed ? "now shows one pane" : "shows all panes again");
}

static void hide(struct ui *ui)
{
	int next = (int)ui->focus;

	if (ui->depth)
		return;
	for (int i = 1; i < PANE_COUNT; i++) {
		next = ((int)ui->focus + i) % PANE_COUNT;
		if (!layout_is_out(&ui->wish, (enum pane_id)next))
			break;
	}
	if (layout_is_out(&ui->wish, (enum pane_id)next) || next == (int)ui->focus) {
		ui_notice(ui, false, "this is the last pane: X shows the others again");
		return;
	}
	ui->wish.hidden[ui->focus] = true;
	ui->wish.zoomed = false;
	ui->focus = (enum pane_id)next;
	ui_notice(ui, false, "pane hidden: X shows all again");
}

static void show_all(struct ui *ui)
{
	ui->wish = (struct layout_wish){.heat_idle = ui->wish.heat_idle};
}

/* The focused pane takes lines from the row above or below and columns from its neighbour. */
static void resize(struct ui *ui, int by)
{
	bool upper = ui->focus == PANE_MAPS || ui->focus == PANE_HEAT;
	bool left = ui->focus == PANE_MAPS || ui->focus == PANE_GOROUTINES;
	int *columns = upper ? &ui->wish.maps_columns : &ui->wish.goroutines_columns;
	int lines = ui->wish.upper_lines + (upper ? by : -by);
	int width = *columns + 3 * (left ? by : -by);

	if (lines > -100 && lines < 100)
		ui->wish.upper_lines = lines;
	if (width > -400 && width < 400)
		*columns = width;
}

static void grow(struct ui *ui)
{
	resize(ui, 1);
}

static void shrink(struct ui *ui)
{
	resize(ui, -1);
}

static void interval_set(struct ui *ui, uint64_t interval_ns)
{
	char text[FORMAT_MAX];

	if (interval_ns < INTERVAL_MIN_NS)
		interval_ns = INTERVAL_MIN_NS;
	if (interval_ns > INTERVAL_MAX_NS)
		interval_ns = INTERVAL_MAX_NS;
	ui->interval_ns = interval_ns;
	ui_notice(ui, false, "the screen is refreshed every %s",
	          format_duration(interval_ns, text));
}

static void faster(struct ui *ui)
{
	interval_set(ui, ui->interval_ns / 2);
}

static void slower(struct ui *ui)
{
	interval_set(ui, ui->interval_ns * 2);
}

static void freeze(struct ui *ui)
{
	if (ui->rows.frozen)
		rows_thaw(&ui->rows);
	else if (rows_freeze(&ui->rows, ui->source->model))
		ui_notice(ui, true, "not enough memory to freeze the screen");
	ui_refresh(ui);
}

static void heat_mode_next(struct ui *ui)
{
	static const char *const names[HEAT_MODES] = {
	        [HEAT_WHEN] = "maps by time: since when, and how often",
	        [HEAT_BY_MAP] = "maps by call-chain depth",
	        [HEAT_BY_TIME] = "call-chain depth by time, of the selected map",
	        [HEAT_BY_FREQUENCY] = "call-chain depth by frequency, of the selected map",
	};

	if (ui->wish.heat_idle) {
		ui_notice(ui, false, "the heatmap comes with the first conflict or unordered pair");
		return;
	}
	ui->heat_pane.cursor.mode = (ui->heat_pane.cursor.mode + 1) % HEAT_MODES;
	ui->heat_pane.cursor.marking = false;
	ui->heat_pane.cursor.tick = 0;
	ui_notice(ui, false, "heatmap: %s", names[ui->heat_pane.cursor.mode]);
}

static void redraw(struct ui *ui)
{
	(void)ui;
	screen_invalidate();
}

static void help(struct ui *ui)
{
	ui_view_open(ui, VIEW_HELP);
}

/* Of the map that is looked at; from elsewhere of all maps that are shown. */
static void tree(struct ui *ui)
{
	bool one = ui_view(ui) == &view_map || ui_view(ui) == &view_conflict;
	unsigned int map_number = one ? ui->map_view.number : 0;

	if (ui_view(ui) == &view_tree) {
		ui_view_back(ui);
		return;
	}
	if (ui_view(ui) == &view_conflict && rows_conflict(&ui->rows, ui->conflict_view.number))
		map_number = rows_conflict(&ui->rows, ui->conflict_view.number)->map->number;
	tree_view_open(ui, map_number);
}

static void setup(struct ui *ui)
{
	ui_view_open(ui, VIEW_SETUP);
}

static void quit(struct ui *ui)
{
	ui->quit = true;
}

/* ---- taking something away ----------------------------------------------------------- */

static void snapshot(struct ui *ui)
{
	struct error err = {""};
	char path[PATH_MAX] = "";
	int rc;

	if (!ui->source->snapshot) {
		ui_notice(ui, true, "no snapshot from here: this screen shows no live session");
		return;
	}
	rc = ui->source->snapshot(ui->source->ctx, path, sizeof(path), &err);
	if (rc)
		ui_notice(ui, true, "no snapshot written: %s",
		          err.text[0] ? err.text : strerror(-rc));
	else {
		ui_notice(ui, false, "snapshot written to %s", path);
		messages_add(&ui->messages, ui->rows.now_ns, MESSAGE_NOTE, "snapshot written to %s",
		             path);
	}
}

static void copy(struct ui *ui)
{
	static char text[COPY_MAX];
	const struct view_ops *view = ui_view(ui);
	size_t length = view->copy ? view->copy(ui, text, sizeof(text)) : 0;
	char path[256];
	int rc;

	if (!length) {
		ui_notice(ui, false, "nothing is selected here that could be copied");
		return;
	}
	rc = clipboard_copy(text, length, path, sizeof(path));
	if (rc)
		ui_notice(ui, true, "sent to the terminal (OSC 52), but not written to %s: %s",
		          path, strerror(-rc));
	else
		ui_notice(ui, false, "sent to the terminal (OSC 52), written to %s", path);
}

/* ---- the table ----------------------------------------------------------------------- */

void ui_act(struct ui *ui, enum action action)
{
	static void (*const what[ACTION_COUNT])(struct ui * ui) = {
	        [ACTION_BACK] = ui_view_back,
	        [ACTION_FREEZE] = freeze,
	        [ACTION_SORT] = order_next,
	        [ACTION_SORT_BACK] = order_previous,
	        [ACTION_REVERSE] = order_reverse,
	        [ACTION_SNAPSHOT] = snapshot,
	        [ACTION_DISMISS] = crash_banner_dismiss,
	        [ACTION_RESET] = ui_reset_ask,
	        [ACTION_HELP] = help,
	        [ACTION_REDRAW] = redraw,
	        [ACTION_QUIT] = quit,
	        [ACTION_SEARCH] = search_ask,
	        [ACTION_NEXT_MATCH] = search_next,
	        [ACTION_PREV_MATCH] = search_previous,
	        [ACTION_FILTER] = filter_ask,
	        [ACTION_UNDO] = filter_undo,
	        [ACTION_NEXT_CONFLICT] = conflict_next,
	        [ACTION_PREV_CONFLICT] = conflict_previous,
	        [ACTION_ZOOM] = zoom,
	        [ACTION_HIDE] = hide,
	        [ACTION_SHOW_ALL] = show_all,
	        [ACTION_GROW] = grow,
	        [ACTION_SHRINK] = shrink,
	        [ACTION_FASTER] = faster,
	        [ACTION_SLOWER] = slower,
	        [ACTION_COPY] = copy,
	        [ACTION_MESSAGES] = messages_view_open,
	        [ACTION_TARGETS] = targets_view_open,
	        [ACTION_SETUP] = setup,
	        [ACTION_TREE] = tree,
	        [ACTION_HEAT_MODE] = heat_mode_next,
	};

	if (action < ACTION_COUNT && what[action])
		what[action](ui);
}

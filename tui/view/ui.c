/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/ui.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "tui/term/draw.h"
#include "tui/term/loop.h"
#include "tui/term/screen.h"
#include "tui/view/crash_banner.h"
#include "tui/view/finding_bell.h"
#include "tui/view/pane.h"
#include "tui/view/settings.h"
#include "tui/words/format.h"
#include "tui/words/source_text.h"

static const struct view_ops *const views[VIEW_COUNT] = {
        [VIEW_OVERVIEW] = &view_overview, [VIEW_MAP] = &view_map,
        [VIEW_CONFLICT] = &view_conflict, [VIEW_GOROUTINE] = &view_goroutine,
        [VIEW_TREE] = &view_tree,         [VIEW_MESSAGES] = &view_messages,
        [VIEW_TARGETS] = &view_targets,   [VIEW_SETUP] = &view_setup,
        [VIEW_HELP] = &view_help,
};

/* ---- what panes and views may ask ---------------------------------------------------------------
 */

void ui_view_open(struct ui *ui, enum view_id view)
{
	if (ui->stack[ui->depth] != view && ui->depth + 1 < VIEW_STACK_MAX)
		ui->stack[++ui->depth] = view;
	if (views[view]->sync)
		views[view]->sync(ui);
}

void ui_view_back(struct ui *ui)
{
	if (ui->depth) {
		ui->depth--;
		if (ui->range_is_of_view && !ui->depth)
			ui_range_lift(ui);
	} else if (ui->heat_pane.cursor.marking) {
		ui->heat_pane.cursor.marking = false;
	} else
		ui->focus = PANE_MAPS;
}

void ui_range_set(struct ui *ui, struct history_range range)
{
	char words[128];

	ui->range = (struct range){true, range};
	ui->range_is_of_view = false;
	ui->heat_pane.cursor.marking = false;
	ui_refresh(ui);
	ui_notice(ui, false, "only conflicts at %s; u shows all again",
	          range_words(&ui->range, &ui->rows, words, sizeof(words)));
}

void ui_heat_mark(struct ui *ui, struct heat_cursor *cursor)
{
	if (!cursor->depth)
		cursor->depth = 1;
	cursor->marking = !cursor->marking;
	cursor->mark_depth = cursor->depth;
	cursor->mark_tick = cursor->tick ? cursor->tick : ui->rows.clock.tick;
	ui_notice(ui, false, "%s",
	          cursor->marking ? "move to the other end of the range, then Enter; b drops it"
	                          : "no range");
}

void ui_range_open(struct ui *ui, struct history_range range, const struct map_row *map)
{
	ui->range = (struct range){true, range};
	ui->range_is_of_view = true;
	map_view_open(ui, map);
}

void ui_range_lift(struct ui *ui)
{
	ui->range.set = ui->range_is_of_view = ui->heat_pane.cursor.marking = false;
	ui_refresh(ui);
}

void ui_notice(struct ui *ui, bool bad, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ui->notice, sizeof(ui->notice), fmt, ap);
	va_end(ap);
	ui->notice_bad = bad;
}

struct map_row *ui_selected_map(const struct ui *ui)
{
	/* The table was filled from rows.maps, whose rows may be changed. */
	return (struct map_row *)table_selected(&ui->maps);
}

static enum view_id view_id(const struct ui *ui)
{
	return ui->stack[ui->depth];
}

const struct view_ops *ui_view(const struct ui *ui)
{
	return views[view_id(ui)];
}

const char *ui_pane_name(enum pane_id pane)
{
	return panes[pane]->name;
}

const char *ui_view_name(enum view_id view)
{
	return views[view]->name;
}

const struct pane_ops *ui_focused_pane(const struct ui *ui)
{
	return ui_view(ui) == &view_overview ? panes[ui->focus] : NULL;
}

/* ---- keeping up with the model ------------------------------------------------------------------
 */

static void sync(struct ui *ui)
{
	chain_list_set(&ui->chains, &ui->rows, ui_selected_map(ui), &ui->range);
	chain_list_set(&ui->map_view.chains, &ui->rows, rows_map(&ui->rows, ui->map_view.number),
	               &ui->range);
	for (int i = 0; i <= ui->depth; i++)
		if (views[ui->stack[i]]->sync)
			views[ui->stack[i]]->sync(ui);
}

/* A selection was moved: the rows that are selected now are the ones to follow. */
static void follow(struct ui *ui)
{
	table_follow(&ui->maps);
	table_follow(&ui->goroutines);
	chain_list_follow(&ui->chains);
	chain_list_follow(&ui->map_view.chains);
	sync(ui);
}

void ui_refresh(struct ui *ui)
{
	struct rows *rows = &ui->rows;
	bool in_range = ui->range.set && !ui->range_is_of_view;
	bool filtered = in_range || !pattern_is_empty(&ui->filter);
	int rc = rows_refresh(rows, ui->source->model);

	rc = rc ? rc
	        : table_set(&ui->maps, (const void *const *)rows->maps, rows->map_count, ui,
	                    filtered);
	rc = rc ? rc
	        : table_set(&ui->goroutines, (const void *const *)rows->goroutines,
	                    rows->goroutine_count, ui, filtered);
	if (rc)
		ui_notice(ui, true, "not enough memory to show everything: leave with Q");
	ui->wish.heat_idle = !rows->conflict_total && !rows->unordered_total;
	ui->maps.absent = rows->target_count > 1 ? 0 : maps_table.of_several;
	ui->goroutines.absent = rows->target_count > 1 ? 0 : goroutines_table.of_several;
	pane_maps_sum(ui);
	messages_watch(&ui->messages, rows);
	for (size_t i = 0; i < rows->target_count; i++)
		source_text_know(rows->targets[i]->tgid);
	sync(ui);
}

/* ---- the line of keys ---------------------------------------------------------------- */

/* One key and its word, where there is room. Returns the column behind it. */
static int draw_key(enum action action, int y, int x, int end)
{
	const struct keymap_entry *entry = keymap_entry(action);
	int length = (int)strcspn(entry->keys, " ");
	char key[32];

	snprintf(key, sizeof(key), "%.*s", length, entry->keys);
	if (x + length + 1 + (int)strlen(entry->word) > end)
		return x;
	x += draw_word(y, x, end - x, STYLE_KEY, GROUND_NONE, key) + 1;
	return x + draw_word(y, x, end - x, STYLE_DIM, GROUND_NONE, entry->word) + 2;
}

/* Those of this view; the way back first. Of the two that end the program, the one to be used
 * here. */
static void draw_key_bar(const struct ui *ui, const struct rect *area)
{
	int other_end = ui->depth ? ACTION_CLOSE : ACTION_QUIT;
	int x = area->x, end = area->x + area->width;

	if (ui->depth)
		x = draw_key(ACTION_BACK, area->y, x, end);
	for (int i = 0; i < ACTION_COUNT; i++)
		if (i != ACTION_BACK && i != other_end && *keymap_entry((enum action)i)->word &&
		    keymap_is_for((enum action)i, view_id(ui)))
			x = draw_key((enum action)i, area->y, x, end);
}

static void draw_bottom(struct ui *ui, const struct rect *area)
{
	if (ui->question == QUESTION_RESET)
		ui_reset_draw(ui, area);
	else if (prompt_is_open(&ui->prompt))
		prompt_draw(&ui->prompt, area->y, area->x, area->width);
	else if (ui->notice[0])
		draw_text(area->y, area->x, area->width, ui->notice_bad ? STYLE_BAD : STYLE_WARN,
		          GROUND_NONE, ui->notice);
	else
		draw_key_bar(ui, area);
}

/* ---- callbacks of the loop ----------------------------------------------------------------------
 */

void ui_frame(struct ui *ui)
{
	const struct layout *layout = &ui->layout;

	ui->wish.banner_lines = crash_banner_lines(ui, screen_width());
	ui->layout = layout_compute(screen_height(), screen_width(), ui->focus, &ui->wish);
	if (layout->too_small) {
		draw_words(0, 0, screen_width(), STYLE_TEXT, GROUND_NONE,
		           "gomaptop needs %dx%d, has %dx%d", LAYOUT_MIN_WIDTH, LAYOUT_MIN_HEIGHT,
		           screen_width(), screen_height());
		return;
	}
	draw_within(&layout->header);
	pane_header_draw(ui, &layout->header);
	draw_within(&layout->banner);
	crash_banner_draw(ui, &layout->banner);
	draw_within(&layout->body);
	ui_view(ui)->draw(ui, &layout->body);
	draw_within(&layout->keys);
	draw_bottom(ui, &layout->keys);
	draw_within(NULL);
}

/* The wheel moves the selection of the pane under it by a few rows. */
static void on_wheel(struct ui *ui, enum action action)
{
	for (int i = 0; i < 3; i++)
		if (ui_view(ui)->act(ui, action) == HANDLED)
			follow(ui);
}

static void on_mouse(struct ui *ui)
{
	struct mouse mouse = screen_mouse();
	const struct view_ops *view = ui_view(ui);

	if (mouse.what == MOUSE_NOTHING || ui->layout.too_small)
		return;
	if (mouse.what == MOUSE_CLICK) {
		if (view->click && view->click(ui, mouse.y, mouse.x))
			follow(ui);
		ui_refresh(ui);
		return;
	}
	if (view == &view_overview)
		for (int i = 0; i < PANE_COUNT; i++)
			if (rect_has(&ui->layout.pane[i], mouse.y, mouse.x))
				ui->focus = (enum pane_id)i;
	on_wheel(ui, mouse.what == MOUSE_WHEEL_UP ? ACTION_UP : ACTION_DOWN);
}

enum loop_answer ui_key(struct ui *ui, int code)
{
	enum action action = keymap_action(code);

	if (action == ACTION_CLOSE)
		action = ui->depth ? ACTION_BACK : ACTION_QUIT;
	ui->notice[0] = '\0';
	if (ui->question == QUESTION_RESET)
		ui_reset_answer(ui, code);
	else if (code == SCREEN_KEY_MOUSE)
		on_mouse(ui);
	else if (prompt_is_open(&ui->prompt))
		ui_answer(ui, code);
	else if (!keymap_is_for(action, view_id(ui)))
		ui_swallow(ui, action);
	else if (ui_view(ui)->act(ui, action) == HANDLED)
		follow(ui);
	else
		ui_act(ui, action);
	return ui->quit ? LOOP_QUIT : LOOP_DRAW;
}

static void check_targets(struct ui *ui)
{
	if (ui->source->waiting)
		ui->source->waiting(ui->source->ctx, ui->rows.waiting, sizeof(ui->rows.waiting));
	if (ui->source->targets_gone && ui->source->targets_gone(ui->source->ctx))
		ui->gone = true;
}

/* Sentences about the watch that were not shown yet. */
static void problems_note(struct ui *ui)
{
	const struct ui_source *source = ui->source;
	char text[MESSAGE_TEXT];

	while (source->problem && source->problem(source->ctx, ui->problems, text, sizeof(text))) {
		messages_add(&ui->messages, ui->rows.now_ns, MESSAGE_WARNING, "%s", text);
		ui->problems++;
	}
}

/* What --until-... waits for, whether or not the screen is frozen. */
static bool is_over(const struct ui *ui)
{
	const struct model *model = ui->source->model;
	bool finding = model_has_finding(model);
	struct enough enough;

	if ((ui->config->until_conflict && model_has_conflict(model)) ||
	    (ui->config->until_finding && finding))
		return true;
	if (!ui->config->until_sure)
		return false;
	enough_of(model, &enough);
	return finding || enough_settled(&enough);
}

enum loop_answer ui_news(struct ui *ui)
{
	bool was_gone = ui->gone;
	int rc = 0;

	if (!ui->source_error && ui->source->pump) {
		rc = ui->source->pump(ui->source->ctx);
		if (rc < 0)
			ui->source_error = rc;
	}
	check_targets(ui);
	problems_note(ui);
	if (ui->gone && !was_gone)
		ui_notice(ui, false,
		          "The target has ended; what was seen stays. w writes a snapshot, q "
		          "leaves.");
	if (!rc && was_gone == ui->gone)
		return LOOP_IDLE;
	ui_refresh(ui);
	finding_bell_look(ui);
	return is_over(ui) ? LOOP_QUIT : LOOP_DRAW;
}

/* What is worth knowing from the start. */
static void beginning_note(struct ui *ui)
{
	const struct ui_source *source = ui->source;

	if (source->metrics_url)
		messages_add(&ui->messages, 0, MESSAGE_NOTE, "metrics are served at %s",
		             source->metrics_url);
	problems_note(ui);
}

struct ui *ui_create(const struct ui_source *source, const struct ui_config *config)
{
	struct ui *ui = calloc(1, sizeof(*ui));

	if (!ui)
		return NULL;
	ui->source = source;
	ui->config = config;
	ui->interval_ns = config->interval_ns;
	table_init(&ui->maps, &maps_table);
	table_init(&ui->goroutines, &goroutines_table);
	table_init(&ui->targets_view.table, &targets_table);
	ui_refresh(ui);
	return ui;
}

void ui_destroy(struct ui *ui)
{
	if (!ui)
		return;
	pattern_clear(&ui->filter);
	pattern_clear(&ui->search);
	table_free(&ui->maps);
	table_free(&ui->goroutines);
	table_free(&ui->targets_view.table);
	rows_free(&ui->rows);
	call_tree_forget(&ui->tree_view.tree);
	free(ui);
}

/* ---- the loop ------------------------------------------------------------------------ */

struct running {
	struct ui *ui;
	struct loop loop;
	uint64_t paused_ns; /* when this process was about to be stopped */
};

static void on_draw(void *ctx)
{
	ui_frame(((struct running *)ctx)->ui);
}

static enum loop_answer on_key(void *ctx, int code)
{
	struct running *running = ctx;
	enum loop_answer answer = ui_key(running->ui, code);

	running->loop.interval_ns = running->ui->interval_ns;
	return answer;
}

static enum loop_answer on_news(void *ctx, bool clock)
{
	(void)clock;
	return ui_news(((struct running *)ctx)->ui);
}

#define PAUSE_TOLD_NS 100000000ULL /* shorter: there was no shell, and so no stop */

/* This process is about to be stopped, or goes on. For as long the probes were out, and that must
 * not be taken for a time without conflicts. */
static void on_pause(void *ctx, bool on)
{
	struct running *running = ctx;
	struct ui *ui = running->ui;
	char length[FORMAT_MAX];
	uint64_t out_ns;

	if (ui->source->pause)
		ui->source->pause(ui->source->ctx, on);
	if (on) {
		running->paused_ns = clock_now();
		return;
	}
	out_ns = clock_now() - running->paused_ns;
	if (out_ns < PAUSE_TOLD_NS)
		return;
	format_duration(out_ns, length);
	messages_add(
	        &ui->messages, clock_now(), MESSAGE_WARNING,
	        "gomaptop was suspended for %s: the probes were out, nothing was seen meanwhile",
	        length);
	ui_notice(ui, false, "suspended for %s: the probes were out, nothing was seen meanwhile",
	          length);
}

static int ui_loop(struct running *running, struct error *err)
{
	struct ui *ui = running->ui;
	int rc = screen_open(ui->config->color, err);
	char why[512];

	screen_pause_set(on_pause, running);

	if (rc)
		return rc;
	beginning_note(ui);
	if (settings_load(ui, why, sizeof(why))) {
		messages_add(&ui->messages, 0, MESSAGE_WARNING, "%s", why);
		ui_notice(ui, true, "%s", why);
	}
	ui_refresh(ui);
	rc = loop_run(&running->loop);
	if (ui->source->over)
		ui->source->over(ui->source->ctx);
	finding_bell_over(ui);
	screen_close();
	if (rc)
		return error_set(err, -rc, "waiting for keys failed: %s; use --batch",
		                 strerror(-rc));
	return 0;
}

int ui_run(const struct ui_source *source, const struct ui_config *config, struct error *err)
{
	struct running running = {
	        .ui = ui_create(source, config),
	        .loop = {.event_fd = source->event_fd,
	                 .duration_ns = config->duration_ns,
	                 .key = on_key,
	                 .news = on_news,
	                 .draw = on_draw,
	                 .ctx = &running},
	};
	int rc;

	if (!running.ui)
		return error_set(err, ENOMEM, "not enough memory for the screen; use --batch");
	running.loop.interval_ns = running.ui->interval_ns;
	rc = ui_loop(&running, err);
	ui_destroy(running.ui);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/ui.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tui/draw.h"
#include "tui/loop.h"
#include "tui/pane.h"
#include "tui/screen.h"

static const struct pane_ops *const panes[PANE_COUNT] = {
        [PANE_MAPS] = &pane_maps,
        [PANE_HEAT] = &pane_heat,
        [PANE_GOROUTINES] = &pane_goroutines,
        [PANE_CHAINS] = &pane_chains,
};

/* ---- overview ----------------------------------------------------------------------------------
 */

static void overview_draw(struct ui *ui, const struct rect *area)
{
	const struct layout *layout = &ui->layout;
	const struct rect *pane = layout->pane;

	(void)area;
	for (int i = 0; i < PANE_COUNT; i++)
		if (pane[i].height > 0)
			panes[i]->draw(ui, &pane[i], (int)ui->focus == i);
	if (layout->upper_divider_x >= 0)
		draw_divider(pane[PANE_MAPS].y, layout->upper_divider_x, pane[PANE_MAPS].height,
		             GLYPH_TEE_DOWN);
	if (layout->lower_divider_x >= 0)
		draw_divider(pane[PANE_CHAINS].y, layout->lower_divider_x, pane[PANE_CHAINS].height,
		             GLYPH_TEE_DOWN);
	if (layout->lower_divider_x >= 0 && layout->upper_divider_x >= 0)
		draw_junction(pane[PANE_CHAINS].y, layout->upper_divider_x,
		              layout->upper_divider_x == layout->lower_divider_x ? GLYPH_CROSS
		                                                                 : GLYPH_TEE_UP);
}

static enum handled overview_act(struct ui *ui, enum action action)
{
	if (action == ACTION_NEXT_PANE)
		ui->focus = (ui->focus + 1) % PANE_COUNT;
	else if (action == ACTION_PREV_PANE)
		ui->focus = (ui->focus + PANE_COUNT - 1) % PANE_COUNT;
	else
		return panes[ui->focus]->act(ui, action);
	return HANDLED;
}

static const struct view_ops view_overview = {"overview", overview_draw, overview_act};

static const struct view_ops *const views[VIEW_COUNT] = {
        [VIEW_OVERVIEW] = &view_overview,
        [VIEW_MAP] = &view_map,
        [VIEW_CONFLICT] = &view_conflict,
        [VIEW_HELP] = &view_help,
};

/* ---- what panes and views may ask ---------------------------------------------------------------
 */

void ui_view_open(struct ui *ui, enum view_id view)
{
	if (ui->stack[ui->depth] != view && ui->depth + 1 < VIEW_STACK_MAX)
		ui->stack[++ui->depth] = view;
}

void ui_view_back(struct ui *ui)
{
	if (ui->depth)
		ui->depth--;
	else
		ui->focus = PANE_MAPS;
}

void ui_map_open(struct ui *ui, const struct map_row *map)
{
	ui->map_number = map->number;
	ui_view_open(ui, VIEW_MAP);
}

void ui_conflict_open(struct ui *ui, const struct conflict_row *conflict)
{
	ui->conflict_number = conflict->number;
	ui->conflict_scroll = 0;
	ui_view_open(ui, VIEW_CONFLICT);
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
	return ui->maps.selected < ui->rows.map_count ? ui->rows.maps[ui->maps.selected] : NULL;
}

/* ---- keeping up with the model ------------------------------------------------------------------
 */

static uint64_t map_key(const void *ctx, size_t index)
{
	return ((const struct rows *)ctx)->maps[index]->number;
}

static uint64_t goroutine_key(const void *ctx, size_t index)
{
	const struct goroutine_row *row = ((const struct rows *)ctx)->goroutines[index];

	return (uint64_t)row->tgid << 40 ^ row->goid;
}

static void sync(struct ui *ui)
{
	list_sync(&ui->maps, ui->rows.map_count, map_key, &ui->rows);
	list_sync(&ui->goroutines, ui->rows.goroutine_count, goroutine_key, &ui->rows);
	chain_list_set(&ui->chains, &ui->rows, ui_selected_map(ui));
	chain_list_set(&ui->map_view_chains, &ui->rows, rows_map(&ui->rows, ui->map_number));
}

/* A selection was moved: the rows that are selected now are the ones to follow. */
static void follow(struct ui *ui)
{
	if (ui->maps.selected < ui->rows.map_count)
		ui->maps.key = map_key(&ui->rows, ui->maps.selected);
	if (ui->goroutines.selected < ui->rows.goroutine_count)
		ui->goroutines.key = goroutine_key(&ui->rows, ui->goroutines.selected);
	chain_list_follow(&ui->chains);
	chain_list_follow(&ui->map_view_chains);
	sync(ui);
}

static void refresh_rows(struct ui *ui)
{
	if (rows_refresh(&ui->rows, ui->source->model, ui->order))
		ui_notice(ui, true, "not enough memory to show everything: leave with q");
	sync(ui);
}

/* ---- actions that every view has ----------------------------------------------------- */

static void freeze(struct ui *ui)
{
	if (ui->rows.frozen)
		rows_thaw(&ui->rows);
	else if (rows_freeze(&ui->rows, ui->source->model, ui->order))
		ui_notice(ui, true, "not enough memory to freeze the screen");
	refresh_rows(ui);
}

static void snapshot(struct ui *ui)
{
	struct error err = {""};
	char path[256] = "";
	int rc;

	if (!ui->source->snapshot) {
		ui_notice(ui, true, "no snapshot from here: this screen shows no live session");
		return;
	}
	rc = ui->source->snapshot(ui->source->ctx, path, sizeof(path), &err);
	if (rc)
		ui_notice(ui, true, "no snapshot written: %s",
		          err.text[0] ? err.text : strerror(-rc));
	else
		ui_notice(ui, false, "snapshot written to %s", path);
}

static void reset(struct ui *ui)
{
	if (ui->rows.frozen)
		rows_thaw(&ui->rows);
	model_reset(ui->source->model);
	ui->depth = 0;
	ui->maps = ui->goroutines = (struct list){0};
	ui->chains = ui->map_view_chains = (struct chain_list){0};
	refresh_rows(ui);
	ui_notice(ui, false, "counts and conflicts forgotten; counting from now");
}

static void act_common(struct ui *ui, enum action action)
{
	switch (action) {
	case ACTION_BACK:
		ui_view_back(ui);
		break;
	case ACTION_FREEZE:
		freeze(ui);
		break;
	case ACTION_SORT:
		ui->order = (ui->order + 1) % (MAPS_BY_NUMBER + 1);
		refresh_rows(ui);
		break;
	case ACTION_SNAPSHOT:
		snapshot(ui);
		break;
	case ACTION_RESET:
		reset(ui);
		break;
	case ACTION_HELP:
		ui_view_open(ui, VIEW_HELP);
		break;
	case ACTION_REDRAW:
		screen_invalidate();
		break;
	case ACTION_QUIT:
		ui->quit = true;
		break;
	default:
		break;
	}
}

/* ---- the line of keys ---------------------------------------------------------------- */

static void draw_key_bar(const struct rect *area)
{
	int x = area->x, end = area->x + area->width;

	for (int i = 0; i < ACTION_COUNT; i++) {
		const struct keymap_entry *entry = keymap_entry((enum action)i);
		int length = (int)strcspn(entry->keys, " ");
		char key[32];

		if (!*entry->word)
			continue;
		snprintf(key, sizeof(key), "%.*s", length, entry->keys);
		if (x + length + 1 + (int)strlen(entry->word) > end)
			continue;
		x += draw_word(area->y, x, end - x, STYLE_KEY, GROUND_NONE, key) + 1;
		x += draw_word(area->y, x, end - x, STYLE_DIM, GROUND_NONE, entry->word) + 2;
	}
}

static void draw_bottom(struct ui *ui, const struct rect *area)
{
	if (ui->notice[0])
		draw_text(area->y, area->x, area->width, ui->notice_bad ? STYLE_BAD : STYLE_WARN,
		          GROUND_NONE, ui->notice);
	else
		draw_key_bar(area);
}

/* ---- callbacks of the loop ----------------------------------------------------------------------
 */

static void on_draw(void *ctx)
{
	struct ui *ui = ctx;
	const struct layout *layout = &ui->layout;

	ui->layout = layout_compute(screen_height(), screen_width(), ui->focus);
	if (layout->too_small) {
		draw_words(0, 0, screen_width(), STYLE_TEXT, GROUND_NONE,
		           "gomaptop needs %dx%d, has %dx%d", LAYOUT_MIN_WIDTH, LAYOUT_MIN_HEIGHT,
		           screen_width(), screen_height());
		return;
	}
	pane_header_draw(ui, &layout->header);
	views[ui->stack[ui->depth]]->draw(ui, &layout->body);
	draw_bottom(ui, &layout->keys);
}

static enum loop_answer on_key(void *ctx, int code)
{
	struct ui *ui = ctx;
	enum action action = keymap_action(code);

	ui->notice[0] = '\0';
	if (action == ACTION_NONE)
		return LOOP_DRAW;
	if (views[ui->stack[ui->depth]]->act(ui, action) == HANDLED)
		follow(ui);
	else
		act_common(ui, action);
	return ui->quit ? LOOP_QUIT : LOOP_DRAW;
}

static void check_targets(struct ui *ui)
{
	if (ui->source->targets_gone && ui->source->targets_gone(ui->source->ctx))
		ui->gone = true;
}

static enum loop_answer on_news(void *ctx, bool clock)
{
	struct ui *ui = ctx;
	bool was_gone = ui->gone;
	int rc = 0;

	(void)clock;
	if (!ui->source_error && ui->source->pump) {
		rc = ui->source->pump(ui->source->ctx);
		if (rc < 0)
			ui->source_error = rc;
	}
	check_targets(ui);
	if (ui->gone && !was_gone)
		ui_notice(ui, false,
		          "The target has ended; what was seen stays. w writes a snapshot, q "
		          "leaves.");
	if (!rc && was_gone == ui->gone)
		return LOOP_IDLE;
	refresh_rows(ui);
	if (ui->config->until_conflict && model_conflict_total(ui->source->model))
		return LOOP_QUIT;
	return LOOP_DRAW;
}

int ui_run(const struct ui_source *source, const struct ui_config *config, struct error *err)
{
	struct ui ui = {.source = source, .config = config};
	struct loop loop = {
	        .event_fd = source->event_fd,
	        .interval_ns = config->interval_ns ? config->interval_ns : 1000000000u,
	        .duration_ns = config->duration_ns,
	        .key = on_key,
	        .news = on_news,
	        .draw = on_draw,
	        .ctx = &ui,
	};
	int rc = screen_open(config->color, err);

	if (rc)
		return rc;
	refresh_rows(&ui);
	rc = loop_run(&loop);
	screen_close();
	rows_free(&ui.rows);
	if (rc)
		return error_set(err, -rc, "waiting for keys failed: %s; use --batch",
		                 strerror(-rc));
	return 0;
}

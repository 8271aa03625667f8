/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "tui/term/draw.h"
#include "tui/view/pane.h"
#include "tui/view/settings.h"

/* What can be set: palette, heatmap, columns, panes, keys. Leaving the view saves. */

enum item_kind { ITEM_PALETTE, ITEM_HEAT, ITEM_MAPS, ITEM_GOROUTINES, ITEM_PANE, ITEM_KEY };

struct item {
	enum item_kind kind;
	int index;
};

/* The lines of the view, in their order: how many there are of each kind. */
static int kind_count(enum item_kind kind)
{
	switch (kind) {
	case ITEM_MAPS:
		return maps_table.column_count;
	case ITEM_GOROUTINES:
		return goroutines_table.column_count;
	case ITEM_PANE:
		return PANE_COUNT;
	case ITEM_KEY:
		return ACTION_COUNT;
	default:
		return 1;
	}
}

static int item_count(void)
{
	int count = 0;

	for (int kind = 0; kind <= ITEM_KEY; kind++)
		count += kind_count((enum item_kind)kind);
	return count;
}

static struct item item_at(int line)
{
	struct item item = {ITEM_PALETTE, line};

	while (item.index >= kind_count(item.kind)) {
		item.index -= kind_count(item.kind);
		item.kind = (enum item_kind)(item.kind + 1);
	}
	return item;
}

static struct table *table_of(struct ui *ui, enum item_kind kind)
{
	return kind == ITEM_MAPS ? &ui->maps : &ui->goroutines;
}

/* ---- drawing ------------------------------------------------------------------------- */

static void describe_column(struct ui *ui, struct item item, char *out, size_t size)
{
	const struct table *table = table_of(ui, item.kind);
	const struct column *column = &table->spec->columns[item.index];

	snprintf(out, size, "[%c] %s: %-10s %s", table->hidden >> item.index & 1 ? ' ' : 'x',
	         table->spec->name, column->title, column->help);
}

static void describe(struct ui *ui, struct item item, char *out, size_t size)
{
	static const char *const heat[HEAT_MODES] = {"by map", "by time", "by frequency"};
	const struct keymap_entry *entry;

	switch (item.kind) {
	case ITEM_PALETTE:
		snprintf(out, size, "Palette of heat: %s", style_palette_name(style_palette()));
		break;
	case ITEM_HEAT:
		snprintf(out, size, "Heatmap at first: %s", heat[ui->heat_pane.cursor.mode]);
		break;
	case ITEM_PANE:
		snprintf(out, size, "[%c] pane %s", ui->wish.hidden[item.index] ? ' ' : 'x',
		         ui_pane_name((enum pane_id)item.index));
		break;
	case ITEM_KEY:
		entry = keymap_entry((enum action)item.index);
		snprintf(out, size, "Keys %-16s %s", entry->keys, entry->help);
		break;
	default:
		describe_column(ui, item, out, size);
		break;
	}
}

static void draw_sample(int y, int x, int end)
{
	for (int level = 1; level <= HEAT_LEVELS; level++, x += 2)
		draw_heat(y, x, 2, level, GROUND_NONE);
	draw_as(y, x + 1, end - x - 1, STYLE_DIM, GROUND_NONE, TEXT_SENTENCE,
	        style_palette_help(style_palette()));
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	char text[512];

	draw_title(area, true, "Setup", "Enter changes, Esc saves and goes back");
	list_show(&ui->setup_view.list, (size_t)body.height);
	for (int i = 0;
	     i < body.height && ui->setup_view.list.top + (size_t)i < ui->setup_view.list.count;
	     i++) {
		size_t line = ui->setup_view.list.top + (size_t)i;
		bool selected = line == ui->setup_view.list.selected;
		enum ground ground = selected ? GROUND_SELECTED : GROUND_NONE;
		struct item item = item_at((int)line);

		describe(ui, item, text, sizeof(text));
		draw_text(body.y + i, body.x, 2, STYLE_STRONG, ground,
		          selected ? glyph(GLYPH_POINTER) : "");
		draw_text(body.y + i, body.x + 2, body.width - 2, STYLE_TEXT, ground, text);
		if (item.kind == ITEM_PALETTE && body.width > 60)
			draw_sample(body.y + i, body.x + 36, body.x + body.width);
	}
}

/* ---- changing ------------------------------------------------------------------------ */

static void pane_toggle(struct ui *ui, int pane)
{
	int shown = 0;

	for (int i = 0; i < PANE_COUNT; i++)
		shown += !ui->wish.hidden[i];
	if (shown == 1 && !ui->wish.hidden[pane]) {
		ui_notice(ui, false, "one pane has to stay");
		return;
	}
	ui->wish.hidden[pane] = !ui->wish.hidden[pane];
	while (ui->wish.hidden[ui->focus])
		ui->focus = (enum pane_id)(((int)ui->focus + 1) % PANE_COUNT);
}

static void change(struct ui *ui, struct item item)
{
	switch (item.kind) {
	case ITEM_PALETTE:
		style_palette_set((enum palette)((style_palette() + 1) % PALETTE_COUNT));
		break;
	case ITEM_HEAT:
		ui->heat_pane.cursor.mode =
		        (enum heat_mode)((ui->heat_pane.cursor.mode + 1) % HEAT_MODES);
		break;
	case ITEM_PANE:
		pane_toggle(ui, item.index);
		break;
	case ITEM_KEY:
		ui->question = QUESTION_KEYS;
		prompt_open(&ui->prompt, "keys", "names with blanks between them: c F11 Ctrl-B",
		            keymap_entry((enum action)item.index)->keys);
		break;
	default:
		table_of(ui, item.kind)->hidden ^= 1u << item.index;
		break;
	}
}

void setup_keys_answer(struct ui *ui, enum prompt_answer answer)
{
	struct item item = item_at((int)ui->setup_view.list.selected);
	enum action action = (enum action)item.index;
	char before[KEYS_MAX], why[128];

	if (answer != PROMPT_DONE || item.kind != ITEM_KEY)
		return;
	snprintf(before, sizeof(before), "%s", keymap_entry(action)->keys);
	if (keymap_bind(action, ui->prompt.text, why, sizeof(why)) ||
	    keymap_check(why, sizeof(why))) {
		ui_notice(ui, true, "keys not changed: %s", why);
		keymap_bind(action, before, why, sizeof(why));
	}
}

static void leave(struct ui *ui)
{
	char words[512];

	if (settings_save(ui, words, sizeof(words)))
		ui_notice(ui, true, "%s", words);
	else
		ui_notice(ui, false, "%s", words);
	ui_view_back(ui);
	ui_refresh(ui);
}

static uint64_t key_of(const void *ctx, size_t index)
{
	(void)ctx;
	return index;
}

static void sync(struct ui *ui)
{
	list_sync(&ui->setup_view.list, (size_t)item_count(), key_of, NULL);
}

static enum handled act(struct ui *ui, enum action action)
{
	if (list_act(&ui->setup_view.list, action))
		ui->setup_view.list.key = ui->setup_view.list.selected;
	else if (action == ACTION_OPEN || action == ACTION_RIGHT)
		change(ui, item_at((int)ui->setup_view.list.selected));
	else if (action == ACTION_BACK || action == ACTION_LEFT || action == ACTION_SETUP)
		leave(ui);
	else
		return NOT_HANDLED;
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	size_t line = ui->setup_view.list.top + (size_t)(y - ui->layout.body.y - 1);

	(void)x;
	if (y <= ui->layout.body.y || line >= ui->setup_view.list.count)
		return false;
	if (line == ui->setup_view.list.selected)
		change(ui, item_at((int)line));
	ui->setup_view.list.selected = line;
	ui->setup_view.list.key = line;
	ui->setup_view.list.moved = true;
	return true;
}

struct searched {
	struct ui *ui;
	const struct pattern *pattern;
};

static bool item_has(const void *ctx, size_t index)
{
	const struct searched *searched = ctx;
	char text[512];

	describe(searched->ui, item_at((int)index), text, sizeof(text));
	return pattern_in_text(searched->pattern, text);
}

static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	struct list *list = &ui->setup_view.list;
	struct searched searched = {ui, pattern};

	if (!list_search(list, by, item_has, &searched))
		return false;
	list->key = list->selected;
	return true;
}

const struct view_ops view_setup = {
        .name = "setup",
        .draw = draw,
        .act = act,
        .click = click,
        .search = search,
        .sync = sync,
};

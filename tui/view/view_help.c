/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/term/text.h"
#include "tui/view/pane.h"

/* What the words on the screen mean; the keys from the keymap table, those of the view that help
 * was called from first; the columns from the tables of the panes, what a search can look for and
 * the palettes from where they are declared. */

#define KEYS_WIDTH 16

struct entry {
	const char *key, *text; /* text NULL: a heading */
	enum style style;
};

static const struct entry words[] = {
        {"Verdicts of maps", NULL, STYLE_STRONG},
        {"conflict",
         "two goroutines were inside operations on the map at the same time and one changed it: "
         "proven",
         STYLE_CONFLICT},
        {"unordered",
         "two goroutines used it, one changed it, and nothing between the two accesses orders "
         "them: "
         "no lock, channel, start of a goroutine, wake-up, atomic; not caught at the same time",
         STYLE_UNORDERED},
        {"suspect",
         "several goroutines, at least one changes it, no overlap seen yet: not an accusation",
         STYLE_SUSPECT},
        {"guarded",
         "the same, but by now overlaps should have been seen if nothing kept them apart",
         STYLE_GUARDED},
        {"shared", "several goroutines, nobody changes it", STYLE_SHARED},
        {"local", "one goroutine", STYLE_LOCAL},
        {"Other words", NULL, STYLE_STRONG},
        {"exp",
         "overlaps that were to be expected if nothing kept the goroutines apart: with 5 or more "
         "expected and none seen, something does",
         STYLE_HEAD},
        {"unord",
         "unordered pairs that were seen: two accesses, nothing between them that orders them",
         STYLE_HEAD},
        {"unknown",
         "pairs of accesses of which it cannot be told what orders them: not all that the two "
         "goroutines did in between was seen; neither good nor bad news",
         STYLE_HEAD},
        {"pairs",
         "conflicting accesses of two goroutines to one map that were looked at, by what was found "
         "between the two: both under one lock, ordered otherwise, cannot be told, nothing",
         STYLE_HEAD},
        {"how",
         "of pairs that were ordered, by what the second goroutine last came to know of the first; "
         "of pairs that are unknown, what may have ordered them unseen",
         STYLE_HEAD},
        {"lock",
         "one lock that was held in the accesses to a map that were seen since a second goroutine "
         "used it, and where it was taken last; others: those without it",
         STYLE_HEAD},
        {"heat",
         "conflicts per second: 1 rare, 5 from 1/s, 9 from 100/s. At first by time, a row for each "
         "map, first: how long ago the first was seen; digits without colour are unordered pairs. "
         "v shows it by depth of the deeper call chain: how often, by map, by time",
         STYLE_HEAD},
        {"armed", "part of the last interval in which the runtime's functions were probed",
         STYLE_HEAD},
        {"calls", "calls in the program that are probed all the time while the functions are not",
         STYLE_HEAD},
        {"overhead",
         "estimate of the target's CPU time that watching cost in the last interval, and the limit "
         "(--max-overhead); m says what it has been made of so far",
         STYLE_HEAD},
        {"~",
         "before a rate: scaled up from the part of the time in which it was seen; too low where "
         "probes slow the program down then",
         STYLE_HEAD},
};

static const struct entry searches[] = {
        {"Search and filter", NULL, STYLE_STRONG},
        {"word", "anywhere in a row; with a capital in it: only so", STYLE_KEY},
        {"~expression", "a regular expression, also behind the colon of a field", STYLE_KEY},
#define X(id, prefix, help) {prefix ":", help, STYLE_KEY},
        PATTERN_FIELDS(X)
#undef X
};

/* ---- one after the other ------------------------------------------------------------- */

/* Where the next entry goes. What lies outside of the area is only counted. */
struct page {
	const struct rect *area;
	int row;
	int number;        /* of the entry before, from 1 */
	int found;         /* number of the one that is pointed at; 0: none */
	enum view_id view; /* that help was called from */
	const char *view_name;
	const struct pattern *pattern; /* NULL: nothing is searched for */
	int from;                      /* search: number of the entry that was found before */
	struct match {
		int number, row;      /* number 0: none */
	} first, before, after, last; /* of all that match: before and behind `from` */
};

static int text_width_of(const struct page *page)
{
	return page->area->width - KEYS_WIDTH - 3;
}

static void match(struct page *page, const struct entry *entry)
{
	struct match here = {page->number, page->row};

	if (!page->pattern || !(pattern_in_text(page->pattern, entry->key) ||
	                        (entry->text && pattern_in_text(page->pattern, entry->text))))
		return;
	if (!page->first.number)
		page->first = here;
	if (here.number < page->from)
		page->before = here;
	if (here.number > page->from && !page->after.number)
		page->after = here;
	page->last = here;
}

static void add(struct page *page, const struct entry *entry)
{
	const struct rect *area = page->area;
	const char *text = entry->text;
	size_t skip;

	if (!text)
		page->row++; /* a blank line above a heading */
	page->number++;
	match(page, entry);
	if (page->number == page->found && page->row >= 0 && page->row < area->height)
		draw_word(area->y + page->row, area->x, 1, STYLE_STRONG, GROUND_NONE,
		          glyph(GLYPH_POINTER));
	if (page->row >= 0 && page->row < area->height)
		draw_word(area->y + page->row, area->x + 2, text ? KEYS_WIDTH - 1 : area->width - 2,
		          entry->style, GROUND_NONE, entry->key);
	if (!text) {
		page->row++;
		return;
	}
	for (size_t n; (n = text_wrap(text, text_width_of(page), &skip)) != 0;
	     text += skip, page->row++)
		if (page->row >= 0 && page->row < area->height)
			draw_words(area->y + page->row, area->x + 2 + KEYS_WIDTH,
			           text_width_of(page), STYLE_TEXT, GROUND_NONE, "%.*s", (int)n,
			           text);
}

static void add_all(struct page *page, const struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(page, &entries[i]);
}

static void add_columns(struct page *page, const char *heading, const struct table_spec *spec)
{
	add(page, &(struct entry){heading, NULL, STYLE_STRONG});
	for (int i = 0; i < spec->column_count; i++)
		add(page,
		    &(struct entry){spec->columns[i].title, spec->columns[i].help, STYLE_HEAD});
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Which keys of the keymap. */
enum keys { KEYS_OF_VIEW, KEYS_OF_EVERY_VIEW, KEYS_OF_OTHERS };

static enum keys kind_of(const struct keymap_entry *key, enum view_id view)
{
	return key->views == IN_EVERY_VIEW ? KEYS_OF_EVERY_VIEW
	       : key->views >> view & 1    ? KEYS_OF_VIEW
	                                   : KEYS_OF_OTHERS;
}

static void add_keys(struct page *page, const char *heading, enum keys kind)
{
	bool begun = false;

	for (int i = 0; i < ACTION_COUNT; i++) {
		const struct keymap_entry *key = keymap_entry((enum action)i);

		if (kind_of(key, page->view) != kind)
			continue;
		if (!begun)
			add(page, &(struct entry){heading, NULL, STYLE_STRONG});
		begun = true;
		add(page, &(struct entry){key->keys, key->help, STYLE_KEY});
	}
}

static void page_fill(struct page *page)
{
	char heading[64];

	add_all(page, words, COUNT(words));
	snprintf(heading, sizeof(heading), "Keys here: %s", page->view_name);
	add_keys(page, heading, KEYS_OF_VIEW);
	add_keys(page, "Keys of every view", KEYS_OF_EVERY_VIEW);
	add_keys(page, "Keys of other views", KEYS_OF_OTHERS);
	if (page->view == VIEW_TARGETS)
		add_columns(page, "Columns of processes", &targets_table);
	add_columns(page, "Columns of maps", &maps_table);
	add_columns(page, "Columns of goroutines", &goroutines_table);
	if (page->view != VIEW_TARGETS)
		add_columns(page, "Columns of processes", &targets_table);
	add_all(page, searches, COUNT(searches));
	add(page, &(struct entry){"Palettes", NULL, STYLE_STRONG});
	for (enum palette p = 0; p < PALETTE_COUNT; p++)
		add(page,
		    &(struct entry){style_palette_name(p), style_palette_help(p), STYLE_HEAD});
}

/* Help is on top of the view that it is about. */
static struct page page_of(const struct ui *ui, const struct rect *area)
{
	enum view_id view = ui->depth ? ui->stack[ui->depth - 1] : VIEW_OVERVIEW;

	return (struct page){.area = area, .view = view, .view_name = ui_view_name(view)};
}

/* Returns the row behind the last. */
static int page_draw(const struct ui *ui, const struct rect *area, int row, int found)
{
	struct page page = page_of(ui, area);

	page.row = row;
	page.found = found;
	page_fill(&page);
	return page.row;
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	struct rect nowhere = {body.y, body.x, 0, body.width};
	int lines = page_draw(ui, &nowhere, -1, 0);

	if (ui->help_view.scroll > lines - body.height)
		ui->help_view.scroll = lines - body.height;
	if (ui->help_view.scroll < 0)
		ui->help_view.scroll = 0;
	draw_title(area, true, "Help",
	           lines > body.height ? "Up and Down scroll, / searches, Esc goes back"
	                               : "Esc goes back");
	page_draw(ui, &body, -ui->help_view.scroll - 1, ui->help_view.found);
}

static enum handled act(struct ui *ui, enum action action)
{
	static const int by[ACTION_COUNT] = {
	        [ACTION_UP] = -1,        [ACTION_DOWN] = 1,     [ACTION_PAGE_UP] = -10,
	        [ACTION_PAGE_DOWN] = 10, [ACTION_HOME] = -1000, [ACTION_END] = 1000,
	};

	if (action == ACTION_HELP || action == ACTION_LEFT) {
		ui_view_back(ui);
		return HANDLED;
	}
	if (action >= ACTION_COUNT || !by[action])
		return NOT_HANDLED;
	ui->help_view.scroll += by[action];
	if (ui->help_view.scroll < 0)
		ui->help_view.scroll = 0;
	return HANDLED;
}

static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	struct rect nowhere = {0, 0, 0, ui->layout.body.width};
	struct page page = page_of(ui, &nowhere);
	struct match to;

	page.row = -1;
	page.pattern = pattern;
	page.from = ui->help_view.found;
	page_fill(&page);
	if (by > 0)
		to = page.after.number ? page.after : page.first;
	else
		to = page.before.number ? page.before : page.last;
	if (!to.number)
		return false;
	ui->help_view.found = to.number;
	ui->help_view.scroll = to.row;
	return true;
}

const struct view_ops view_help = {.name = "help", .draw = draw, .act = act, .search = search};

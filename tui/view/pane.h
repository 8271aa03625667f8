/* SPDX-License-Identifier: MIT */
/*
 * pane: the parts of the overview, and what all parts of the screen share.
 *
 * A pane is one file and one ops table; a view (something that fills the screen between header
 * and key bar) likewise. They ask struct rows for what they show and keep nothing that outlives a
 * refresh except what their own struct below says. To add one: write its file, name its table
 * here, put it into the table of ui.c.
 */
#ifndef GOMAPTOP_TUI_PANE_H
#define GOMAPTOP_TUI_PANE_H

#include <stdbool.h>

#include "tui/term/keymap.h"
#include "tui/term/layout.h"
#include "tui/term/loop.h"
#include "tui/view/chain_list.h"
#include "tui/view/heat.h"
#include "tui/view/ui.h"
#include "tui/widget/list.h"
#include "tui/widget/prompt.h"
#include "tui/widget/table.h"
#include "tui/words/call_tree.h"
#include "tui/words/explain.h"
#include "tui/words/messages.h"
#include "tui/words/pattern.h"
#include "tui/words/rows.h"

enum handled {
	NOT_HANDLED, /* the key may mean something outside of the pane or view */
	HANDLED,
};

/* ---- what one pane or view remembers between two frames ---------------------------------------
 */

struct maps_pane {
	struct map_row sums; /* of the rows in the table, as of the last refresh */
};

struct heat_pane {
	struct heat_cursor cursor;
	int first_depth; /* 0: the leftmost column is depth 1 */
};

/* What the map view shows below what it says about the map. */
enum map_section { MAP_CONFLICTS, MAP_HEAT, MAP_LINES, MAP_TIMELINE, MAP_SECTIONS };

struct map_view {
	unsigned int number; /* of the map */
	enum map_section section;
	struct chain_list chains;
	struct heat_cursor heat;
};

struct conflict_view {
	unsigned int number; /* of the conflict */
	int scroll;
	bool in_full; /* as text that is broken, not elided */
	int found;    /* line of that text that was searched for, from 1; 0: none */
};

#define GOROUTINE_CONFLICTS_MAX 256

struct goroutine_view {
	uint64_t key;     /* of the goroutine, as in goroutines_table */
	struct list list; /* of its conflicts */
	const struct conflict_row *conflicts[GOROUTINE_CONFLICTS_MAX];
	size_t conflict_count;
	int first_y; /* line of the first one as drawn last, for the mouse */
};

struct tree_view {
	unsigned int map_number; /* 0: the tree of all maps that are shown */
	struct list list;
	struct call_tree tree;
};

struct messages_view {
	size_t scroll;
	uint64_t found; /* number of the message that was searched for, from 1; 0: none */
};

/* What the list of processes says of one. */
struct target_line {
	const struct target_row *target;
	double cpu; /* 1: one CPU; negative: not known */
	uint64_t conflicts, unordered;
	unsigned int crashes, restarts; /* restarts: processes of this file that ended before it */
	size_t maps, goroutines;
};

struct targets_view {
	struct table table;
	struct target_line lines[ROWS_TARGETS_MAX];
	struct target_cpu {
		uint32_t tgid;
		uint64_t cpu_ns, at_ns;
		double share;
	} cpus[ROWS_TARGETS_MAX]; /* as read last; tgid 0: free */
};

struct setup_view {
	struct list list;
};

struct help_view {
	int scroll;
	int found; /* number of the entry that was searched for, from 1; 0: none */
};

/* ---- the screen ------------------------------------------------------------------------------
 */

#define VIEW_STACK_MAX 8
#define NOTICE_MAX     512
#define FILTERS_MAX    8

/* What the line at the bottom is asking for. */
enum ui_question {
	QUESTION_NONE,
	QUESTION_SEARCH,
	QUESTION_FILTER,
	QUESTION_KEYS,
	QUESTION_NOTHING, /* what is typed has no meaning here, letter by letter least of all */
	QUESTION_RESET,   /* answered by one key, without a prompt */
};

struct ui {
	const struct ui_source *source;
	const struct ui_config *config;
	struct rows rows;
	struct layout layout;
	struct layout_wish wish;
	enum pane_id focus;
	enum view_id stack[VIEW_STACK_MAX]; /* [depth] is on the screen */
	int depth;
	struct table maps; /* shared by the maps pane and the heatmap: one row, one selection */
	struct table goroutines;
	struct chain_list chains; /* of the selected map */
	struct maps_pane maps_pane;
	struct heat_pane heat_pane;
	struct map_view map_view;
	struct conflict_view conflict_view;
	struct goroutine_view goroutine_view;
	struct tree_view tree_view;
	struct messages_view messages_view;
	struct targets_view targets_view;
	struct setup_view setup_view;
	struct help_view help_view;
	struct messages messages;
	size_t problems;       /* of the source's: so many are among the messages */
	bool settings_broken;  /* the file is there, but it could not be used */
	struct pattern filter; /* rows without it are not shown */
	struct range range;    /* nor those that have nothing in it */
	bool range_is_of_view; /* it goes with the view that shows it */
	char filters[FILTERS_MAX][PATTERN_MAX]; /* those before, for undo */
	int filter_count;
	struct pattern search;
	struct prompt prompt;
	enum ui_question question;
	uint64_t dismissed_ns;   /* time of the latest crash whose banner was taken away */
	uint64_t reset_ns;       /* when it was reset last, as rows.now_ns; 0: never */
	uint64_t interval_ns;    /* between two refreshes */
	char notice[NOTICE_MAX]; /* one line above the keys until the next key; empty: none */
	bool notice_bad;
	int source_error; /* -errno once the source is over */
	bool gone;        /* all targets have ended */
	bool quit;
	bool rung; /* finding_bell.h */
};

/* Each function gets the pane's own table, so that panes can share some (table_pane.h). */
struct pane_ops {
	const char *name; /* as in the settings */
	/* Draw into area, title line included. */
	void (*draw)(struct ui *ui, const struct pane_ops *pane, const struct rect *area,
	             bool focused);
	enum handled (*act)(struct ui *ui, const struct pane_ops *pane, enum action action);
	/* A click somewhere in the pane. True: it meant something. NULL: the pane only gets the
	 * focus. */
	bool (*click)(struct ui *ui, const struct pane_ops *pane, int y, int x);
	/* What `copy` takes; returns its length. NULL: nothing to copy. */
	size_t (*copy)(struct ui *ui, const struct pane_ops *pane, char *out, size_t size);
	/* The table that is sorted and searched; NULL: this pane has none. */
	struct table *(*table)(struct ui *ui);
	/* For table_pane.h: "Maps" in the title, "maps" in a sentence; what Enter does with the
	 * selected row; the words for a table without rows, which fill out. */
	const char *title, *rows_name;
	void (*open)(struct ui *ui, const void *row);
	const char *(*why_empty)(const struct rows *rows, bool gone, char *out);
};

struct view_ops {
	const char *name;
	void (*draw)(struct ui *ui, const struct rect *area);
	enum handled (*act)(struct ui *ui, enum action action);
	bool (*click)(struct ui *ui, int y, int x); /* NULL: none */
	size_t (*copy)(struct ui *ui, char *out, size_t size);
	/* Go to the next (by = 1) or previous (-1) row with the pattern in it. False: there is
	 * none. NULL: the overview and the map view have lists, which are searched. */
	bool (*search)(struct ui *ui, const struct pattern *pattern, int by);
	/* The view was opened or the rows are new: find again what it lists. Keys may come before
	 * the next frame. NULL: it lists nothing. */
	void (*sync)(struct ui *ui);
};

extern const struct pane_ops pane_maps, pane_heat, pane_goroutines, pane_chains;
extern const struct pane_ops *const panes[PANE_COUNT];

extern const struct view_ops view_overview, view_map, view_conflict, view_goroutine, view_tree,
        view_messages, view_targets, view_setup, view_help;
extern const struct table_spec maps_table, goroutines_table, targets_table;

/* ---- the screen without its loop (ui.c): for tests and benchmarks, too ----------------------- */

/* The source and the configuration are borrowed. NULL: out of memory. */
struct ui *ui_create(const struct ui_source *source, const struct ui_config *config);
void ui_destroy(struct ui *ui); /* accepts NULL */
/* Draw a frame into curses' screen; take a key; take what is new. */
void ui_frame(struct ui *ui);
enum loop_answer ui_key(struct ui *ui, int code);
enum loop_answer ui_news(struct ui *ui);

enum style verdict_style(enum map_verdict verdict);
/* The rows of the maps pane are new: sum them up. */
void pane_maps_sum(struct ui *ui);
/* The header is there in every view. */
void pane_header_draw(struct ui *ui, const struct rect *area);

/* ---- what panes and views may ask of the screen (ui.c) -----------------------------------------
 */

void ui_view_open(struct ui *ui, enum view_id view);
void ui_view_back(struct ui *ui);
/* Say something in the line of keys until the next key is pressed. */
void ui_notice(struct ui *ui, bool bad, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The selected map; NULL when there is none. */
struct map_row *ui_selected_map(const struct ui *ui);
/* Show only what concerns a part of history, everywhere or in one map's view alone. */
void ui_range_set(struct ui *ui, struct history_range range);
void ui_range_open(struct ui *ui, struct history_range range, const struct map_row *map);
void ui_range_lift(struct ui *ui);
/* Begin a range of a heatmap at its cursor, or drop it. */
void ui_heat_mark(struct ui *ui, struct heat_cursor *cursor);
/* Show only rows with this in them; `u` takes it back. False: it is no pattern. */
bool ui_filter(struct ui *ui, const char *text);
/* Take the rows of now, filtered and sorted. */
void ui_refresh(struct ui *ui);

/* The view on the screen. */
const struct view_ops *ui_view(const struct ui *ui);
/* As in the settings. */
const char *ui_pane_name(enum pane_id pane);
const char *ui_view_name(enum view_id view);
/* The focused pane of the overview; NULL in another view. */
const struct pane_ops *ui_focused_pane(const struct ui *ui);

/* ---- opening a view at what it shows (the view's file) ---------------------------------------
 */

void map_view_open(struct ui *ui, const struct map_row *map);
void conflict_view_open(struct ui *ui, const struct conflict_row *conflict);
void goroutine_view_open(struct ui *ui, const struct goroutine_row *goroutine);
/* The call tree of the map with this number; 0: of all that are shown. */
void tree_view_open(struct ui *ui, unsigned int map_number);
void messages_view_open(struct ui *ui);
void targets_view_open(struct ui *ui);

/* ---- actions that are the same in every view (ui_actions.c) ---------------------------------- */

void ui_act(struct ui *ui, enum action action);

/* What was typed where the setup view asked for keys (view_setup.c). */
void setup_keys_answer(struct ui *ui, enum prompt_answer answer);
/* A key while the bottom line asks for something. */
void ui_answer(struct ui *ui, int code);
/* The action means nothing in this view. Where it asks for a line elsewhere, the line is taken all
 * the same, so that its letters are not taken for commands. */
void ui_swallow(struct ui *ui, enum action action);

/* ---- counting again from zero (ui_reset.c) ---------------------------------------------------
 */

#define RESET_WORDS_MAX 96

/* Forget counts and findings; where there are findings or crashes, ask first. */
void ui_reset_ask(struct ui *ui);
/* The key that answers: `y` forgets, any other one does not, and means nothing else. */
void ui_reset_answer(struct ui *ui, int code);
/* The question, in one line. */
void ui_reset_draw(const struct ui *ui, const struct rect *area);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * keymap: what a key does. Actions are declared once, in ACTIONS; the enum, the key bar, the help
 * view and the list of keys in the manual are all made from it.
 */
#ifndef GOMAPTOP_TUI_KEYMAP_H
#define GOMAPTOP_TUI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What fills the screen between header and key bar; their tables are in tui/view/pane.h. */
enum view_id {
	VIEW_OVERVIEW,
	VIEW_MAP,
	VIEW_CONFLICT,
	VIEW_GOROUTINE,
	VIEW_TREE,
	VIEW_MESSAGES,
	VIEW_TARGETS,
	VIEW_SETUP,
	VIEW_HELP,
	VIEW_COUNT
};

/* Sets of views: a bit for each. */
enum view_set {
	IN_OVERVIEW = 1 << VIEW_OVERVIEW,
	IN_MAP = 1 << VIEW_MAP,
	IN_CONFLICT = 1 << VIEW_CONFLICT,
	IN_GOROUTINE = 1 << VIEW_GOROUTINE,
	IN_TREE = 1 << VIEW_TREE,
	IN_TARGETS = 1 << VIEW_TARGETS,
	IN_SETUP = 1 << VIEW_SETUP,
	IN_EVERY_VIEW = (1 << VIEW_COUNT) - 1,
	IN_PANES = IN_OVERVIEW | IN_MAP, /* those that have several parts */
	IN_WHAT_IS_COPIED = IN_PANES | IN_CONFLICT | IN_GOROUTINE | IN_TREE | IN_TARGETS,
	IN_WHAT_OPENS = IN_WHAT_IS_COPIED | IN_SETUP,
};

/* Identifier, keys (names separated by blanks; the first is the one shown), the views where it
 * means something, word in the key bar ("" keeps it out; the last ones go where there is no room),
 * explanation. */
#define ACTIONS(X)                                                                               \
	X(UP, "Up k", IN_EVERY_VIEW, "", "one row up")                                           \
	X(DOWN, "Down j", IN_EVERY_VIEW, "", "one row down")                                     \
	X(PAGE_UP, "PgUp Ctrl-B", IN_EVERY_VIEW, "", "one page up")                              \
	X(PAGE_DOWN, "PgDn Ctrl-F", IN_EVERY_VIEW, "", "one page down")                          \
	X(HOME, "Home g", IN_EVERY_VIEW, "",                                                     \
	  "first row; the selection stays there when the order changes")                         \
	X(END, "End G", IN_EVERY_VIEW, "", "last row")                                           \
	X(LEFT, "Left h", IN_EVERY_VIEW, "",                                                     \
	  "heatmap: cell to the left; tree: fold; else in a view: back")                         \
	X(RIGHT, "Right l", IN_WHAT_OPENS, "",                                                   \
	  "heatmap: cell to the right; tree: unfold; elsewhere like Enter")                      \
	X(OPEN, "Enter", IN_WHAT_OPENS, "open",                                                  \
	  "map: its conflicts; conflict: both call chains, then in full; heat: what is behind "  \
	  "it; process: only its maps and goroutines")                                           \
	X(NEXT_PANE, "Tab", IN_PANES, "next", "next pane; in the map view next section")         \
	X(PREV_PANE, "Shift-Tab", IN_PANES, "", "the one before")                                \
	X(HELP, "? F1", IN_EVERY_VIEW, "help", "this page")                                      \
	X(CLOSE, "q", IN_EVERY_VIEW, "quit",                                                     \
	  "close this view as Esc does; in the overview: leave")                                 \
	X(QUIT, "Q F10", IN_EVERY_VIEW, "quit", "leave from any view; the probes are taken out") \
	X(SEARCH, "/ F3", IN_EVERY_VIEW, "search",                                               \
	  "go to the next row with this in it; n and N go on")                                   \
	X(NEXT_MATCH, "n", IN_EVERY_VIEW, "", "next row that was searched for")                  \
	X(PREV_MATCH, "N", IN_EVERY_VIEW, "", "previous row that was searched for")              \
	X(FILTER, "\\ F4", IN_OVERVIEW | IN_TREE, "filter",                                      \
	  "show only rows with this in them (word, func:word, pid:number, ~regex)")              \
	X(UNDO, "u", IN_EVERY_VIEW, "",                                                          \
	  "take back a picked range, else the latest change of the filter")                      \
	X(SORT, "s F6", IN_OVERVIEW, "sort", "sort by the next column")                          \
	X(SORT_BACK, "S", IN_OVERVIEW, "", "sort by the previous column")                        \
	X(REVERSE, "I", IN_OVERVIEW, "", "turn the order round")                                 \
	X(NEXT_CONFLICT, "c", IN_EVERY_VIEW, "", "next conflict, of whatever map")               \
	X(PREV_CONFLICT, "C", IN_EVERY_VIEW, "", "previous conflict")                            \
	X(FREEZE, "Space p", IN_EVERY_VIEW, "freeze",                                            \
	  "freeze the screen or let it go on; collection never stops")                           \
	X(SNAPSHOT, "w F9", IN_EVERY_VIEW, "snapshot",                                           \
	  "write a snapshot to a file, readable by you alone, and say where")                    \
	X(COPY, "y", IN_WHAT_IS_COPIED, "",                                                      \
	  "send what is selected to the terminal for its clipboard (OSC 52), and write it to a " \
	  "file")                                                                                \
	X(HEAT_MODE, "v", IN_PANES, "heat",                                                      \
	  "next heatmap: since when and how often; depth of call chains by frequency, by map, "  \
	  "by time; map view: next section")                                                     \
	X(MARK, "b", IN_PANES, "",                                                               \
	  "heatmap: begin a range at this cell; Enter then restricts all panes to it")           \
	X(TREE, "t F5", IN_EVERY_VIEW, "tree",                                                   \
	  "call chains as a tree: of this map, or of all that are shown")                        \
	X(SETUP, "F2 O", IN_EVERY_VIEW, "",                                                      \
	  "palette, columns, panes, keys: changed here, kept in a file")                         \
	X(DISMISS, "d", IN_EVERY_VIEW, "", "take the banner of a crash away")                    \
	X(MESSAGES, "m", IN_EVERY_VIEW, "messages", "what gomaptop noticed")                     \
	X(TARGETS, "P", IN_EVERY_VIEW, "processes",                                              \
	  "the processes that are watched: state, CPU, conflicts, Go version, restarts")         \
	X(ZOOM, "z", IN_OVERVIEW, "zoom",                                                        \
	  "give the focused pane the whole screen, or take it back")                             \
	X(HIDE, "x", IN_OVERVIEW, "", "hide the focused pane")                                   \
	X(SHOW_ALL, "X", IN_OVERVIEW, "", "show all panes again, in their usual sizes")          \
	X(GROW, "+ =", IN_OVERVIEW, "", "the focused pane larger")                               \
	X(SHRINK, "- _", IN_OVERVIEW, "", "the focused pane smaller")                            \
	X(FASTER, "[ F7", IN_EVERY_VIEW, "", "refresh more often")                               \
	X(SLOWER, "] F8", IN_EVERY_VIEW, "", "refresh less often")                               \
	X(BACK, "Esc Backspace", IN_EVERY_VIEW, "back", "back to where you came from")           \
	X(RESET, "r", IN_EVERY_VIEW, "",                                                         \
	  "forget counts, conflicts and unordered pairs, count from zero; asks before, keeps "   \
	  "crashes")                                                                             \
	X(REDRAW, "Ctrl-L", IN_EVERY_VIEW, "", "draw the whole screen afresh")

enum action {
#define X(id, ...) ACTION_##id,
	ACTIONS(X)
#undef X
	        ACTION_COUNT,
	ACTION_NONE = ACTION_COUNT
};

struct keymap_entry {
	const char *name; /* "page_up" in upper case: PAGE_UP */
	const char *keys;
	enum view_set views;
	const char *word;
	const char *help;
};

const struct keymap_entry *keymap_entry(enum action action); /* NULL for ACTION_NONE */

/* Whether it means something in this view. */
bool keymap_is_for(enum action action, enum view_id view);

/* The action of a key code as wgetch(3) returns it, or ACTION_NONE. */
enum action keymap_action(int code);
/* The code of a key by its name ("PgUp", "Ctrl-L", "q"), or -1. */
int keymap_code(const char *name, size_t length);

#define KEYS_MAX 64 /* bytes of all keys of an action */

/* Give an action other keys. -EINVAL with words in why: a name that is no key, or none where there
 * must be one. Whether two actions have the same key is told by keymap_check(), so that keys can be
 * exchanged. */
int keymap_bind(enum action action, const char *keys, char *why, size_t why_size);
int keymap_check(char *why, size_t why_size);
/* Whether its keys are other than those of the table. */
bool keymap_is_bound(enum action action);
/* All keys as in the table. */
void keymap_reset(void);

/* The keys as a section of the manual page, in man(7) macros. */
int keymap_write_manual(FILE *out);

#endif

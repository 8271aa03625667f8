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

/* Identifier, keys (names separated by blanks; the first is the one shown), letters of the views
 * where it means something (VIEW_LETTERS of pane.h; "*": everywhere), word in the key bar ("" keeps
 * it out; the last ones go where there is no room), explanation. */
#define ACTIONS(X)                                                                                 \
	X(UP, "Up k", "omcgtsuh", "", "one row up")                                                \
	X(DOWN, "Down j", "omcgtsuh", "", "one row down")                                          \
	X(PAGE_UP, "PgUp Ctrl-B", "omcgtsuh", "", "one page up")                                   \
	X(PAGE_DOWN, "PgDn Ctrl-F", "omcgtsuh", "", "one page down")                               \
	X(HOME, "Home g", "omcgtsuh", "",                                                          \
	  "first row; the selection stays there when the order changes")                           \
	X(END, "End G", "omcgtsuh", "", "last row")                                                \
	X(LEFT, "Left h", "omcgtsuh", "",                                                          \
	  "heatmap: cell to the left; tree: fold; else in a view: back")                           \
	X(RIGHT, "Right l", "omcgtu", "",                                                          \
	  "heatmap: cell to the right; tree: unfold; elsewhere like Enter")                        \
	X(OPEN, "Enter", "omcgtu", "open",                                                         \
	  "map: its conflicts; conflict: both call chains, then in full; heat: what is behind it") \
	X(NEXT_PANE, "Tab", "om", "next", "next pane; in the map view next section")               \
	X(PREV_PANE, "Shift-Tab", "om", "", "the one before")                                      \
	X(HELP, "? F1", "*", "help", "this page")                                                  \
	X(QUIT, "q F10", "*", "quit", "leave; the probes are taken out")                           \
	X(SEARCH, "/ F3", "om", "search", "go to the next row with this in it; n and N go on")     \
	X(NEXT_MATCH, "n", "om", "", "next row that was searched for")                             \
	X(PREV_MATCH, "N", "om", "", "previous row that was searched for")                         \
	X(FILTER, "\\ F4", "ot", "filter",                                                         \
	  "show only rows with this in them (word, func:word, ~regex)")                            \
	X(UNDO, "u", "*", "", "take back a picked range, else the latest change of the filter")    \
	X(SORT, "s F6", "o", "sort", "sort by the next column")                                    \
	X(SORT_BACK, "S", "o", "", "sort by the previous column")                                  \
	X(REVERSE, "I", "o", "", "turn the order round")                                           \
	X(NEXT_CONFLICT, "c", "*", "", "next conflict, of whatever map")                           \
	X(PREV_CONFLICT, "C", "*", "", "previous conflict")                                        \
	X(FREEZE, "Space p", "*", "freeze",                                                        \
	  "freeze the screen or let it go on; collection never stops")                             \
	X(SNAPSHOT, "w F9", "*", "snapshot", "write a snapshot to a file and say where")           \
	X(COPY, "y", "omcgt", "",                                                                  \
	  "copy what is selected: to the terminal's clipboard and to a file")                      \
	X(HEAT_MODE, "v", "om", "heat",                                                            \
	  "next heatmap: by map, by time, by frequency; map view: next section")                   \
	X(MARK, "b", "om", "",                                                                     \
	  "heatmap: begin a range at this cell; Enter then restricts all panes to it")             \
	X(TREE, "t F5", "*", "tree",                                                               \
	  "call chains as a tree: of this map, or of all that are shown")                          \
	X(SETUP, "F2 O", "*", "", "palette, columns, panes, keys: changed here, kept in a file")   \
	X(MESSAGES, "m", "*", "messages", "what gomaptop noticed")                                 \
	X(ZOOM, "z", "o", "zoom", "give the focused pane the whole screen, or take it back")       \
	X(HIDE, "x", "o", "", "hide the focused pane")                                             \
	X(SHOW_ALL, "X", "o", "", "show all panes again, in their usual sizes")                    \
	X(GROW, "+ =", "o", "", "the focused pane larger")                                         \
	X(SHRINK, "- _", "o", "", "the focused pane smaller")                                      \
	X(FASTER, "[ F7", "*", "", "refresh more often")                                           \
	X(SLOWER, "] F8", "*", "", "refresh less often")                                           \
	X(BACK, "Esc Backspace", "*", "back", "back to where you came from")                       \
	X(RESET, "r", "*", "reset", "forget counts and conflicts, begin again")                    \
	X(REDRAW, "Ctrl-L", "*", "", "draw the whole screen afresh")

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
	const char *where;
	const char *word;
	const char *help;
};

const struct keymap_entry *keymap_entry(enum action action); /* NULL for ACTION_NONE */

/* Whether it means something in the view with this letter. */
bool keymap_is_for(enum action action, char view);

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

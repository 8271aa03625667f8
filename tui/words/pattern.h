/* SPDX-License-Identifier: MIT */
/*
 * pattern: what the user looks for: a part of a name, or, after `~`, a regular expression.
 *
 * `word` looks in every field of a row, `func:word` in one field only; PATTERN_FIELDS is the table
 * of fields. Capitals in the pattern make it care about case, as in less(1) and vi's smartcase.
 * No curses here; one thread at a time.
 */
#ifndef GOMAPTOP_TUI_PATTERN_H
#define GOMAPTOP_TUI_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_MAX 128 /* bytes, NUL included */

/* Identifier, prefix, what it is. */
#define PATTERN_FIELDS(X)                                         \
	X(TYPE, "type", "type of the map")                        \
	X(FUNCTION, "func", "function in a call chain")           \
	X(FILE, "file", "source file in a call chain")            \
	X(GOROUTINE, "go", "number of a goroutine")               \
	X(PID, "pid", "process of a map or a goroutine")          \
	X(STATE, "is", "verdict of a map, or state of a process") \
	X(COMMAND, "cmd", "command line of a process")

enum pattern_field {
#define X(id, prefix, help) PATTERN_##id,
	PATTERN_FIELDS(X)
#undef X
	        PATTERN_FIELD_COUNT
};

struct pattern_memo;

struct pattern {
	char text[PATTERN_MAX];   /* as typed; empty: matches everything */
	const char *needle;       /* the part of text behind the prefixes */
	enum pattern_field field; /* PATTERN_FIELD_COUNT: any */
	bool is_regex;            /* and regex is compiled */
	bool any_case;
	regex_t regex;
	struct pattern_memo *memo; /* what was found so far; NULL: no memory for it */
};

/* Take over what was typed (cut at PATTERN_MAX - 1 bytes). 0, or -EINVAL: a regular expression that
 * is none; words in why (why_size bytes) and the pattern stays as it was. A zeroed pattern is an
 * empty one. */
int pattern_set(struct pattern *pattern, const char *text, char *why, size_t why_size);
void pattern_clear(struct pattern *pattern);

static inline bool pattern_is_empty(const struct pattern *pattern)
{
	return !pattern->text[0];
}

/* Whether it is found in a number of that field. */
bool pattern_in_number(const struct pattern *pattern, enum pattern_field field,
                       unsigned long long number);
/* The same for a name that stays as it is, where it is, as long as the pattern is used: those of
 * the model's rows. Each is looked through once. NULL is a name with nothing in it. */
bool pattern_in_name(const struct pattern *pattern, enum pattern_field field, const char *name);
/* For lines of text that are made for the screen: in the line, whatever field is asked for. */
bool pattern_in_text(const struct pattern *pattern, const char *text);
/* For things that consist of names: what was noted of one, known by a hash of all that the answer
 * depends on. Rows of a list, asked for one after the other, are noted by their numbers, all else
 * by its hash. False: nothing (any more). */
enum pattern_memos { MEMO_WORDS, MEMO_MAPS, MEMO_GOROUTINES, MEMO_COUNT };

struct pattern_thing {
	enum pattern_memos memo;
	uint64_t place, hash;
};

bool pattern_knows(const struct pattern *pattern, const struct pattern_thing *thing, bool *found);
void pattern_note(const struct pattern *pattern, const struct pattern_thing *thing, bool found);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * options_internal: what the files that read the command line share; only tui/options/options*.c
 * include it.
 */
#ifndef GOMAPTOP_TUI_OPTIONS_INTERNAL_H
#define GOMAPTOP_TUI_OPTIONS_INTERNAL_H

#include <stddef.h>

#include "tui/options/options.h"

#define NS_PER_SECOND 1000000000ULL

/* While the command line is read: what was said, and in which words. */
struct command_line {
	struct options *options;
	uint64_t given; /* bit i: row i of the table was given */
	bool batch;     /* -b was given */
	bool worded;    /* a command word was given */
	bool done;      /* printed what was asked for */
	bool wrong;
	bool failed; /* not the command line's fault: there was no memory */
};

/* ---- the tables (options_table.c) ------------------------------------------------------ */

enum meaning {
	EVERYWHERE,
	WATCHING, /* not with `check` */
	/* only where a report is printed or a file written at the end, or checking */
	BATCH_OR_FILE,
	BATCH, /* only with -b, which alone has such statuses */
};

struct option_row {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* NULL: takes none */
	/* What holds without the option: a value that read() takes before the command line, or
	 * words where no value says it (options.c then knows). NULL: nothing to say. */
	const char *default_value, *default_words;
	enum meaning meaning;
	const char *help;
	int (*read)(struct command_line *line, const char *text, struct error *err);
};

#define OPTIONS_MAX 64 /* bits of command_line.given */

/* The default as help and manual page print it; NULL: none. */
static inline const char *option_default(const struct option_row *row)
{
	return row->default_value ? row->default_value : row->default_words;
}

/* What -p takes, and what is given without an option. */
int read_pids(struct command_line *line, const char *text, struct error *err);

extern const struct option_row option_rows[];
extern const size_t option_count;

struct command_row {
	const char *name, *arguments, *help;
	enum command command;
};

extern const struct command_row command_rows[];
extern const size_t command_count;

/* ---- readers of values (options_values.c) ---------------------------------------------- */

/* 0, or -EINVAL with words. */
int number_parse(const char *text, long min, long max, long *out, struct error *err);
/* A copy in the place of what was there. 0, -EINVAL or -ENOMEM with words. */
int string_keep(char **slot, const char *text, struct error *err);

/* ---- misspelt words (options_like.c) --------------------------------------------------- */

/* Says on standard error which options may have been meant by those that are not known. */
void options_like_tell(int argc, char *const *argv);

/* ---- rows of the table that print (options.c) ------------------------------------------ */

int options_print_help(struct command_line *line, const char *text, struct error *err);
int options_print_usage(struct command_line *line, const char *text, struct error *err);

#endif

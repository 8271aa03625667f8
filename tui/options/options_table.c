/* SPDX-License-Identifier: MIT */
/* The options and the command words: one row each, and for an option the function that reads it. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/options/options_internal.h"

#define INTERVAL_MIN_NS (50 * 1000000ULL) /* a screen faster than that reads as flicker */
#define STALL_MIN_NS    1000ULL
#define STALL_MAX_NS    1000000ULL /* as promised to the target: README, "What it promises" */

/* ---- one function an option ---------------------------------------------------------- */

int options_pid_add(struct options *options, pid_t pid, struct error *err)
{
	pid_t *grown;
	size_t i;

	for (i = 0; i < options->pid_count; i++) {
		if (options->pids[i] == pid)
			return 0;
	}
	grown = reallocarray(options->pids, options->pid_count + 1, sizeof(*grown));
	if (!grown)
		return error_no_memory(err);
	options->pids = grown;
	options->pids[options->pid_count++] = pid;
	return 0;
}

static int name_add(struct options *options, const char *name, struct error *err)
{
	char **grown = reallocarray(options->names, options->name_count + 1, sizeof(*grown));

	if (!grown)
		return error_no_memory(err);
	options->names = grown;
	grown[options->name_count] = NULL;
	return string_keep(&grown[options->name_count++], name, err);
}

/* A number is a process, or a thread of one; all else but a sign and a path may be a name. */
static int target_add(struct options *options, const char *item, struct error *err)
{
	long pid = 0;

	if (number_parse(item, 1, INT_MAX, &pid, NULL) == 0)
		return options_pid_add(options, (pid_t)pid, err);
	if (strchr(item, '/'))
		return error_set(err, EINVAL,
		                 "'%s' is a path: -e %s watches what runs it, -- %s starts it",
		                 item, item, item);
	if (!*item || *item == '-' || *item == '+' || strspn(item, "0123456789") == strlen(item))
		return error_set(err, EINVAL,
		                 "'%s' is neither a process id nor a name: give one, or several "
		                 "as in 4711,4712",
		                 item);
	return name_add(options, item, err);
}

int read_pids(struct command_line *line, const char *text, struct error *err)
{
	char *list = strdup(text), *rest = list, *item;
	int rc = list ? 0 : error_no_memory(err);

	while (!rc && (item = strsep(&rest, ",")))
		rc = target_add(line->options, item, err);
	free(list);
	return rc;
}

static int read_executable(struct command_line *line, const char *text, struct error *err)
{
	return string_keep(&line->options->executable, text, err);
}

static int read_batch(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->batch = true;
	return 0;
}

static int read_duration(struct command_line *line, const char *text, struct error *err)
{
	int rc = time_parse(text, &line->options->duration_ns, err);

	if (!rc && line->options->duration_ns == 0)
		rc = error_set(err, EINVAL,
		               "'%s' is no time to see anything in: give a longer one, or leave "
		               "-d out to go on until q or a signal",
		               text);
	return rc;
}

static int read_interval(struct command_line *line, const char *text, struct error *err)
{
	int rc = time_parse(text, &line->options->interval_ns, err);

	if (!rc && line->options->interval_ns < INTERVAL_MIN_NS)
		rc = error_set(err, EINVAL, "'%s' is too short: give at least 50ms", text);
	return rc;
}

static int read_output(struct command_line *line, const char *text, struct error *err)
{
	return string_keep(&line->options->output, text, err);
}

static int word_find(const char *const *words, const char *text, const char *what,
                     struct error *err)
{
	char known[128] = "";
	int i;

	for (i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0)
			return i;
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s",
		         i ? " or " : "", words[i]);
	}
	return error_set(err, EINVAL, "'%s' is no %s: give %s", text, what, known);
}

static int read_format(struct command_line *line, const char *text, struct error *err)
{
	static const char *const words[] = {[SNAPSHOT_JSON] = "json",
	                                    [SNAPSHOT_TEXT] = "text",
	                                    [SNAPSHOT_NDJSON] = "ndjson",
	                                    [SNAPSHOT_MARKDOWN] = "markdown",
	                                    NULL};
	int found = word_find(words, text, "format", err);

	if (found < 0)
		return found;
	line->options->format = line->options->output_format = (enum snapshot_format)found;
	return 0;
}

static int read_until_conflict(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->until_conflict = true;
	return 0;
}

static int read_until_finding(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->until_finding = true;
	return 0;
}

static int read_until_sure(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->until_sure = true;
	return 0;
}

static int read_inconclusive_ok(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->inconclusive_ok = true;
	return 0;
}

static int read_bell(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->bell = true;
	return 0;
}

static int read_exec(struct command_line *line, const char *text, struct error *err)
{
	char *command;

	if (!*text)
		return error_set(err, EINVAL, "the command is empty: give one for sh -c");
	command = strdup(text);
	if (!command)
		return error_no_memory(err);
	free(line->options->exec);
	line->options->exec = command;
	return 0;
}

static int read_stall(struct command_line *line, const char *text, struct error *err)
{
	struct options *o = line->options;
	int rc = time_range_parse(text, &o->stall_min_ns, &o->stall_max_ns, err);

	if (!rc && (o->stall_min_ns < STALL_MIN_NS || o->stall_max_ns > STALL_MAX_NS))
		rc = error_set(
		        err, EINVAL,
		        "'%s' is out of bounds: a hold lasts 1us at least and 1ms at most, so "
		        "that no request of the target waits noticeably; give a range within "
		        "1us..1ms",
		        text);
	return rc;
}

static int read_overhead_limit(struct command_line *line, const char *text, struct error *err)
{
	char *end;
	double percent = strtod(text, &end);

	if (*end == '%')
		end++;
	/* strtod() alone would also take blanks, signs, hexadecimal, "inf" and "nan". */
	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X' || *end ||
	    percent > 100)
		return error_set(err, EINVAL,
		                 "'%s' is no share: give percent from 0 (only crashes are seen) to "
		                 "100 (no limit), as in 3 or 0.5",
		                 text);
	line->options->overhead_limit = percent / 100;
	return 0;
}

static int read_stack_depth(struct command_line *line, const char *text, struct error *err)
{
	long depth = 0;
	int rc = number_parse(text, 1, STACK_DEPTH_MAX, &depth, err);

	if (!rc)
		line->options->stack_depth = (int)depth;
	return rc;
}

static int read_listen(struct command_line *line, const char *text, struct error *err)
{
	return listen_parse(text, &line->options->listen, err);
}

static int read_source_dir(struct command_line *line, const char *text, struct error *err)
{
	struct options *o = line->options;
	const char *equals = strchr(text, '=');
	struct source_dir *grown;

	if (!equals || equals == text || !equals[1])
		return error_set(err, EINVAL,
		                 "'%s' is not FROM=TO: give the folder as the program knows it and "
		                 "the one here, as in /build/src=/home/me/src",
		                 text);
	if (access(equals + 1, R_OK | X_OK))
		return error_set(err, EINVAL,
		                 "cannot read the folder %s: %s; give one that is here", equals + 1,
		                 strerror(errno));
	grown = reallocarray(o->source_dirs, o->source_dir_count + 1, sizeof(*grown));
	if (!grown)
		return error_no_memory(err);
	o->source_dirs = grown;
	grown += o->source_dir_count;
	*grown = (struct source_dir){strndup(text, (size_t)(equals - text)), strdup(equals + 1)};
	if (!grown->from || !grown->to) {
		free(grown->from);
		free(grown->to);
		return error_no_memory(err);
	}
	o->source_dir_count++;
	return 0;
}

static int read_show_keys(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->show_keys = true;
	return 0;
}

static int read_color(struct command_line *line, const char *text, struct error *err)
{
	static const char *const words[] = {[UI_COLOR_AUTO] = "auto",
	                                    [UI_COLOR_ALWAYS] = "always",
	                                    [UI_COLOR_NEVER] = "never",
	                                    NULL};
	int found = word_find(words, text, "choice of colour", err);

	if (found < 0)
		return found;
	line->options->color = (enum ui_color)found;
	return 0;
}

static int read_verbose(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	line->options->verbose = true;
	return 0;
}

static int print_version(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	(void)err;
	puts("gomaptop " GOMAPTOP_VERSION);
	line->done = true;
	return 0;
}

/* ---- the table ----------------------------------------------------------------------- */

const struct option_row option_rows[] = {
        {.name = "pid",
         .letter = 'p',
         .argument = "PID[,PID...]",
         .help = "watch these running processes: ids of processes or of threads of them, or names "
                 "of processes, of which all that run Go are watched; -p may be left out",
         .read = read_pids},
        {.name = "executable",
         .letter = 'e',
         .argument = "PATH",
         .help = "watch every process, now and later, that runs this executable",
         .read = read_executable},
        {.name = "batch",
         .letter = 'b',
         .default_words = "on by itself where standard output is no terminal",
         .meaning = WATCHING,
         .help = "no screen: print a report to standard output every interval and at the end",
         .read = read_batch},
        {.name = "duration",
         .letter = 'd',
         .argument = "TIME",
         .default_words = "until q, a signal, or the last target's end",
         .meaning = WATCHING,
         .help = "stop after TIME (10s, 500ms, 5m; a bare number is seconds)",
         .read = read_duration},
        {.name = "interval",
         .letter = 'i',
         .argument = "TIME",
         .default_value = "1s",
         .meaning = WATCHING,
         .help = "time between two refreshes or two reports",
         .read = read_interval},
        {.name = "output",
         .letter = 'o',
         .argument = "FILE",
         .meaning = WATCHING,
         .help = "write a snapshot to FILE at the end",
         .read = read_output},
        {.name = "format",
         .argument = "json|text|ndjson|markdown",
         .default_words = "text on standard output, json in a file",
         .meaning = BATCH_OR_FILE,
         .help = "what -b prints, -o writes and check says (json or text); ndjson: one event a "
                 "line; markdown: a bug report for each finding, at the end",
         .read = read_format},
        {.name = "until-conflict",
         .meaning = WATCHING,
         .help = "stop at the first conflict",
         .read = read_until_conflict},
        {.name = "until-finding",
         .meaning = WATCHING,
         .help = "stop at the first conflict or unordered pair",
         .read = read_until_finding},
        {.name = "until-sure",
         .meaning = WATCHING,
         .help = "stop when every map that is shared and changed is decided, or at the first "
                 "conflict or unordered pair; maps that are not used any more are not waited for",
         .read = read_until_sure},
        {.name = "inconclusive-ok",
         .meaning = BATCH,
         .help = "-b: status 0 instead of 4, where too little was seen to say that there is no "
                 "conflict",
         .read = read_inconclusive_ok},
        {.name = "bell",
         .default_words = "off",
         .meaning = WATCHING,
         .help = "ring the terminal at the first conflict, unordered pair or crash; on the screen "
                 "its title says so, too",
         .read = read_bell},
        {.name = "exec",
         .argument = "CMD",
         .default_words = "off",
         .meaning = WATCHING,
         .help = "run sh -c CMD once for each new pair of lines and each crash, one at a time; "
                 "what was found stands in its environment: GOMAPTOP_FINDING (conflict, "
                 "unordered, crash), GOMAPTOP_PID, GOMAPTOP_EXECUTABLE, GOMAPTOP_KIND, "
                 "GOMAPTOP_MAP, GOMAPTOP_MAP_TYPE, GOMAPTOP_MESSAGE, and with _A and _B at the "
                 "end GOMAPTOP_LINE, GOMAPTOP_FUNCTION, GOMAPTOP_GOROUTINE",
         .read = read_exec},
        {.name = "max-overhead",
         .argument = "PCT",
         .default_value = "3",
         .meaning = WATCHING,
         .help = "the part of the target's CPU time that probing may cost, in percent; 100: no "
                 "limit",
         .read = read_overhead_limit},
        {.name = "stall",
         .argument = "MIN..MAX",
         .default_value = "20us..1ms",
         .meaning = WATCHING,
         .help = "shortest and longest hold of one access, drawn log-uniformly between them",
         .read = read_stall},
        {.name = "stack-depth",
         .argument = "N",
         .default_value = "64",
         .meaning = WATCHING,
         .help = "frames kept of each call chain (1 to 127)",
         .read = read_stack_depth},
        {.name = "listen",
         .argument = "ADDR:PORT",
         .default_words = "off",
         .meaning = WATCHING,
         .help = "serve OpenMetrics at http://ADDR:PORT/metrics; a bare port means loopback, port "
                 "0 one that is free; unix:PATH[,mode=0660]: on a unix socket instead, with mode "
                 "0600 or the one given",
         .read = read_listen},
        {.name = "source-dir",
         .argument = "FROM=TO",
         .meaning = WATCHING,
         .help = "source files that the program knows as FROM/... are in the folder TO; may be "
                 "given several times",
         .read = read_source_dir},
        {.name = "show-keys",
         .default_words = "off",
         .meaning = WATCHING,
         .help = "read map keys from the target; without it no key leaves the target's memory",
         .read = read_show_keys},
        {.name = "color",
         .argument = "auto|always|never",
         .default_words = "auto; NO_COLOR in the environment means never",
         .help = "colours on the screen and in text reports",
         .read = read_color},
        {.name = "verbose",
         .letter = 'v',
         .help = "say on standard error what was tried to attach the probes",
         .read = read_verbose},
        {.name = "version", .letter = 'V', .help = "print the version", .read = print_version},
        {.name = "help", .letter = 'h', .help = "print this help", .read = options_print_help},
        {.name = "usage", .help = "print how it is called, no more", .read = options_print_usage},
};

const size_t option_count = sizeof(option_rows) / sizeof(option_rows[0]);
_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTIONS_MAX, "too many options");

const struct command_row command_rows[] = {
        {"check", "(-p PID | -e PATH)",
         "say what of a process or a file can be watched and what not, and whether this kernel and "
         "this user can; attach nothing. Status 0 only when watching would work",
         COMMAND_CHECK},
};

const size_t command_count = sizeof(command_rows) / sizeof(command_rows[0]);

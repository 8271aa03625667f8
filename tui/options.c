/* SPDX-License-Identifier: MIT */
#include "tui/options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_SECOND   1000000000ULL
#define INTERVAL_MIN_NS (50 * 1000000ULL) /* a screen faster than that reads as flicker */
#define STALL_MIN_NS    1000ULL
/* One hold lengthens one request by as much: 10 ms is what nobody notices in a request. */
#define STALL_MAX_NS (10 * 1000000ULL)

/* While the command line is read: what was said, and in which words. */
struct command_line {
	struct options *options;
	uint64_t given; /* bit i: row i of the table was given */
	bool batch;     /* -b was given */
	bool worded;    /* a command word was given */
	bool done;      /* printed what was asked for */
	bool wrong;
};

/* ---- readers of values --------------------------------------------------------------- */

static const struct {
	const char *name;
	double ns;
} TIME_UNITS[] = {
        {"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"m", 60e9}, {"h", 3600e9},
};

#define TIME_MAX_NS (1000.0 * 24 * 3600 * 1e9)

int time_parse(const char *text, uint64_t *ns, struct error *err)
{
	char *unit;
	double value;
	size_t i;

	/* strtod() alone would also take blanks, signs, hexadecimal, "inf" and "nan". */
	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		goto invalid;
	value = strtod(text, &unit);
	for (i = 0; i < sizeof(TIME_UNITS) / sizeof(TIME_UNITS[0]); i++) {
		if (strcmp(unit, TIME_UNITS[i].name) != 0)
			continue;
		value *= TIME_UNITS[i].ns;
		if (value > TIME_MAX_NS)
			return error_set(err, EINVAL,
			                 "'%s' is more than 1000 days: give a shorter time", text);
		*ns = (uint64_t)llround(value);
		return 0;
	}
invalid:
	return error_set(
	        err, EINVAL,
	        "'%s' is no time: write a number and ns, us, ms, s, m or h, as in 500ms; a "
	        "bare number is seconds",
	        text);
}

int time_range_parse(const char *text, uint64_t *min_ns, uint64_t *max_ns, struct error *err)
{
	const char *dots = strstr(text, "..");
	char first[32];
	int rc;

	if (!dots) {
		rc = time_parse(text, min_ns, err);
		*max_ns = *min_ns;
		return rc;
	}
	if ((size_t)(dots - text) >= sizeof(first))
		return error_set(err, EINVAL, "'%s' is no range: write MIN..MAX, as in 20us..1ms",
		                 text);
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = '\0';
	rc = time_parse(first, min_ns, err);
	if (!rc)
		rc = time_parse(dots + 2, max_ns, err);
	if (!rc && *min_ns > *max_ns)
		rc = error_set(err, EINVAL,
		               "'%s' runs backwards: write the shorter time first, as in "
		               "20us..1ms",
		               text);
	return rc;
}

static int number_parse(const char *text, long min, long max, long *out, struct error *err)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text || text[0] < '0' || text[0] > '9' || value < min ||
	    value > max)
		return error_set(err, EINVAL, "'%s' is no number from %ld to %ld: give one", text,
		                 min, max);
	*out = value;
	return 0;
}

static int string_keep(char **slot, const char *text, struct error *err)
{
	if (!*text)
		return error_set(err, EINVAL, "an empty name names nothing: give a path");
	free(*slot);
	*slot = strdup(text);
	return *slot ? 0 : error_set(err, ENOMEM, "out of memory: free some and try again");
}

/* ---- one function an option ---------------------------------------------------------- */

static int pid_add(struct options *options, pid_t pid, struct error *err)
{
	pid_t *grown;
	size_t i;

	for (i = 0; i < options->pid_count; i++) {
		if (options->pids[i] == pid)
			return 0;
	}
	grown = reallocarray(options->pids, options->pid_count + 1, sizeof(*grown));
	if (!grown)
		return error_set(err, ENOMEM, "out of memory: free some and try again");
	options->pids = grown;
	options->pids[options->pid_count++] = pid;
	return 0;
}

static int read_pids(struct command_line *line, const char *text, struct error *err)
{
	char *list = strdup(text), *rest = list, *item;
	long pid = 0;
	int rc = list ? 0 : error_set(err, ENOMEM, "out of memory: free some and try again");

	while (!rc && (item = strsep(&rest, ","))) {
		rc = number_parse(item, 1, INT_MAX, &pid, NULL);
		if (rc)
			error_set(err, EINVAL,
			          "'%s' is no process id: give one, or several as in 4711,4712",
			          item);
		else
			rc = pid_add(line->options, (pid_t)pid, err);
	}
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
	static const char *const words[] = {
	        [SNAPSHOT_JSON] = "json", [SNAPSHOT_TEXT] = "text", NULL};
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

static int read_stall(struct command_line *line, const char *text, struct error *err)
{
	struct options *o = line->options;
	int rc = time_range_parse(text, &o->stall_min_ns, &o->stall_max_ns, err);

	if (!rc && (o->stall_min_ns < STALL_MIN_NS || o->stall_max_ns > STALL_MAX_NS))
		rc = error_set(err, EINVAL,
		               "'%s' is out of bounds: a hold lasts from 1us to 10ms, so that no "
		               "request of the target waits noticeably; give a range within that",
		               text);
	return rc;
}

static int read_max_overhead(struct command_line *line, const char *text, struct error *err)
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
	line->options->max_overhead = percent / 100;
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

static int print_help(struct command_line *line, const char *text, struct error *err);
static int print_usage(struct command_line *line, const char *text, struct error *err);

/* ---- the table ----------------------------------------------------------------------- */

enum meaning {
	EVERYWHERE,
	WATCHING,      /* not with `check` */
	BATCH_OR_FILE, /* only where a report is printed or a file written at the end, or checking */
};

static const struct option_row {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* NULL: takes none */
	const char *fallback; /* default, in words; NULL: nothing to say */
	enum meaning meaning;
	const char *help;
	int (*read)(struct command_line *line, const char *text, struct error *err);
} OPTIONS[] = {
        {"pid", 'p', "PID[,PID...]", NULL, EVERYWHERE, "watch these running processes", read_pids},
        {"executable", 'e', "PATH", NULL, EVERYWHERE,
         "watch every process, now and later, that runs this executable", read_executable},
        {"batch", 'b', NULL, "on by itself where standard output is no terminal", WATCHING,
         "no screen: print a report to standard output every interval and at the end", read_batch},
        {"duration", 'd', "TIME", "until q, a signal, or the last target's end", WATCHING,
         "stop after TIME (10s, 500ms, 5m; a bare number is seconds)", read_duration},
        {"interval", 'i', "TIME", "1s", WATCHING, "time between two refreshes or two reports",
         read_interval},
        {"output", 'o', "FILE", NULL, WATCHING, "write a snapshot to FILE at the end", read_output},
        {"format", 0, "json|text", "text on standard output, json in a file", BATCH_OR_FILE,
         "what -b prints, -o writes and check says", read_format},
        {"until-conflict", 0, NULL, NULL, WATCHING, "stop at the first conflict",
         read_until_conflict},
        {"max-overhead", 0, "PCT", "3", WATCHING,
         "the part of the target's CPU time that probing may cost, in percent; 100: no limit",
         read_max_overhead},
        {"stall", 0, "MIN..MAX", "20us..1ms", WATCHING,
         "shortest and longest hold of one access, drawn log-uniformly between them", read_stall},
        {"stack-depth", 0, "N", "64", WATCHING, "frames kept of each call chain (1 to 127)",
         read_stack_depth},
        {"show-keys", 0, NULL, "off", WATCHING,
         "read map keys from the target; without it no key leaves the target's memory",
         read_show_keys},
        {"color", 0, "auto|always|never", "auto; NO_COLOR in the environment means never",
         EVERYWHERE, "colours on the screen and in text reports", read_color},
        {"verbose", 'v', NULL, NULL, EVERYWHERE,
         "say on standard error what was tried to attach the probes", read_verbose},
        {"version", 'V', NULL, NULL, EVERYWHERE, "print the version", print_version},
        {"help", 'h', NULL, NULL, EVERYWHERE, "print this help", print_help},
        {"usage", 0, NULL, NULL, EVERYWHERE, "print how it is called, no more", print_usage},
};

#define OPTION_COUNT (sizeof(OPTIONS) / sizeof(OPTIONS[0]))
#define KEY_BASE     0x1000 /* argp keys are row numbers, out of the way of ASCII and argp's own */

static const struct command_row {
	const char *name, *arguments, *help;
	enum command command;
} COMMANDS[] = {
        {"check", "(-p PID | -e PATH)",
         "say what of a process or a file can be watched and what not, and whether this kernel and "
         "this user can; attach nothing. Status 0 only when watching would work",
         COMMAND_CHECK},
};
#define COMMAND_COUNT (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static const char USAGE[] = "\n-p PID[,PID...]\n-e PATH\n-- CMD [ARG...]\n"
                            "check (-p PID | -e PATH)";
static const char ABOUT[] =
        "Show concurrent map conflicts in running Go processes: which map, which two "
        "goroutines, which lines, how often. Without -p, -e or CMD: choose from the Go processes "
        "that run here.\v"
        "With -- CMD, gomaptop starts CMD, watches it from its first instruction and ends it when "
        "the watch ends. With check it says what can be watched, and attaches nothing.\n\n"
        "Exit status: 0 it ran and saw no conflict; 1 it could not do its work; 2 the command "
        "line is wrong; 3 (with -b) at least one conflict was seen. With -- CMD and no conflict: "
        "CMD's own status.";

/* ---- argp ---------------------------------------------------------------------------- */

static struct argp_option *argp_options_make(char (*help)[256])
{
	struct argp_option *out = calloc(OPTION_COUNT + 1, sizeof(*out));
	size_t i;

	for (i = 0; out && i < OPTION_COUNT; i++) {
		const struct option_row *row = &OPTIONS[i];

		snprintf(help[i], sizeof(help[i]), row->fallback ? "%s (default: %s)" : "%s",
		         row->help, row->fallback);
		out[i] = (struct argp_option){
		        .name = row->name,
		        .key = row->letter ? row->letter : KEY_BASE + (int)i,
		        .arg = row->argument,
		        .doc = help[i],
		        .group = (int)i + 1, /* keeps argp from sorting the table */
		};
	}
	return out;
}

static const struct option_row *row_of_key(int key)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		if (key == OPTIONS[i].letter || key == KEY_BASE + (int)i)
			return &OPTIONS[i];
	}
	return NULL;
}

static void say_wrong(struct command_line *line, const char *text)
{
	fprintf(stderr, "gomaptop: %s\n", text);
	line->wrong = true;
}

static void option_read(struct command_line *line, const struct option_row *row, const char *text)
{
	struct error err;
	char message[sizeof(err.text) + 64];

	line->given |= 1ULL << (row - OPTIONS);
	if (row->read(line, text, &err) < 0) {
		snprintf(message, sizeof(message), "--%s: %s", row->name, err.text);
		say_wrong(line, message);
	}
}

/* The first argument that is no option may be a command word. */
static bool word_take(struct command_line *line, const char *arg)
{
	size_t i;

	for (i = 0; i < COMMAND_COUNT && !line->worded; i++) {
		if (strcmp(arg, COMMANDS[i].name) != 0)
			continue;
		line->options->command_word = COMMANDS[i].command;
		line->worded = true;
		return true;
	}
	return false;
}

static error_t argp_parser(int key, char *arg, struct argp_state *state)
{
	struct command_line *line = state->input;
	const struct option_row *row = key == 0 ? NULL : row_of_key(key);
	char message[512];

	if (line->done || line->wrong) {
		state->next = state->argc;
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		if (word_take(line, arg))
			return 0;
		snprintf(message, sizeof(message),
		         "unexpected argument '%s': watch a process with -p PID, or start a "
		         "program with -- CMD",
		         arg);
		say_wrong(line, message);
		return 0;
	}
	if (!row)
		return ARGP_ERR_UNKNOWN;
	option_read(line, row, arg);
	return 0;
}

static char help_texts[OPTION_COUNT][256];

static int argp_run(int argc, char **argv, struct command_line *line)
{
	struct argp_option *rows = argp_options_make(help_texts);
	const struct argp argp = {
	        .options = rows, .parser = argp_parser, .args_doc = USAGE, .doc = ABOUT};
	error_t rc;

	if (!rows)
		return -ENOMEM;
	rc = argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP | ARGP_IN_ORDER, NULL, line);
	free(rows);
	return rc ? -EINVAL : 0;
}

static int print_argp(struct command_line *line, unsigned int what, struct error *err)
{
	struct argp_option *rows = argp_options_make(help_texts);
	const struct argp argp = {.options = rows, .args_doc = USAGE, .doc = ABOUT};
	char name[] = "gomaptop";

	if (!rows)
		return error_set(err, ENOMEM, "out of memory: free some and try again");
	argp_help(&argp, stdout, what, name);
	free(rows);
	line->done = true;
	return 0;
}

static int print_help(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	return print_argp(line, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, err);
}

static int print_usage(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	return print_argp(line, ARGP_HELP_USAGE, err);
}

/* ---- what belongs together ----------------------------------------------------------- */

static void check_one_target(struct command_line *line)
{
	const struct options *o = line->options;

	if (o->command)
		say_wrong(line, "check starts nothing: name the program with -e PATH");
	else if (options_name_no_target(o))
		say_wrong(line, "check what? Give -p PID or -e PATH");
	else if (o->pid_count > 1)
		say_wrong(line, "check looks at one process at a time: give one -p PID");
}

static void check_targets(struct command_line *line)
{
	const struct options *o = line->options;

	if ((o->pid_count > 0) + (o->executable != NULL) + (o->command != NULL) > 1)
		say_wrong(line, "-p, -e and -- CMD name different targets: give one of them");
	else if (o->command_word == COMMAND_CHECK)
		check_one_target(line);
	else if (o->command && !o->command[0])
		say_wrong(line, "nothing behind --: name the program to start, as in -- ./server");
	else if (options_name_no_target(o) && o->batch)
		say_wrong(line, "no target, and no screen to choose one on: give -p PID, -e PATH "
		                "or -- CMD");
}

static void check_meanings(struct command_line *line)
{
	const struct options *o = line->options;
	char message[256];
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		if (!(line->given >> i & 1) || OPTIONS[i].meaning == EVERYWHERE)
			continue;
		if (o->command_word == COMMAND_CHECK && OPTIONS[i].meaning == WATCHING) {
			snprintf(message, sizeof(message),
			         "--%s has no meaning with check, which only looks: leave it out",
			         OPTIONS[i].name);
			say_wrong(line, message);
			continue;
		}
		if (OPTIONS[i].meaning == WATCHING || o->command_word == COMMAND_CHECK ||
		    o->batch || o->output)
			continue;
		snprintf(message, sizeof(message),
		         "--%s has no meaning here: the screen prints no report; add -b or -o FILE",
		         OPTIONS[i].name);
		say_wrong(line, message);
	}
}

/* Everything from the first `--` on is not ours. */
static int split_command(int argc, char **argv, struct options *options)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			options->command = &argv[i + 1];
			return i;
		}
	}
	return argc;
}

enum options_answer options_parse(int argc, char **argv, bool stdout_is_terminal,
                                  struct options *options)
{
	struct command_line line = {.options = options};
	const char *no_color = getenv("NO_COLOR");
	static char name[] = "gomaptop";
	int rc;

	*options = (struct options){
	        .interval_ns = NS_PER_SECOND,
	        .format = SNAPSHOT_TEXT,
	        .output_format = SNAPSHOT_JSON,
	        .stall_min_ns = 20000,
	        .stall_max_ns = 1000000,
	        .stack_depth = 64,
	        .max_overhead = 0.03,
	        .color = no_color && *no_color ? UI_COLOR_NEVER : UI_COLOR_AUTO,
	};
	argc = split_command(argc, argv, options);
	if (argc > 0)
		argv[0] = name; /* getopt(3) begins its own messages with it */
	rc = argp_run(argc, argv, &line);
	if (line.wrong || rc)
		return OPTIONS_WRONG;
	if (line.done)
		return OPTIONS_DONE;
	options->batch = line.batch || !stdout_is_terminal;
	check_targets(&line);
	if (!line.wrong)
		check_meanings(&line);
	return line.wrong ? OPTIONS_WRONG : OPTIONS_RUN;
}

void options_free(struct options *options)
{
	free(options->pids);
	free(options->executable);
	free(options->output);
	*options = (struct options){0};
}

bool options_name_no_target(const struct options *options)
{
	return options->pid_count == 0 && !options->executable && !options->command;
}

/* ---- documents ----------------------------------------------------------------------- */

/* In a manual page every minus of an option must be \-, or it is copied as another character. */
static void write_minus_escaped(FILE *out, const char *text)
{
	for (; *text; text++)
		fputs(*text == '-' ? "\\-" : (char[]){*text, '\0'}, out);
}

int options_write_manual(FILE *out)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &OPTIONS[i];

		fputs(".TP\n", out);
		if (row->letter)
			fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
		fputs("\\fB\\-\\-", out);
		write_minus_escaped(out, row->name);
		fputs("\\fR", out);
		if (row->argument)
			fprintf(out, "=\\fI%s\\fR", row->argument);
		fputc('\n', out);
		write_minus_escaped(out, row->help);
		if (row->fallback) {
			fputs(" (default: ", out);
			write_minus_escaped(out, row->fallback);
			fputc(')', out);
		}
		fputs(".\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

int options_write_commands(FILE *out)
{
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++) {
		fprintf(out, ".TP\n\\fB%s\\fR ", COMMANDS[i].name);
		write_minus_escaped(out, COMMANDS[i].arguments);
		fputc('\n', out);
		write_minus_escaped(out, COMMANDS[i].help);
		fputs(".\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

int options_write_words(FILE *out)
{
	size_t i;

	for (i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "%s\n", COMMANDS[i].name);
	return ferror(out) ? -EIO : 0;
}

int options_write_completion(FILE *out)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		fprintf(out, "%s %c %s\n", OPTIONS[i].name,
		        OPTIONS[i].letter ? OPTIONS[i].letter : '-',
		        OPTIONS[i].argument ? OPTIONS[i].argument : "-");
	return ferror(out) ? -EIO : 0;
}

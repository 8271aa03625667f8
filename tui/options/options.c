/* SPDX-License-Identifier: MIT */
#include "tui/options/options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tui/options/options_internal.h"

#define KEY_BASE 0x1000 /* argp keys are row numbers, out of the way of ASCII and argp's own */

static const char USAGE[] = "\n-p PID[,PID...]\nPID|NAME\n-e PATH\n-- CMD [ARG...]\n"
                            "check (-p PID | -e PATH)";
static const char ABOUT[] =
        "Show concurrent map conflicts in running Go processes: which map, which two "
        "goroutines, which lines, how often. Without -p, -e or CMD: choose from the Go processes "
        "that run here.\v"
        "With -- CMD, gomaptop starts CMD, watches it from its first instruction (of a script, "
        "sudo or go run, the Go programs that it starts) and ends it when the watch ends. With "
        "check it says what can be watched, and attaches nothing.\n\n"
        "Exit status: 0 it ran and found nothing, and with -b enough was seen to say so; 1 it "
        "could not do its work; 2 the command line is wrong; with -b: 3 at least one conflict was "
        "seen, 6 unordered pairs were, but no conflict, 5 neither was, and something was lost or "
        "could not be watched, 4 nothing was found, and too little was seen to say more. With -- "
        "CMD and 0: CMD's own status.";

/* ---- argp ---------------------------------------------------------------------------- */

static struct argp_option *argp_options_make(char (*help)[256])
{
	struct argp_option *out = calloc(option_count + 1, sizeof(*out));
	size_t i;

	for (i = 0; out && i < option_count; i++) {
		const struct option_row *row = &option_rows[i];

		snprintf(help[i], sizeof(help[i]), option_default(row) ? "%s (default: %s)" : "%s",
		         row->help, option_default(row));
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

	for (i = 0; i < option_count; i++) {
		if (key == option_rows[i].letter || key == KEY_BASE + (int)i)
			return &option_rows[i];
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
	int rc;

	rc = row->read(line, text, &err);
	line->failed |= rc == -ENOMEM;
	if (rc < 0) {
		snprintf(message, sizeof(message), "--%s: %s", row->name, err.text);
		say_wrong(line, message);
	}
}

/* The first argument that is no option may be a command word. */
static bool word_take(struct command_line *line, const char *arg)
{
	size_t i;

	for (i = 0; i < command_count && !line->worded; i++) {
		if (strcmp(arg, command_rows[i].name) != 0)
			continue;
		line->options->command_word = command_rows[i].command;
		line->worded = true;
		return true;
	}
	return false;
}

static error_t argp_parser(int key, char *arg, struct argp_state *state)
{
	struct command_line *line = state->input;
	const struct option_row *row = key == 0 ? NULL : row_of_key(key);
	struct error err;
	int rc;

	if (line->done || line->wrong) {
		state->next = state->argc;
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		if (word_take(line, arg))
			return 0;
		rc = read_pids(line, arg, &err);
		line->failed |= rc == -ENOMEM;
		if (rc)
			say_wrong(line, err.text);
		return 0;
	}
	if (!row)
		return ARGP_ERR_UNKNOWN;
	line->given |= 1ULL << (row - option_rows);
	option_read(line, row, arg);
	return 0;
}

static char help_texts[OPTIONS_MAX][256];

static int argp_run(int argc, char **argv, struct command_line *line)
{
	struct argp_option *rows = argp_options_make(help_texts);
	const struct argp argp = {
	        .options = rows, .parser = argp_parser, .args_doc = USAGE, .doc = ABOUT};
	error_t rc;

	rc = rows ? argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP | ARGP_IN_ORDER, NULL,
	                       line)
	          : ENOMEM;
	free(rows);
	if (rc && rc != ENOMEM && !line->wrong)
		options_like_tell(argc, argv);
	if (rc == ENOMEM && !line->wrong) {
		line->failed = true;
		say_wrong(line, "out of memory: free some and try again");
	}
	return rc ? -EINVAL : 0;
}

static int print_argp(struct command_line *line, unsigned int what, struct error *err)
{
	struct argp_option *rows = argp_options_make(help_texts);
	const struct argp argp = {.options = rows, .args_doc = USAGE, .doc = ABOUT};
	char name[] = "gomaptop";

	if (!rows)
		return error_no_memory(err);
	argp_help(&argp, stdout, what, name);
	free(rows);
	line->done = true;
	return 0;
}

int options_print_help(struct command_line *line, const char *text, struct error *err)
{
	(void)text;
	return print_argp(line, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, err);
}

int options_print_usage(struct command_line *line, const char *text, struct error *err)
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
	else if (o->format != SNAPSHOT_JSON && o->format != SNAPSHOT_TEXT)
		say_wrong(line, "check has one answer: give --format json or text");
	else if (o->pid_count + o->name_count > 1)
		say_wrong(line, "check looks at one process at a time: give one -p PID");
}

static void check_targets(struct command_line *line)
{
	const struct options *o = line->options;

	if ((o->pid_count + o->name_count > 0) + (o->executable != NULL) + (o->command != NULL) > 1)
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

	for (i = 0; i < option_count; i++) {
		if (!(line->given >> i & 1) || option_rows[i].meaning == EVERYWHERE)
			continue;
		if (o->command_word == COMMAND_CHECK &&
		    (option_rows[i].meaning == WATCHING || option_rows[i].meaning == BATCH)) {
			snprintf(message, sizeof(message),
			         "--%s has no meaning with check, which only looks: leave it out",
			         option_rows[i].name);
			say_wrong(line, message);
			continue;
		}
		if (option_rows[i].meaning == WATCHING || o->command_word == COMMAND_CHECK ||
		    o->batch || (o->output && option_rows[i].meaning == BATCH_OR_FILE))
			continue;
		snprintf(message, sizeof(message), "--%s has no meaning here: %s",
		         option_rows[i].name,
		         option_rows[i].meaning == BATCH
		                 ? "only -b ends with a status for what was seen; add -b"
		                 : "the screen prints no report; add -b or -o FILE");
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

/* Those of the table, and those that no value says. */
static void defaults_set(struct command_line *line)
{
	const char *no_color = getenv("NO_COLOR");
	size_t i;

	*line->options = (struct options){
	        .format = SNAPSHOT_TEXT,
	        .output_format = SNAPSHOT_JSON,
	        .color = no_color && *no_color ? UI_COLOR_NEVER : UI_COLOR_AUTO,
	};
	for (i = 0; i < option_count; i++) {
		if (option_rows[i].default_value)
			option_read(line, &option_rows[i], option_rows[i].default_value);
	}
}

enum options_answer options_parse(int argc, char **argv, bool stdout_is_terminal,
                                  struct options *options)
{
	struct command_line line = {.options = options};
	static char name[] = "gomaptop";
	int rc;

	defaults_set(&line);
	argc = split_command(argc, argv, options);
	if (argc > 0)
		argv[0] = name; /* getopt(3) begins its own messages with it */
	rc = argp_run(argc, argv, &line);
	if (line.wrong || rc)
		return line.failed ? OPTIONS_FAILED : OPTIONS_WRONG;
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
	for (size_t i = 0; i < options->name_count; i++)
		free(options->names[i]);
	free(options->names);
	free(options->executable);
	free(options->output);
	free(options->exec);
	for (size_t i = 0; i < options->source_dir_count; i++) {
		free(options->source_dirs[i].from);
		free(options->source_dirs[i].to);
	}
	free(options->source_dirs);
	*options = (struct options){0};
}

bool options_name_no_target(const struct options *options)
{
	return options->pid_count + options->name_count == 0 && !options->executable &&
	       !options->command;
}

/* SPDX-License-Identifier: MIT */
/* Documents made from the same tables as the command line is read by. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tui/options/options_internal.h"

/* In a manual page every minus of an option must be \-, or it is copied as another character. */
static void write_minus_escaped(FILE *out, const char *text)
{
	for (; *text; text++)
		fputs(*text == '-' ? "\\-" : (char[]){*text, '\0'}, out);
}

int options_write_manual(FILE *out)
{
	size_t i;

	for (i = 0; i < option_count; i++) {
		const struct option_row *row = &option_rows[i];

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
		if (option_default(row)) {
			fputs(" (default: ", out);
			write_minus_escaped(out, option_default(row));
			fputc(')', out);
		}
		fputs(".\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

int options_write_commands(FILE *out)
{
	size_t i;

	for (i = 0; i < command_count; i++) {
		fprintf(out, ".TP\n\\fB%s\\fR ", command_rows[i].name);
		write_minus_escaped(out, command_rows[i].arguments);
		fputc('\n', out);
		write_minus_escaped(out, command_rows[i].help);
		fputs(".\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

int options_write_words(FILE *out)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		fprintf(out, "%s\n", command_rows[i].name);
	return ferror(out) ? -EIO : 0;
}

int options_write_completion(FILE *out)
{
	size_t i;

	for (i = 0; i < option_count; i++)
		fprintf(out, "%s %c %s\n", option_rows[i].name,
		        option_rows[i].letter ? option_rows[i].letter : '-',
		        option_rows[i].argument ? option_rows[i].argument : "-");
	return ferror(out) ? -EIO : 0;
}

/* ---- other shells: what comes behind an option -------------------------------------------- */

enum completes { NOTHING, WORD, WORDS, PROCESS, A_FILE };

static enum completes completes(const char *argument)
{
	if (!argument)
		return NOTHING;
	if (strchr(argument, '|'))
		return WORDS;
	if (strncmp(argument, "PID", 3) == 0)
		return PROCESS;
	return strcmp(argument, "FILE") == 0 || strcmp(argument, "PATH") == 0 ? A_FILE : WORD;
}

/* Between single quotes; special: what has a backslash before it there. "|" as a blank if bars. */
static void write_quoted(FILE *out, const char *text, const char *special, bool bars)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (bars && *text == '|')
			fputc(' ', out);
		else
			fprintf(out, "%s%c", strchr(special, *text) ? "\\" : "", *text);
	}
}

int options_write_fish(FILE *out)
{
	static const char *const behind[] = {[NOTHING] = "-f",
	                                     [WORD] = "-x",
	                                     [PROCESS] = "-xa '(__fish_complete_pids)'",
	                                     [A_FILE] = "-rF"};

	for (size_t i = 0; i < command_count; i++) {
		fprintf(out, "complete -c gomaptop -n __fish_use_subcommand -f -a %s -d '",
		        command_rows[i].name);
		write_quoted(out, command_rows[i].help, "", false);
		fputs("'\n", out);
	}
	for (size_t i = 0; i < option_count; i++) {
		const struct option_row *row = &option_rows[i];
		enum completes what = completes(row->argument);

		fprintf(out, "complete -c gomaptop -l %s ", row->name);
		if (row->letter)
			fprintf(out, "-s %c ", row->letter);
		if (what == WORDS) {
			fputs("-xa '", out);
			write_quoted(out, row->argument, "", true);
			fputc('\'', out);
		} else {
			fputs(behind[what], out);
		}
		fputs(" -d '", out);
		write_quoted(out, row->help, "", false);
		fputs("'\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

static void write_zsh_argument(FILE *out, const char *argument)
{
	static const char *const actions[] = {
	        [NOTHING] = "", [WORD] = " ", [PROCESS] = "_pids", [A_FILE] = "_files"};
	enum completes what = completes(argument);

	if (what == NOTHING)
		return;
	fputc(':', out);
	write_quoted(out, what == WORDS ? "word" : argument, ":", false);
	fputc(':', out);
	if (what != WORDS) {
		fputs(actions[what], out);
		return;
	}
	fputc('(', out);
	write_quoted(out, argument, "", true);
	fputc(')', out);
}

/* Arguments of _arguments. */
int options_write_zsh(FILE *out)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->letter)
			fprintf(out, "\t'(-%c --%s)'{-%c,--%s%s}'[", row->letter, row->name,
			        row->letter, row->name, row->argument ? "=" : "");
		else
			fprintf(out, "\t'--%s%s[", row->name, row->argument ? "=" : "");
		write_quoted(out, row->help, "[]:\\", false);
		fputc(']', out);
		write_zsh_argument(out, row->argument);
		fputs("' \\\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

int options_write_zsh_words(FILE *out)
{
	for (size_t i = 0; i < command_count; i++) {
		fprintf(out, "\t'%s:", command_rows[i].name);
		write_quoted(out, command_rows[i].help, ":", false);
		fputs("'\n", out);
	}
	return ferror(out) ? -EIO : 0;
}

/* SPDX-License-Identifier: MIT */
/* Documents made from the same tables as the command line is read by. */
#include <errno.h>
#include <stdio.h>

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

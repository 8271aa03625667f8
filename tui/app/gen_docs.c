/* SPDX-License-Identifier: MIT */
/*
 * gen_docs: fills the templates of the manual page and the completions of shells from the tables
 * that the program itself is made from. Runs while gomaptop is built, and is not installed.
 *
 *     gen_docs TEMPLATE
 *
 * A line of the template that is one of the placeholders below is replaced; @VERSION@ is replaced
 * anywhere. An unknown placeholder is an error, so that none reaches a reader.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/test_knob.h"
#include "core/report/metrics.h"
#include "tui/options/options.h"
#include "tui/term/keymap.h"

static const struct placeholder {
	const char *line;
	int (*write)(FILE *out);
} PLACEHOLDERS[] = {
        {"@OPTIONS@\n", options_write_manual},       {"@COMMANDS@\n", options_write_commands},
        {"@KEYS@\n", keymap_write_manual},           {"@OPTION_TABLE@\n", options_write_completion},
        {"@COMMAND_WORDS@\n", options_write_words},  {"@METRICS@\n", metrics_write_manual},
        {"@TEST_KNOBS@\n", test_knobs_write_manual}, {"@FISH@\n", options_write_fish},
        {"@ZSH_OPTIONS@\n", options_write_zsh},      {"@ZSH_WORDS@\n", options_write_zsh_words},
};

static int write_plain(const char *line, FILE *out)
{
	const char *version = strstr(line, "@VERSION@");

	if (version) {
		fwrite(line, 1, (size_t)(version - line), out);
		fputs(GOMAPTOP_VERSION, out);
		line = version + strlen("@VERSION@");
	}
	if (line[0] == '@' && isupper((unsigned char)line[1]))
		return -1;
	fputs(line, out);
	return 0;
}

static int write_line(const char *line, FILE *out)
{
	size_t i;

	for (i = 0; i < sizeof(PLACEHOLDERS) / sizeof(PLACEHOLDERS[0]); i++) {
		if (strcmp(line, PLACEHOLDERS[i].line) == 0)
			return PLACEHOLDERS[i].write(out);
	}
	return write_plain(line, out);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	FILE *template;
	int rc = 0;

	template = argc == 2 ? fopen(argv[1], "r") : NULL;
	if (!template) {
		fprintf(stderr, "usage: gen_docs TEMPLATE\n");
		return EXIT_FAILURE;
	}
	while (!rc && getline(&line, &size, template) > 0) {
		rc = write_line(line, stdout);
		if (rc)
			fprintf(stderr, "gen_docs: %s: cannot fill in %s", argv[1], line);
	}
	free(line);
	fclose(template);
	return rc || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

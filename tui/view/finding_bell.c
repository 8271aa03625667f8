/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/finding_bell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "tui/term/screen.h"
#include "tui/view/pane.h"

#define TITLE_MAX 256

/* Terminals that keep a title; others might print it. */
static bool has_title(void)
{
	static const char *const kinds[] = {"xterm", "tmux",      "screen", "rxvt",
	                                    "foot",  "alacritty", "vte",    "konsole"};
	const char *term = getenv("TERM");

	for (size_t i = 0; term && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(term, kinds[i], strlen(kinds[i])) == 0)
			return true;
	return false;
}

static const char *what_was_found(const struct rows *rows)
{
	return rows->crash_count ? "crash" : rows->conflict_total ? "conflict" : "unordered pair";
}

static void title_set(const struct ui *ui)
{
	const struct rows *rows = &ui->rows;
	const char *exe = rows->target_count ? rows->targets[0]->exe : "";
	const char *slash = strrchr(exe, '/');
	char name[sizeof(rows->targets[0]->exe)], title[TITLE_MAX + sizeof(name)];

	sanitize(slash ? slash + 1 : exe, name, sizeof(name));
	/* 22;2t keeps the title of before for 23;2t. */
	snprintf(title, sizeof(title), "\033[22;2t\033]2;gomaptop: %s%s%s", what_was_found(rows),
	         *name ? " in " : "", name);
	screen_send(title, "\a");
}

void finding_bell_look(struct ui *ui)
{
	const struct rows *rows = &ui->rows;

	if (!ui->config->bell || ui->rung ||
	    (!rows->conflict_total && !rows->unordered_total && !rows->crash_count))
		return;
	ui->rung = true;
	screen_send("\a", "");
	if (has_title())
		title_set(ui);
}

void finding_bell_over(struct ui *ui)
{
	if (ui->rung && has_title())
		screen_send("\033[23;2t", "");
}

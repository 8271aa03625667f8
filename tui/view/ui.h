/* SPDX-License-Identifier: MIT */
/*
 * ui: the interactive screen, from the first frame to the terminal as it was before.
 *
 * Draws a model that its source fills: a live session (tui/app/session) or a synthetic load.
 */
#ifndef GOMAPTOP_TUI_UI_H
#define GOMAPTOP_TUI_UI_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/model/model.h"
#include "tui/term/color.h"

/* Where the screen gets its life from. */
struct ui_source {
	struct model *model;
	/* Readable when there is news; -1: only the clock drives the screen. */
	int event_fd;
	/* Bring the model up to date, after reading event_fd empty; returns > 0 when something
	 * changed, 0 when not, -errno when the source is over (the screen stays and says so). */
	int (*pump)(void *ctx);
	/* Write a snapshot under a name of its own choice; path_out says where, absolute. 0 or
	 * -errno + words. */
	int (*snapshot)(void *ctx, char *path_out, size_t path_size, struct error *err);
	/* One line for the header: how the probes are attached, "24/24 probes (uprobe_multi)". */
	void (*attach_line)(void *ctx, char *out, size_t size);
	double overhead_limit; /* 0.03; 0 or 1: there is no limit to speak of */
	/* What is to be known of the watch itself, a sentence for each index from 0 on (a function
	 * that could not be probed, an executable that was replaced). False: no more for now. NULL:
	 * nothing to tell. */
	bool (*problem)(void *ctx, size_t index, char *out, size_t size);
	/* A finding as a bug report in Markdown, NUL-terminated; returns its length. NULL: it is
	 * copied as plain text. */
	size_t (*report)(void *ctx, const struct conflict_row *row, char *out, size_t size);
	/* on: this process is about to be stopped, nothing will govern the probes; off: it goes on.
	 * NULL: nothing has to know. */
	void (*pause)(void *ctx, bool on);
	const char *metrics_url; /* NULL: metrics are not served */
	/* What has to happen before anything can be seen (a program that is not started yet), a
	 * sentence without its full stop; empty: nothing. NULL: there is nothing to wait for. */
	void (*waiting)(void *ctx, char *out, size_t size);
	/* CPU time of a process so far, in nanoseconds. False: it is not known (any more). NULL:
	 * never. */
	bool (*cpu_ns)(void *ctx, uint32_t tgid, uint64_t *out);
	/* All targets have ended. */
	bool (*targets_gone)(void *ctx);
	/* The screen is over, but the terminal, which may be slow to take what is left, has not
	 * been given back yet, and signals that would end the process still only ask for it: end
	 * the watch and keep what was found. NULL: there is none. */
	void (*over)(void *ctx);
	void *ctx;
	/* CLOCK_REALTIME - CLOCK_MONOTONIC of the events, for times of day; 0: not known, the
	 * screen then shows no times of day. */
	int64_t realtime_offset_ns;
};

struct ui_config {
	uint64_t interval_ns; /* between two refreshes; not 0 */
	uint64_t duration_ns; /* 0: until q */
	enum ui_color color;
	bool until_conflict, until_finding, until_sure;
	bool bell; /* ring at the first finding, and say it in the terminal's title */
};

/* Run until the user quits, the duration ends or a signal asks for it. 0, or -errno with words
 * (no terminal, unknown TERM). The terminal is restored on every way out, crash included. */
int ui_run(const struct ui_source *source, const struct ui_config *config, struct error *err);

/* A Go process to choose from. */
struct ui_choice {
	pid_t pid;
	char command[256];
	char go_version[64];
	char user[32];
	char unit[32]; /* service, container or session; empty: not known */
	double cpu_percent;
	uint64_t started_ns; /* CLOCK_REALTIME; 0: not known */
	bool unreadable;     /* listed, but not to be chosen */
};

struct ui_choices {
	/* Fill choices afresh, without waiting for anything. *complete: false as long as there may
	 * be processes that were not looked at yet. */
	size_t (*list)(void *ctx, struct ui_choice *out, size_t max, bool *complete);
	void *ctx;
	int event_fd; /* readable: list() has something new; -1: none */
};

/* Let the user choose a process. Returns the pid, 0 when the user quit without choosing, or
 * -errno. */
pid_t ui_choose(const struct ui_choices *choices, const struct ui_config *config,
                struct error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * session_internal: what the files of a session share; only tui/app/session*.c include it.
 */
#ifndef GOMAPTOP_TUI_SESSION_INTERNAL_H
#define GOMAPTOP_TUI_SESSION_INTERNAL_H

#include <sys/utsname.h>
#include <time.h>

#include "bpf/watch/watch.h"
#include "core/process/child.h"
#include "tui/app/finding_hook.h"
#include "tui/app/metrics_server.h"
#include "tui/app/session.h"

#define SESSION_PATH_MAX 4096

struct session {
	const struct options *options;
	struct child *child; /* CMD, or NULL */
	pid_t child_pid;
	char child_log[256]; /* empty: its output goes elsewhere */
	struct watch *watch;
	struct model *model;
	struct metrics_server *metrics;  /* NULL: without --listen */
	struct finding_hook *hook;       /* NULL: neither --exec nor --bell without a screen */
	unsigned int metrics_ticks;      /* how many and one it tells of; 0: none yet */
	uint64_t started_ns, stopped_ns; /* CLOCK_MONOTONIC; stopped_ns 0: still watching */
	bool settled;                    /* session_stop() has been called */
	unsigned int ticks;
	uint64_t reported_ns; /* what session_report() has told already */
	struct snapshot_told told;
	size_t told_count;       /* findings that there were at the last look */
	unsigned int told_ticks; /* ticks likewise */
	struct utsname host;
	struct snapshot_skip *skips;
	size_t skip_count;
	char **news; /* what was said of the executable so far, oldest first */
	size_t news_count;
	char waiting[384]; /* watch_waiting(), for a report */
	/* What session_keep_findings() came to. */
	struct {
		bool done;                                 /* there was something to keep */
		char path[SESSION_PATH_MAX], why_not[512]; /* path empty: not kept */
	} kept;
};

/* session_command.c: end CMD if it still runs, and what it started with it. 0, or -EBUSY with
 * words. */
int session_command_end(struct session *session, struct error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * check_parts: the functions that find the facts of a check_report, and what they share.
 */
#ifndef GOMAPTOP_TUI_CHECK_PARTS_H
#define GOMAPTOP_TUI_CHECK_PARTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/go/go_binary.h"
#include "core/probe/probe_site.h"
#include "core/process/go_process.h"
#include "tui/check/check_report.h"

/* What is looked at. Zeroed but for pid and file before check_program_gather(). */
struct check_target {
	pid_t pid;                /* 0: a file */
	const char *file;         /* -e; NULL: a process */
	int pidfd;                /* -1: no such process */
	char path[PATH_MAX];      /* what is opened: the file, or /proc/PID/exe */
	struct go_binary *binary; /* NULL: it could not be read, facts say why */
	struct probe_plan plan;   /* its sites are the first rows of report->probes, in order */
};

/* check_program.c: the process, the executable, its map functions. */
void check_program_gather(struct check_report *report, struct check_target *target);
/* After everything else: is the process that was looked at still there? */
void check_process_recheck(struct check_report *report, const struct check_target *target);
void check_target_free(struct check_target *target);

/* check_order.c: how completely what orders goroutines is found; the binary must be there. */
void check_order_gather(struct check_report *report, const struct check_target *target);

/* check_host.c: privileges, kernel features, machine. -ENOMEM. */
int check_host_gather(struct check_report *report, const struct check_target *target, bool verbose);

#endif

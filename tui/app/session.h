/* SPDX-License-Identifier: MIT */
/*
 * session: one run of gomaptop on live processes: watch -> queue -> model, CMD included.
 *
 * The thread that opens a session owns it: it drains the queue into the model (session_pump) and
 * reads the model; screen and batch report are two readers of the same session. With --listen a
 * server hands out its metrics, which session_pump() brings up to date with every count.
 */
#ifndef GOMAPTOP_TUI_SESSION_H
#define GOMAPTOP_TUI_SESSION_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/model/model.h"
#include "core/report/snapshot.h"
#include "tui/options/options.h"
#include "tui/view/ui.h"

struct session;

/* Start watching what the options name. CMD is started, held until the probes are in place, and
 * let go; its standard output goes where our standard error goes (ours carries data), and with a
 * screen to a file that session_child_log() names. The options are borrowed until close. 0, or
 * -errno with words; then nothing is left behind, CMD included. */
int session_open(const struct options *options, struct session **out, struct error *err);

/* A sentence about the targets: said at once where there is no screen, and kept for reports and
 * messages. */
void session_note(struct session *session, const char *text);

/* Take the probes out; nothing more. Idempotent. */
void session_probes_out(struct session *session);
/* Take the probes out, end CMD if it still runs, bring the model up to date with the final counts.
 * Idempotent. -EBUSY with words: CMD does not end. */
int session_stop(struct session *session, struct error *err);
void session_close(struct session *session); /* accepts NULL; stops first */

/* Bring the model up to date: > 0 something changed, 0 nothing new. */
int session_pump(struct session *session);
struct model *session_model(struct session *session);
/* How often the counts have been read so far: figures are freshest when this has just grown. It
 * grows once an interval, and once a second where the interval is longer. */
unsigned int session_ticks(const struct session *session);

/* Where its metrics are served, or NULL: without --listen. Valid until session_close(). */
const char *session_metrics_url(const struct session *session);

/* For poll(2): readable when there is news; when CMD has ended (-1 without CMD). */
int session_event_fd(const struct session *session);
int session_child_fd(const struct session *session);

/* Every process of -p, or CMD, has ended. With -e never: the next one may come. */
bool session_targets_gone(struct session *session);

/* -e: what is at PATH by now cannot be watched (no Go program, or half of one). */
bool session_executable_unwatched(const struct session *session);

/* CMD is not a Go program itself: 0 when a Go program that it started was watched, else -ENOENT
 * with words that say what it ran. */
int session_ran_none(const struct session *session, struct error *err);

/* Exit status of CMD, 0 without one. After session_stop(). */
int session_child_status(const struct session *session);
/* File with the output of CMD, or NULL: none was kept. After session_stop(). */
const char *session_child_log(const struct session *session);

/* See watch_fell_back(). */
bool session_fell_back(const struct session *session, char *out, size_t size);

/* Was anything lost or not watched? In words; see snapshot_gaps(). */
bool session_gaps(struct session *session, char out[SNAPSHOT_GAPS_MAX]);

/* A line for each pair of lines and each crash that was not told so far; cheap where there is none.
 * 0, or -errno with words. */
int session_news(struct session *session, FILE *out, struct error *err);
/* What was new since the last call, in figures (as an event: those of the whole watch), the whole
 * report, the whole report in a file. The file is replaced at once or not at all; what is no
 * regular file (a pipe, a terminal) is written to as it is. 0, or -errno with words. */
int session_report(struct session *session, FILE *out, bool color, struct error *err);
int session_write(struct session *session, enum snapshot_format format, FILE *out, bool color,
                  struct error *err);
int session_save(struct session *session, enum snapshot_format format, const char *path,
                 struct error *err);

/* A finding as a bug report in Markdown; returns its length, cut off at size. */
size_t session_finding(struct session *session, const struct conflict_row *row, char *out,
                       size_t size);

/* Write a snapshot, which nobody else can read, under a name of its own into the current folder;
 * where that takes none, into $TMPDIR, the home folder or /tmp. path: where it is, absolute. 0, or
 * -errno with words. */
int session_keep(struct session *session, char *path, size_t size, struct error *err);
/* Without -o: keep a conflict, an unordered pair or a crash in such a snapshot. Once. */
void session_keep_findings(struct session *session);
/* What was found, where in the program, and where it is kept: three lines on standard error.
 * Nothing where session_keep_findings() had nothing to keep. */
void session_kept_tell(const struct session *session);

/* The session as the screen wants it; valid until session_close(). */
struct ui_source session_ui_source(struct session *session);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * batch: gomaptop without a screen: a report every interval and one at the end.
 *
 * Text: what is new each interval, everything at the end. JSON: one whole snapshot each interval
 * and at the end, one object after the other; `-i` as long as `-d` gives exactly one.
 */
#ifndef GOMAPTOP_TUI_BATCH_H
#define GOMAPTOP_TUI_BATCH_H

#include "core/error.h"
#include "tui/options.h"
#include "tui/session.h"

/* SIGINT, SIGTERM and SIGHUP, from here on, end the watch and not the program: call it before the
 * session is opened, so that none is lost on the way. Returns a descriptor for batch_run(), or
 * -errno. */
int batch_signals(struct error *err);

/* Report on standard output until the duration has passed, the targets have ended, a signal came,
 * or (--until-conflict) a conflict was seen; stops the session, then writes the last report. A
 * second signal ends the program at once. 0, or -errno with words; -EPIPE: nobody reads any more.
 */
int batch_run(struct session *session, const struct options *options, int signals,
              struct error *err);

#endif

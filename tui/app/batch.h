/* SPDX-License-Identifier: MIT */
/*
 * batch: gomaptop without a screen: a report every interval and one at the end.
 *
 * Text: a line for each new pair of lines and each crash at once, a line of figures each interval,
 * everything at the end. JSON: one whole snapshot each interval
 * and at the end, one object after the other; `-i` as long as `-d` gives exactly one.
 *
 * Events: the same as text, for programs. Markdown: bug reports, at the end only.
 *
 * Standard output may take nothing for any time (`| less`, ^S): the watch goes on meanwhile, and
 * its end is not delayed. While one report waits to be written, those that become due are left out
 * and counted on standard error; text reports lose nothing by it, since the next one has all that
 * is new.
 */
#ifndef GOMAPTOP_TUI_BATCH_H
#define GOMAPTOP_TUI_BATCH_H

#include "core/base/error.h"
#include "tui/app/session.h"
#include "tui/options/options.h"

/* SIGINT, SIGTERM and SIGHUP, from here on, end the watch and not the program: call it before the
 * session is opened, so that none is lost on the way. Returns a descriptor for batch_run(), or
 * -errno. */
int batch_signals(struct error *err);

/* Report on standard output until the duration has passed, the targets have ended, a signal came,
 * or what one of --until-conflict, --until-finding and --until-sure waits for was seen. Then the
 * probes are taken out first; the last report and the file of -o are written after that. Standard
 * output that takes nothing is given up after 3 s where a signal ended the watch, else after 10
 * s. A second signal ends the program at once. 0, or -errno with words; -EPIPE: standard output
 * has no reader any more. */
int batch_run(struct session *session, const struct options *options, int signals,
              struct error *err);

/* The exit status of such a watch: the first of 3, 6, 5 and 4 for which there is a reason, else 0.
 * gaps: something was lost or could not be watched. enough: enough was seen, or need not be. */
enum exit_status batch_status(const struct model *model, bool gaps, bool enough);

#endif

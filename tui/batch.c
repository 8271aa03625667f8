/* SPDX-License-Identifier: MIT */
#include "tui/batch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND 1000000000ULL
#define NEVER         UINT64_MAX

/* ---- signals ------------------------------------------------------------------------- */

static void ending_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int batch_signals(struct error *err)
{
	struct sigaction before;
	sigset_t set;
	int fd;

	ending_signals(&set);
	/* Under nohup(1) a hangup is ignored, and stays ignored. */
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
		sigdelset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_set(err, errno, "cannot listen for signals: %s; raise `ulimit -n`",
		                 strerror(errno));
	return fd;
}

static void signals_deadly_again(int signals)
{
	struct signalfd_siginfo seen;
	sigset_t set;

	/* One key press may arrive twice (terminal and shell): what is here already was meant. */
	while (read(signals, &seen, sizeof(seen)) > 0)
		;
	ending_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- time ---------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static int milliseconds_until(uint64_t deadline)
{
	uint64_t now = now_ns(), left = deadline > now ? (deadline - now + 999999) / 1000000 : 0;

	return left > 60000 ? 60000 : (int)left; /* poll() counts in int; it is only asked again */
}

/* ---- the loop ------------------------------------------------------------------------ */

struct batch {
	struct session *session;
	const struct options *options;
	int signals;
	bool color;
	uint64_t next_report, end;
	uint64_t patience;  /* how long a report waits for fresh counts */
	unsigned int ticks; /* at the last report */
};

static int report(struct batch *batch, struct error *err)
{
	if (batch->options->format == SNAPSHOT_JSON)
		return session_write(batch->session, SNAPSHOT_JSON, stdout, false, err);
	return session_report(batch->session, stdout, batch->color, err);
}

/* Wait for news, a signal, the end of CMD, or the next report. True: a signal came. */
static bool wait_for_something(const struct batch *batch)
{
	uint64_t report = batch->next_report + batch->patience;
	uint64_t until = report < batch->end ? report : batch->end;
	struct pollfd fds[] = {
	        {.fd = batch->signals, .events = POLLIN},
	        {.fd = session_event_fd(batch->session), .events = POLLIN},
	        {.fd = session_child_fd(batch->session), .events = POLLIN},
	};

	return poll(fds, sizeof(fds) / sizeof(fds[0]), milliseconds_until(until)) > 0 &&
	       fds[0].revents;
}

static bool is_over(const struct batch *batch)
{
	if (batch->options->until_conflict && model_has_conflict(session_model(batch->session)))
		return true;
	return session_targets_gone(batch->session) || now_ns() >= batch->end;
}

/* A report waits for the counts that are read at about the same time, but not for ever. */
static bool report_is_due(const struct batch *batch)
{
	uint64_t now = now_ns();

	if (session_ticks(batch->session) == batch->ticks)
		return now >= batch->next_report + batch->patience;
	return now + batch->patience / 4 >= batch->next_report;
}

static int report_when_due(struct batch *batch, struct error *err)
{
	if (!report_is_due(batch))
		return 0;
	batch->ticks = session_ticks(batch->session);
	batch->next_report += batch->options->interval_ns;
	if (batch->next_report < now_ns())
		batch->next_report = now_ns() + batch->options->interval_ns;
	return report(batch, err);
}

static int batch_loop(struct batch *batch, struct error *err)
{
	bool signalled = false;
	int rc = 0;

	while (!rc && !signalled) {
		signalled = wait_for_something(batch);
		session_pump(batch->session);
		/* The last report has it all: one that is due at the end is not printed twice. */
		if (is_over(batch) || signalled)
			break;
		rc = report_when_due(batch, err);
	}
	return rc;
}

int batch_run(struct session *session, const struct options *options, int signals,
              struct error *err)
{
	struct batch batch = {
	        .session = session,
	        .options = options,
	        .signals = signals,
	        .color = options->color == UI_COLOR_ALWAYS ||
	                 (options->color == UI_COLOR_AUTO && isatty(STDOUT_FILENO)),
	        .next_report = now_ns() + options->interval_ns,
	        .patience =
	                options->interval_ns < NS_PER_SECOND ? options->interval_ns : NS_PER_SECOND,
	        .end = options->duration_ns ? now_ns() + options->duration_ns : NEVER,
	};
	struct error stop_err;
	int rc, stop_rc;

	rc = batch_loop(&batch, err);
	signals_deadly_again(signals);
	stop_rc = session_stop(session, &stop_err);
	if (!rc)
		rc = session_write(session, options->format, stdout, batch.color, err);
	if (!rc && stop_rc) {
		*err = stop_err;
		rc = stop_rc;
	}
	return rc;
}

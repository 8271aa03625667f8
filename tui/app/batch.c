/* SPDX-License-Identifier: MIT */
#include "tui/app/batch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/output_file.h"
#include "core/base/writer.h"
#include "core/model/enough.h"

#define NS_PER_SECOND 1000000000ULL
#define NEVER         UINT64_MAX

#define OUTPUT_STEP      65536
#define NEWS_UNDERWAY_NS (100 * 1000000ULL)
/* At the end, how long standard output may take nothing before it is given up. */
#define SIGNALLED_SECONDS 3
#define ENDED_SECONDS     10

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

static int milliseconds_until(uint64_t deadline)
{
	uint64_t now = clock_now(), left = deadline > now ? (deadline - now + 999999) / 1000000 : 0;

	return left > 60000 ? 60000 : (int)left; /* poll() counts in int; it is only asked again */
}

/* ---- the loop ------------------------------------------------------------------------ */

struct batch {
	struct session *session;
	const struct options *options;
	int signals;
	struct writer *out;
	size_t left_out; /* reports that were due while another one waited to be written */
	bool color, signalled;
	uint64_t next_report, end;
	uint64_t patience;  /* how long a report waits for fresh counts */
	unsigned int ticks; /* at the last report */
	uint64_t news_ns;   /* when news were put last */
};

typedef int report_function(const struct batch *batch, FILE *out, struct error *err);

static int report_new(const struct batch *batch, FILE *out, struct error *err)
{
	if (batch->options->format == SNAPSHOT_JSON)
		return session_write(batch->session, SNAPSHOT_JSON, out, false, err);
	return session_report(batch->session, out, batch->color, err);
}

static int report_news(const struct batch *batch, FILE *out, struct error *err)
{
	return session_news(batch->session, out, err);
}

/* Events are told once: the end is one more. */
static int report_all(const struct batch *batch, FILE *out, struct error *err)
{
	int rc;

	if (batch->options->format == SNAPSHOT_NDJSON) {
		rc = session_news(batch->session, out, err);
		return rc ? rc : session_report(batch->session, out, false, err);
	}
	return session_write(batch->session, batch->options->format, out, batch->color, err);
}

static int output_fail(int rc, struct error *err)
{
	return error_set(err, -rc, "cannot write the report: %s; make room or write elsewhere",
	                 strerror(-rc));
}

/* Into memory, and from there to the writer. */
static int report_put(const struct batch *batch, report_function *report, struct error *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return error_no_memory(err);
	rc = report(batch, out, err);
	if (fclose(out) && !rc)
		rc = error_no_memory(err);
	if (!rc && size) {
		rc = writer_put(batch->out, text, size);
		if (rc)
			output_fail(rc, err);
	}
	free(text);
	return rc;
}

static void left_out_tell(struct batch *batch)
{
	if (batch->left_out)
		fprintf(stderr,
		        "gomaptop: %zu report%s left out: standard output did not take %s; the "
		        "next one covers that time too\n",
		        batch->left_out, batch->left_out == 1 ? "" : "s",
		        batch->left_out == 1 ? "it" : "them");
	batch->left_out = 0;
}

static const bool tells_at_once[] = {
        [SNAPSHOT_TEXT] = true, [SNAPSHOT_NDJSON] = true, [SNAPSHOT_MARKDOWN] = false};

/* At once, whatever the interval. While something waits to be written it is only put off: nothing
 * of it counts as told. */
static int news(struct batch *batch, struct error *err)
{
	if (!tells_at_once[batch->options->format] || writer_state(batch->out) == 1)
		return 0;
	batch->news_ns = clock_now();
	return report_put(batch, report_news, err);
}

/* News that were put just now are still on their way: that is no output that takes nothing. */
static bool output_is_stuck(const struct batch *batch)
{
	return writer_state(batch->out) == 1 && clock_now() - batch->news_ns > NEWS_UNDERWAY_NS;
}

static int report(struct batch *batch, struct error *err)
{
	if (output_is_stuck(batch)) {
		batch->left_out++;
		return 0;
	}
	left_out_tell(batch);
	return report_put(batch, report_new, err);
}

/* Wait for news, a signal, the end of CMD, what becomes of standard output, or the next report. */
static void wait_for_something(struct batch *batch)
{
	uint64_t report = batch->next_report + batch->patience;
	uint64_t until = report < batch->end ? report : batch->end;
	struct pollfd fds[] = {
	        {.fd = batch->signals, .events = POLLIN},
	        {.fd = session_event_fd(batch->session), .events = POLLIN},
	        {.fd = session_child_fd(batch->session), .events = POLLIN},
	        {.fd = writer_fd(batch->out), .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), milliseconds_until(until)) > 0)
		batch->signalled = fds[0].revents != 0;
}

static bool is_sure(const struct model *model)
{
	struct enough enough;

	enough_of(model, &enough);
	return model_has_finding(model) || enough_settled(&enough);
}

static bool is_over(const struct batch *batch)
{
	const struct model *model = session_model(batch->session);

	if (batch->options->until_conflict && model_has_conflict(model))
		return true;
	if (batch->options->until_finding && model_has_finding(model))
		return true;
	if (batch->options->until_sure && is_sure(model))
		return true;
	return session_targets_gone(batch->session) || clock_now() >= batch->end;
}

/* A report waits for the counts that are read at about the same time, at most `patience`. One that
 * is due within a quarter of that before the end is not printed: the last report contains it. */
static bool report_is_due(const struct batch *batch)
{
	uint64_t now = clock_now(), slack = batch->patience / 4;

	if (batch->options->format == SNAPSHOT_MARKDOWN ||
	    batch->end <= batch->next_report + slack ||
	    (batch->options->duration_ns &&
	     batch->options->interval_ns >= batch->options->duration_ns))
		return false;
	if (session_ticks(batch->session) == batch->ticks)
		return now >= batch->next_report + batch->patience;
	return now + slack >= batch->next_report;
}

static int report_when_due(struct batch *batch, struct error *err)
{
	if (!report_is_due(batch))
		return 0;
	batch->ticks = session_ticks(batch->session);
	batch->next_report += batch->options->interval_ns;
	if (batch->next_report < clock_now())
		batch->next_report = clock_now() + batch->options->interval_ns;
	return report(batch, err);
}

static int batch_loop(struct batch *batch, struct error *err)
{
	int rc = 0;

	while (!rc) {
		wait_for_something(batch);
		session_pump(batch->session);
		rc = writer_state(batch->out);
		rc = rc < 0 ? output_fail(rc, err) : news(batch, err);
		if (rc || is_over(batch) || batch->signalled)
			break;
		rc = report_when_due(batch, err);
	}
	return rc;
}

/* ---- the end ------------------------------------------------------------------------- */

/* The bound on what remains. Nothing is probed any more. */
static int output_drain(struct batch *batch, struct error *err)
{
	unsigned int seconds = batch->signalled ? SIGNALLED_SECONDS : ENDED_SECONDS;
	int rc = writer_drain(batch->out, seconds * 1000);

	if (rc == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT,
		                 "standard output took no data for %u s: the last report is not "
		                 "complete; see what keeps its reader, or use -o FILE",
		                 seconds);
	return rc ? output_fail(rc, err) : 0;
}

/* A regular file is written before the wait for standard output, so that nothing keeps it from
 * being written. What may be standard output itself (/dev/stdout) comes behind the last report. */
static int output_finish(struct batch *batch, int rc, struct error *err)
{
	const struct options *options = batch->options;
	bool first = options->output && output_file_is_regular(options->output);
	struct error save_err;
	int save_rc = 0;

	if (first)
		save_rc = session_save(batch->session, options->output_format, options->output,
		                       &save_err);
	if (!rc)
		rc = output_drain(batch, err);
	if (options->output && !first)
		save_rc = session_save(batch->session, options->output_format, options->output,
		                       &save_err);
	if (!save_rc)
		return rc;
	if (rc && rc != -EPIPE)
		fprintf(stderr, "gomaptop: %s\n", err->text);
	*err = save_err;
	return save_rc;
}

static int batch_watch(struct batch *batch, struct error *err)
{
	struct error stop_err;
	int rc, stop_rc;

	rc = batch_loop(batch, err);
	signals_deadly_again(batch->signals);
	stop_rc = session_stop(batch->session, &stop_err);
	left_out_tell(batch);
	if (!rc)
		rc = report_put(batch, report_all, err);
	rc = output_finish(batch, rc, err);
	if (!rc && stop_rc) {
		*err = stop_err;
		rc = stop_rc;
	}
	return rc;
}

enum exit_status batch_status(const struct model *model, bool gaps, bool enough)
{
	if (model_has_conflict(model))
		return EXIT_CONFLICT;
	if (model_has_finding(model))
		return EXIT_UNORDERED;
	if (gaps)
		return EXIT_GAPS;
	return enough ? EXIT_RAN : EXIT_INCONCLUSIVE;
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
	        .next_report = clock_now() + options->interval_ns,
	        .patience =
	                options->interval_ns < NS_PER_SECOND ? options->interval_ns : NS_PER_SECOND,
	        .end = options->duration_ns ? clock_now() + options->duration_ns : NEVER,
	};
	int rc = writer_create(STDOUT_FILENO, SIZE_MAX, OUTPUT_STEP, &batch.out);

	if (rc)
		return error_set(err, -rc, "cannot start a thread for the report: %s; %s",
		                 strerror(-rc), error_remedy(-rc, "free memory and try again"));
	rc = batch_watch(&batch, err);
	writer_destroy(batch.out);
	return rc;
}

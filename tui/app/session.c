/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* mkostemp(), secure_getenv() */
#include "tui/app/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/output_file.h"
#include "core/base/test_knob.h"
#include "tui/app/session_internal.h"
#include "tui/words/source_text.h"

#define NS_PER_SECOND 1000000000ULL
/* One call of session_pump() may take this long; keys wait meanwhile. */
#define PUMP_NS  (50 * 1000000ULL)
#define NEWS_MAX 256 /* lines about the executable that are kept for reports */

/* ---- opening -----------------------------------------------------------------------------------
 */

/* With a screen, CMD must not write over it: its output goes to a file of its own. */
static int child_log_open(struct session *session, struct error *err)
{
	const char *folder = secure_getenv("TMPDIR");
	int fd;

	snprintf(session->child_log, sizeof(session->child_log), "%s/gomaptop-XXXXXX",
	         folder && *folder ? folder : "/tmp");
	fd = mkostemp(session->child_log, O_CLOEXEC);
	if (fd >= 0)
		return fd;
	session->child_log[0] = '\0';
	return error_set(err, errno,
	                 "cannot keep the output of CMD in %s: %s; set TMPDIR to a "
	                 "folder that can be written to",
	                 folder ? folder : "/tmp", strerror(errno));
}

static int session_child_start(struct session *session, struct error *err)
{
	struct child_config config = {
	        .argv = session->options->command, .in = -1, .errors = -1, .out = STDERR_FILENO};
	int log = -1, nothing = -1, rc;

	if (!session->options->batch) {
		log = child_log_open(session, err);
		if (log < 0)
			return log;
		nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
		config.in = nothing;
		config.out = config.errors = log;
	}
	rc = child_start(&config, &session->child, err);
	if (log >= 0)
		close(log);
	if (nothing >= 0)
		close(nothing);
	return rc;
}

static int session_watch(struct session *session, struct error *err)
{
	const struct options *options = session->options;
	bool child = session->child != NULL;
	struct watch_config config = {
	        .pids = child ? &session->child_pid : options->pids,
	        .pid_count = child ? 1 : options->pid_count,
	        .executable = child ? child_executable(session->child) : options->executable,
	        .stall_min_ns = options->stall_min_ns,
	        .overhead_limit = options->overhead_limit,
	        .stall_max_ns = options->stall_max_ns,
	        .interval_ns =
	                options->interval_ns < NS_PER_SECOND ? options->interval_ns : NS_PER_SECOND,
	        .stack_depth = options->stack_depth,
	        .show_keys = options->show_keys,
	        .verbose = options->verbose,
	        .queue_bytes = test_knob_number(TEST_KNOB_QUEUE_BYTES),
	};
	sigset_t all, before;
	int rc;

	if (child)
		session->child_pid = child_pid(session->child);

	/* Threads inherit the mask: signals are for the thread that owns the session. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = watch_start(&config, &session->watch, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static int session_model_create(struct session *session, struct error *err)
{
	struct model_config config = {.symbols = watch_symbols(session->watch)};
	const struct probe_skip *skips;
	size_t i, count;

	skips = watch_skips(session->watch, &count);
	session->skips = calloc(count + 1, sizeof(*session->skips));
	if (!session->skips || model_create(&config, &session->model))
		return error_no_memory(err);
	/* A function that is absent as it should be is nothing that was skipped. */
	for (i = 0; i < count; i++) {
		if (!skips[i].wanted)
			continue;
		session->skips[session->skip_count++] = (struct snapshot_skip){
		        .function = skips[i].function, .reason = skips[i].reason};
	}
	return 0;
}

/* The screen rings by itself. */
static int session_hook_create(struct session *session, struct error *err)
{
	const struct options *options = session->options;
	const struct finding_hook_config config = {.command = options->exec,
	                                           .bell = options->bell && options->batch,
	                                           .quiet = !options->batch};

	if ((config.command || config.bell) && finding_hook_create(&config, &session->hook))
		return error_no_memory(err);
	return 0;
}

/* What is running may go on; what was not begun is not. */
static void session_hook_end(struct session *session)
{
	unsigned int left_out = session->hook ? finding_hook_left_out(session->hook) : 0;

	if (left_out)
		fprintf(stderr, "gomaptop: %u run%s of --exec left out: %s\n", left_out,
		        left_out == 1 ? " was" : "s were",
		        "there was no time for them, or sh could not be started");
	finding_hook_destroy(session->hook);
	session->hook = NULL;
}

int session_open(const struct options *options, struct session **out, struct error *err)
{
	struct session *session = calloc(1, sizeof(*session));
	int rc;

	if (!session)
		return error_no_memory(err);
	session->options = options;
	uname(&session->host);
	for (size_t i = 0; i < options->source_dir_count; i++)
		source_text_folder(options->source_dirs[i].from, options->source_dirs[i].to);
	/* An error is better known now than after ten minutes of watching. */
	rc = options->output ? output_file_check(options->output, err) : 0;
	if (rc)
		goto cleanup;
	if (options->listen.at.ss_family != AF_UNSPEC)
		rc = metrics_server_start(&options->listen, &session->metrics, err);
	if (rc)
		goto cleanup;
	rc = options->command ? session_child_start(session, err) : 0;
	if (rc)
		goto cleanup;
	rc = session_watch(session, err);
	if (rc)
		goto cleanup;
	session->started_ns = session->reported_ns = clock_now();
	rc = session_model_create(session, err);
	rc = rc ? rc : session_hook_create(session, err);
	if (rc)
		goto cleanup;
	session_pump(
	        session); /* the targets, while CMD still stands before its first instruction */
	rc = session->child ? child_release(session->child, err) : 0;
	if (rc)
		goto cleanup;
	*out = session;
	return 0;
cleanup:
	session_close(session);
	return rc;
}

/* ---- while it runs ------------------------------------------------------------------- */

static struct snapshot_context session_context(const struct session *session, bool color)
{
	uint64_t now = clock_now();
	uint64_t end = session->stopped_ns ? session->stopped_ns : now;
	size_t unseen_count;
	const struct probe_note *const *unseen = watch_unseen(session->watch, &unseen_count);
	struct watch_replaced replaced;

	watch_replaced(session->watch, &replaced);

	return (struct snapshot_context){
	        .tool_version = GOMAPTOP_VERSION,
	        .realtime_offset_ns = (int64_t)(clock_read(CLOCK_REALTIME) - now),
	        .seconds = (double)(end - session->started_ns) / 1e9,
	        .kernel = session->host.release,
	        .arch = session->host.machine,
	        .hostname = session->host.nodename,
	        .cpus = (int)sysconf(_SC_NPROCESSORS_ONLN),
	        .attach = watch_attach_name(session->watch),
	        .overhead_limit = session->options->overhead_limit,
	        .costs = watch_costs(session->watch),
	        .probes_wanted = watch_probes_wanted(session->watch),
	        .probes_attached = watch_probes_attached(session->watch),
	        .skips = session->skips,
	        .skip_count = session->skip_count,
	        .unseen = unseen,
	        .unseen_count = unseen_count,
	        .news = (const char *const *)session->news,
	        .news_count = session->news_count,
	        .replaced = replaced.count,
	        .color = color,
	        .source = source_text_around,
	};
}

/* Where there is no memory for it, what was served before goes on. */
static void metrics_update(struct session *session)
{
	struct snapshot_context context;

	if (!session->metrics || session->metrics_ticks == session->ticks + 1)
		return;
	session->metrics_ticks = session->ticks + 1;
	context = session_context(session, false);
	metrics_server_update(session->metrics, session->model, &context);
}

void session_note(struct session *session, const char *text)
{
	char **more = NULL;

	if (session->options->batch)
		fprintf(stderr, "gomaptop: %s\n", text);
	if (session->news_count < NEWS_MAX)
		more = reallocarray(session->news, session->news_count + 1, sizeof(*more));
	if (!more)
		return;
	session->news = more;
	more[session->news_count] = strdup(text);
	session->news_count += more[session->news_count] != NULL;
}

static void news_take(struct session *session)
{
	char text[1024];

	while (watch_news(session->watch, text, sizeof(text)))
		session_note(session, text);
}

static void target_appeared(struct session *session, const struct event_header *event)
{
	const struct event_process *process = (const void *)event;
	struct target_row row = {0};

	if (event->size < sizeof(*process) || process->state != PROCESS_RUNNING)
		return;
	if (watch_target(session->watch, process, &row) == 0)
		model_target_add(session->model, &row);
}

int session_pump(struct session *session)
{
	struct event_queue *queue = watch_queue(session->watch);
	struct pollfd news = {.fd = watch_event_fd(session->watch), .events = POLLIN};
	uint64_t end = clock_now() + PUMP_NS;
	const struct event_header *event;
	eventfd_t value;
	int count = 0;

	if (poll(&news, 1, 0) > 0)
		eventfd_read(news.fd, &value);
	news_take(session);
	while ((event = event_queue_peek(queue))) {
		if (event->kind == EVENT_PROCESS)
			target_appeared(session, event);
		session->ticks += event->kind == EVENT_TICK;
		model_apply(session->model, event);
		event_queue_pop(queue);
		if (++count % 256 == 0 && clock_now() > end)
			break;
	}
	event_queue_release(queue);
	if (event) /* what is left over is news for the next call */
		eventfd_write(news.fd, 1);
	metrics_update(session);
	if (session->hook)
		finding_hook_look(session->hook, session->model);
	return count;
}

struct model *session_model(struct session *session)
{
	return session->model;
}

unsigned int session_ticks(const struct session *session)
{
	return session->ticks;
}

const char *session_metrics_url(const struct session *session)
{
	return session->metrics ? metrics_server_url(session->metrics) : NULL;
}

int session_event_fd(const struct session *session)
{
	return watch_event_fd(session->watch);
}

int session_child_fd(const struct session *session)
{
	/* Its end is news once. */
	return session->child && !child_ended(session->child) ? child_fd(session->child) : -1;
}

bool session_targets_gone(struct session *session)
{
	if (session->child)
		return child_ended(session->child) && (!watch_follows_command(session->watch) ||
		                                       watch_targets_gone(session->watch));
	return session->options->pid_count > 0 && watch_targets_gone(session->watch);
}

/* ---- the end ------------------------------------------------------------------------- */

/* An empty file tells nothing. */
static void child_log_settle(struct session *session)
{
	struct stat st;

	if (session->child_log[0] && stat(session->child_log, &st) == 0 && st.st_size == 0) {
		unlink(session->child_log);
		session->child_log[0] = '\0';
	}
}

static void pump(void *session)
{
	session_pump(session);
}

void session_probes_out(struct session *session)
{
	if (session->stopped_ns)
		return;
	session->stopped_ns = clock_now();
	watch_stop_consumed(session->watch, pump, session);
}

int session_stop(struct session *session, struct error *err)
{
	int rc = 0;

	if (session->settled)
		return 0;
	session->settled = true;
	session_probes_out(session);
	while (session_pump(session) > 0)
		;
	if (session->child)
		rc = session_command_end(session, err);
	child_log_settle(session);
	return rc;
}

void session_close(struct session *session)
{
	if (!session)
		return;
	if (session->watch && session->model)
		session_stop(session, NULL);
	session_hook_end(session);
	metrics_server_stop(session->metrics);
	model_destroy(session->model);
	watch_destroy(session->watch);
	child_destroy(session->child);
	child_log_settle(session);
	free(session->skips);
	snapshot_told_free(&session->told);
	for (size_t i = 0; i < session->news_count; i++)
		free(session->news[i]);
	free(session->news);
	free(session);
}

bool session_executable_unwatched(const struct session *session)
{
	struct watch_replaced replaced;

	watch_replaced(session->watch, &replaced);
	return replaced.unwatched;
}

int session_child_status(const struct session *session)
{
	return session->child ? child_status(session->child) : 0;
}

const char *session_child_log(const struct session *session)
{
	return session->child_log[0] ? session->child_log : NULL;
}

/* ---- reports ------------------------------------------------------------------------- */

/* A stream keeps its errors until it is flushed. */
static int stream_settle(FILE *out, int rc, const char *what, struct error *err)
{
	if (!rc && (fflush(out) || ferror(out)))
		rc = errno ? -errno : -EIO;
	if (rc && err && !err->text[0])
		error_set(err, -rc, "cannot write %s: %s; make room or write elsewhere", what,
		          strerror(-rc));
	return rc;
}

/* All findings are looked at only when there are more or fewer, and with each reading of counts. */
static bool news_possible(struct session *session)
{
	size_t count = model_conflict_count(session->model);
	bool more = count != session->told_count || session->ticks != session->told_ticks ||
	            model_target_count(session->model) != session->told.targets ||
	            model_totals_rest(session->model, 0).crashes != session->told.crashes;

	session->told_count = count;
	session->told_ticks = session->ticks;
	return more;
}

int session_news(struct session *session, FILE *out, struct error *err)
{
	struct snapshot_context context;
	int rc;

	if (!news_possible(session))
		return 0;
	context = session_context(session, false);
	err->text[0] = '\0';
	rc = snapshot_report_news(session->model, &context, session->options->format,
	                          &session->told, out);
	return stream_settle(out, rc, "the report", err);
}

int session_report(struct session *session, FILE *out, bool color, struct error *err)
{
	struct snapshot_context context = session_context(session, color);
	int rc;

	watch_waiting(session->watch, session->waiting, sizeof(session->waiting));
	context.waiting = session->waiting;
	err->text[0] = '\0';
	rc = session->options->format == SNAPSHOT_NDJSON
	             ? snapshot_report_event(session->model, &context, session->stopped_ns, out)
	             : snapshot_report_interval(session->model, &context, out,
	                                        &session->reported_ns);
	return stream_settle(out, rc, "the report", err);
}

bool session_fell_back(const struct session *session, char *out, size_t size)
{
	return watch_fell_back(session->watch, out, size);
}

bool session_gaps(struct session *session, char out[SNAPSHOT_GAPS_MAX])
{
	struct snapshot_context context = session_context(session, false);

	return snapshot_gaps(session->model, &context, out);
}

int session_write(struct session *session, enum snapshot_format format, FILE *out, bool color,
                  struct error *err)
{
	struct snapshot_context context = session_context(session, color);
	int rc;

	context.wide = !isatty(STDOUT_FILENO);
	err->text[0] = '\0';
	rc = snapshot_write(session->model, &context, format, out, err);
	return stream_settle(out, rc, "the report", err);
}

size_t session_finding(struct session *session, const struct conflict_row *row, char *out,
                       size_t size)
{
	struct snapshot_context context = session_context(session, false);
	FILE *stream = fmemopen(out, size, "w");
	long length;

	if (!stream)
		return 0;
	snapshot_finding_markdown(session->model, &context, row, stream);
	fflush(stream);
	length = ftell(stream);
	fclose(stream);
	return length > 0 && (size_t)length < size ? (size_t)length : strnlen(out, size - 1);
}

int session_save(struct session *session, enum snapshot_format format, const char *path,
                 struct error *err)
{
	struct snapshot_context context = session_context(session, false);

	context.wide = true;
	return snapshot_save(session->model, &context, format, path, err);
}

/* SPDX-License-Identifier: MIT */
/* A session as the screen wants it. */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/process/go_process.h"
#include "tui/app/session_internal.h"

static int source_pump(void *ctx)
{
	return session_pump(ctx);
}

static int source_snapshot(void *ctx, char *path_out, size_t path_size, struct error *err)
{
	return session_keep(ctx, path_out, path_size, err);
}

static void source_pause(void *ctx, bool on)
{
	const struct session *session = ctx;

	watch_pause(session->watch, on);
}

static void source_attach_line(void *ctx, char *out, size_t size)
{
	const struct session *session = ctx;

	size_t calls = watch_calls_probed(session->watch);
	char more[32] = "";

	if (calls)
		snprintf(more, sizeof(more), ", %zu call%s", calls, calls == 1 ? "" : "s");
	snprintf(out, size, "%zu/%zu probes%s (%s)", watch_probes_attached(session->watch),
	         watch_probes_wanted(session->watch), more, watch_attach_name(session->watch));
}

/* How the probes are attached, where that is worse than usual; functions that ought to be probed
 * and are not; what became of the executable. */
static bool source_problem(void *ctx, size_t index, char *out, size_t size)
{
	const struct session *session = ctx;
	const struct probe_skip *skips;
	size_t count;

	if (watch_fell_back(session->watch, out, size) && index-- == 0)
		return true;
	skips = watch_skips(session->watch, &count);
	for (size_t i = 0; i < count; i++)
		if (skips[i].wanted && index-- == 0) {
			snprintf(out, size, "%s is not probed: %s; what it does is not seen",
			         skips[i].function, skips[i].reason);
			return true;
		}
	if (index >= session->news_count)
		return false;
	snprintf(out, size, "%s", session->news[index]);
	return true;
}

static bool source_cpu_ns(void *ctx, uint32_t tgid, uint64_t *out)
{
	(void)ctx;
	return go_process_cpu((pid_t)tgid, out) == 0;
}

static size_t source_report(void *ctx, const struct conflict_row *row, char *out, size_t size)
{
	return session_finding(ctx, row, out, size);
}

static bool source_targets_gone(void *ctx)
{
	return session_targets_gone(ctx);
}

static void source_waiting(void *ctx, char *out, size_t size)
{
	const struct session *session = ctx;

	watch_waiting(session->watch, out, size);
}

static void source_over(void *ctx)
{
	session_probes_out(ctx);
	while (session_pump(ctx) > 0)
		;
	session_keep_findings(ctx);
}

struct ui_source session_ui_source(struct session *session)
{
	return (struct ui_source){
	        .model = session->model,
	        .event_fd = watch_event_fd(session->watch),
	        .pump = source_pump,
	        .snapshot = source_snapshot,
	        .attach_line = source_attach_line,
	        .overhead_limit = session->options->overhead_limit,
	        .problem = source_problem,
	        .report = source_report,
	        .pause = source_pause,
	        .metrics_url = session_metrics_url(session),
	        .waiting = source_waiting,
	        .cpu_ns = source_cpu_ns,
	        .targets_gone = source_targets_gone,
	        .over = source_over,
	        .realtime_offset_ns = (int64_t)(clock_read(CLOCK_REALTIME) - clock_now()),
	        .ctx = session,
	};
}

/* SPDX-License-Identifier: MIT */
#include "tui/check/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/check/check_parts.h"

static int report_write(const struct check_report *report, const struct options *options, FILE *out)
{
	bool color = options->color == UI_COLOR_ALWAYS ||
	             (options->color == UI_COLOR_AUTO && isatty(fileno(out)));

	return options->format == SNAPSHOT_JSON ? check_json_write(report, out)
	                                        : check_text_write(report, color, out);
}

int check_run(const struct options *options, FILE *out, struct error *err)
{
	struct check_target target = {
	        .pid = options->pid_count ? options->pids[0] : 0,
	        .file = options->executable,
	};
	struct check_report *report = calloc(1, sizeof(*report));
	int rc;

	if (!report)
		return error_no_memory(err);
	check_program_gather(report, &target);
	rc = check_host_gather(report, &target, options->verbose);
	check_process_recheck(report, &target);
	if (rc || report->failed) {
		rc = error_set(err, rc ? -rc : ENOMEM, "cannot finish the check: %s; try again",
		               strerror(rc ? -rc : ENOMEM));
		goto cleanup;
	}
	check_report_judge(report);
	rc = report_write(report, options, out);
	if (rc)
		error_set(err, -rc, "cannot write the report: %s; make room or write elsewhere",
		          strerror(-rc));
	else if (report->works)
		rc = 1;
	else
		error_set(err, EPERM, "w%s", report->verdict + 1); /* within a sentence */
cleanup:
	check_report_free(report);
	free(report);
	check_target_free(&target);
	return rc;
}

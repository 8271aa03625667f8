/* SPDX-License-Identifier: MIT */
/*
 * gomaptop: concurrent map conflicts in running Go processes. The wiring: options, choice of a
 * target, session, screen or batch, exit status.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/descriptors.h"
#include "core/base/error_stream.h"
#include "core/base/test_knob.h"
#include "core/process/go_process.h"
#include "core/process/list_helper.h"
#include "core/report/enough_text.h"
#include "tui/app/batch.h"
#include "tui/app/session.h"
#include "tui/app/target_names.h"
#include "tui/check/check.h"
#include "tui/options/options.h"
#include "tui/view/ui.h"

static int fail(const struct error *err)
{
	fprintf(stderr, "gomaptop: %s\n", err->text);
	return EXIT_FAILED;
}

static struct ui_config ui_config_of(const struct options *options)
{
	return (struct ui_config){
	        .interval_ns = options->interval_ns,
	        .duration_ns = options->duration_ns,
	        .color = options->color,
	        .until_conflict = options->until_conflict,
	        .until_finding = options->until_finding,
	        .until_sure = options->until_sure,
	        .bell = options->bell,
	};
}

/* ---- no target named: the list ------------------------------------------------------- */

struct choices {
	struct list_helper *helper;
	struct go_process_row *rows;
	size_t room;
};

static size_t list_choices(void *ctx, struct ui_choice *out, size_t max, bool *complete)
{
	struct choices *choices = ctx;
	struct go_process_row *grown;
	size_t count, i;

	if (max > choices->room) {
		grown = reallocarray(choices->rows, max, sizeof(*grown));
		if (!grown)
			return 0;
		choices->rows = grown;
		choices->room = max;
	}
	count = list_helper_rows(choices->helper, choices->rows, max, complete);
	for (i = 0; i < count; i++) {
		const struct go_process_row *row = &choices->rows[i];

		out[i] = (struct ui_choice){.pid = row->pid,
		                            .cpu_percent = row->cpu_percent,
		                            .started_ns = row->started_ns,
		                            .unreadable = row->unreadable};
		memcpy(out[i].command, row->command, sizeof(out[i].command));
		memcpy(out[i].go_version, row->go_version, sizeof(out[i].go_version));
		memcpy(out[i].user, row->user, sizeof(out[i].user));
		memcpy(out[i].unit, row->unit, sizeof(out[i].unit));
	}
	return count;
}

_Static_assert(sizeof(((struct ui_choice *)0)->command) ==
                               sizeof(((struct go_process_row *)0)->command) &&
                       sizeof(((struct ui_choice *)0)->go_version) ==
                               sizeof(((struct go_process_row *)0)->go_version) &&
                       sizeof(((struct ui_choice *)0)->user) ==
                               sizeof(((struct go_process_row *)0)->user) &&
                       sizeof(((struct ui_choice *)0)->unit) ==
                               sizeof(((struct go_process_row *)0)->unit),
               "a choice is a row of the list");

/* > 0: a target was chosen and is in the options now; 0: the user left; -errno with words. */
static int choose_target(struct options *options, struct error *err)
{
	const struct ui_config config = ui_config_of(options);
	struct choices choices = {0};
	struct ui_choices source = {.list = list_choices, .ctx = &choices};
	pid_t pid;
	int rc;

	rc = list_helper_create(&choices.helper, err);
	if (rc)
		return rc;
	source.event_fd = list_helper_fd(choices.helper);
	pid = ui_choose(&source, &config, err);
	list_helper_destroy(choices.helper);
	free(choices.rows);
	if (pid <= 0)
		return pid;
	options->pids = malloc(sizeof(*options->pids));
	if (!options->pids)
		return error_no_memory(err);
	options->pids[options->pid_count++] = pid;
	return 1;
}

/* ---- screen or batch ----------------------------------------------------------------- */

static int run_screen(struct session *session, const struct options *options, struct error *err)
{
	const struct ui_source source = session_ui_source(session);
	const struct ui_config config = ui_config_of(options);
	int rc = ui_run(&source, &config, err);

	/* A terminal that goes away may send it more than once: what is left to do is done. */
	signal(SIGHUP, SIG_IGN);
	return rc ? rc : session_stop(session, err);
}

/* Of -b: what was found comes first, then what is missing, then whether enough was seen, then what
 * CMD says. */
static int exit_status(struct session *session, const struct options *options)
{
	char gaps[SNAPSHOT_GAPS_MAX], text[ENOUGH_TEXT_MAX];
	struct enough enough;
	enum exit_status status;

	if (!options->batch)
		return session_child_status(session);
	enough_of(session_model(session), &enough);
	status = batch_status(session_model(session), session_gaps(session, gaps),
	                      enough_seen(&enough) || options->inconclusive_ok);
	if (status == EXIT_GAPS)
		fprintf(stderr, "gomaptop: no conflict was seen, but not all was: %s; status %d\n",
		        gaps, EXIT_GAPS);
	if (status == EXIT_INCONCLUSIVE)
		fprintf(stderr, "gomaptop: %s; status %d (0 with --inconclusive-ok)\n",
		        enough_text(&enough, text), EXIT_INCONCLUSIVE);
	return status == EXIT_RAN ? session_child_status(session) : (int)status;
}

/* -e means the file that is there now. A process that still runs the one before is not watched, and
 * that must not pass for "nothing was seen". */
static void tell_former(const char *path)
{
	pid_t pids[16];
	size_t max = sizeof(pids) / sizeof(pids[0]);
	size_t count = go_process_former(path, pids, max);

	if (count == 0)
		return;
	fprintf(stderr,
	        "gomaptop: %s was replaced; %zu process%s the old file, not watched here: -p ",
	        path, count, count == 1 ? " runs" : "es run");
	for (size_t i = 0; i < count && i < max; i++)
		fprintf(stderr, "%s%d", i ? "," : "", (int)pids[i]);
	fputs(count > max ? ",...\n" : "\n", stderr);
}

/* Which port the kernel chose; else nothing that was not said already. */
static void tell_metrics(const struct session *session, const struct options *options)
{
	const char *url = session_metrics_url(session);

	if (url && options->batch && (options->listen.any_port || options->verbose))
		fprintf(stderr, "gomaptop: metrics at %s\n", url);
}

/* One sentence a line. */
static void notes_take(struct session *session, char *notes)
{
	const char *note;

	while ((note = strsep(&notes, "\n")))
		if (*note)
			session_note(session, note);
}

static int watch_and_show(struct options *options)
{
	struct session *session = NULL;
	struct error err = {0};
	char words[256], notes[TARGET_NOTES_MAX];
	int status, rc, signals = -1;

	if (options->batch) {
		signals = batch_signals(&err);
		if (signals < 0)
			return fail(&err);
	}
	if (options->executable)
		tell_former(options->executable);
	if (target_names_resolve(options, notes, &err) || session_open(options, &session, &err))
		return fail(&err);
	notes_take(session, notes);
	tell_metrics(session, options);
	if (options->batch && session_fell_back(session, words, sizeof(words)))
		fprintf(stderr, "gomaptop: %s\n", words);
	rc = options->batch ? batch_run(session, options, signals, &err)
	                    : run_screen(session, options, &err);
	session_kept_tell(session);
	if (!rc && options->output && !options->batch)
		rc = session_save(session, options->output_format, options->output, &err);
	if (session_executable_unwatched(session))
		fprintf(stderr,
		        "gomaptop: what is at %s by now is not watched: processes started from it "
		        "were not seen; watch it once more when it is a whole Go program\n",
		        options->executable);
	if (session_child_log(session))
		fprintf(stderr, "gomaptop: the output of %s is in %s\n", options->command[0],
		        session_child_log(session));
	if (!rc)
		rc = session_ran_none(session, &err);
	/* A reader that has closed the pipe wants no message about it. */
	status = rc == -EPIPE ? EXIT_FAILED : rc ? fail(&err) : exit_status(session, options);
	session_close(session);
	return status;
}

/* A text report on a terminal ends with the verdict: no need to say it twice. */
static int check_and_say(struct options *options, bool terminal)
{
	char notes[TARGET_NOTES_MAX], *rest = notes;
	struct error err = {0};
	const char *note;
	int rc = target_names_resolve(options, notes, &err);

	while (!rc && (note = strsep(&rest, "\n")))
		if (*note)
			fprintf(stderr, "gomaptop: %s\n", note);
	if (!rc && options->pid_count > 1)
		rc = error_set(&err, EINVAL,
		               "check looks at one process at a time: give one of them with -p");
	if (rc)
		return fail(&err);
	rc = check_run(options, stdout, &err);
	if (rc > 0)
		return EXIT_RAN;
	if (rc == 0 && terminal && options->format == SNAPSHOT_TEXT)
		return EXIT_FAILED;
	return rc == -EPIPE ? EXIT_FAILED : fail(&err);
}

int main(int argc, char **argv)
{
	bool terminal = isatty(STDOUT_FILENO);
	struct options options;
	struct error err = {0};
	int status = EXIT_RAN, chosen = 1;

	error_stream_open();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ,
	       SIG_IGN); /* a file grown to its limit is an error, and leaves nothing behind */
	descriptors_raise();
	switch (options_parse(argc, argv, terminal, &options)) {
	case OPTIONS_WRONG:
		status = EXIT_USAGE;
		break;
	case OPTIONS_FAILED:
		status = EXIT_FAILED;
		break;
	case OPTIONS_DONE:
		status = fflush(stdout) ? EXIT_FAILED : EXIT_RAN;
		break;
	case OPTIONS_RUN:
		test_knobs_announce(stderr);
		if (options.command_word == COMMAND_CHECK) {
			status = check_and_say(&options, terminal);
			break;
		}
		if (options_name_no_target(&options))
			chosen = choose_target(&options, &err);
		if (chosen < 0)
			status = fail(&err);
		else if (chosen > 0)
			status = watch_and_show(&options);
		break;
	}
	options_free(&options);
	return status;
}

/* SPDX-License-Identifier: MIT */
#include "tui/app/target_names.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/process/go_process.h"
#include "core/process/parse_job.h"

#define NAMED_MAX 64 /* processes of one name that are looked at */

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
                                                      ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + used, size - used, format, ap);
	va_end(ap);
}

/* ---- ids of threads ------------------------------------------------------------------ */

static void threads_resolve(struct options *options, char notes[TARGET_NOTES_MAX])
{
	size_t kept = 0;

	for (size_t i = 0; i < options->pid_count; i++) {
		pid_t given = options->pids[i], pid = go_process_of_thread(given);
		char name[256];
		bool again = false;

		if (pid > 0 && pid != given) {
			go_process_name(pid, name, sizeof(name));
			add(notes, TARGET_NOTES_MAX,
			    "%d is a thread of process %d (%s), which is watched\n", (int)given,
			    (int)pid, name);
		} else {
			pid = given;
		}
		for (size_t j = 0; j < kept; j++)
			again |= options->pids[j] == pid;
		if (!again)
			options->pids[kept++] = pid;
	}
	options->pid_count = kept;
}

/* ---- names --------------------------------------------------------------------------- */

/* What it runs is Go, or may not be looked at: the watch says so in its own words. */
static bool may_be_go(pid_t pid)
{
	struct parse_answer answer = {.status = -EIO};
	struct parse_job *job = NULL;

	if (parse_job_start(pid, -1, "the executable", &job))
		return false;
	while (!parse_job_done(job, &answer)) {
		struct pollfd answered = {.fd = parse_job_fd(job), .events = POLLIN};

		poll(&answered, 1, parse_job_left_ms(job));
	}
	parse_job_destroy(job);
	return answer.status == 0 || answer.status == -EACCES || answer.status == -EPERM;
}

static int name_unknown(const char *name, struct error *err)
{
	const char *like = options_word_like(name);

	if (like)
		return error_set(err, ESRCH,
		                 "no process is called '%s'; did you mean `gomaptop %s`?", name,
		                 like);
	return error_set(err, ESRCH,
	                 "no process is called '%s'; `gomaptop` without a name lists the Go "
	                 "processes that run here",
	                 name);
}

static int name_resolve(struct options *options, const char *name, char notes[TARGET_NOTES_MAX],
                        struct error *err)
{
	pid_t pids[NAMED_MAX];
	size_t all = go_process_named(name, pids, NAMED_MAX), go = 0;
	char list[512] = "";
	int rc = 0;

	if (all == 0)
		return name_unknown(name, err);
	for (size_t i = 0; !rc && i < all && i < NAMED_MAX; i++) {
		if (!may_be_go(pids[i]))
			continue;
		add(list, sizeof(list), "%s%d", go++ ? ", " : "", (int)pids[i]);
		rc = options_pid_add(options, pids[i], err);
	}
	if (rc)
		return rc;
	if (go == 0)
		return error_set(err, ENOEXEC,
		                 "no process that is called '%s' runs Go: `gomaptop check -p %d` "
		                 "says what it is",
		                 name, (int)pids[0]);
	if (go > 1)
		add(notes, TARGET_NOTES_MAX, "%zu processes are called %s, all are watched: %s\n",
		    go, name, list);
	if (all > go)
		add(notes, TARGET_NOTES_MAX,
		    "%zu more %s called %s and not watched: no Go, or not readable\n", all - go,
		    all - go == 1 ? "process is" : "processes are", name);
	return 0;
}

int target_names_resolve(struct options *options, char notes[TARGET_NOTES_MAX], struct error *err)
{
	int rc = 0;

	*notes = '\0';
	threads_resolve(options, notes);
	for (size_t i = 0; !rc && i < options->name_count; i++)
		rc = name_resolve(options, options->names[i], notes, err);
	return rc;
}

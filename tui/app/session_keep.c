/* SPDX-License-Identifier: MIT */
/* Snapshots that find a place by themselves. */
#define _GNU_SOURCE /* AT_SYMLINK_NOFOLLOW of faccessat(2) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/sanitize.h"
#include "core/base/spare_folder.h"
#include "tui/app/session_internal.h"
#include "tui/words/found.h"

/* A name of its own for each. False: it does not fit. */
static bool name_make(const char *folder, char *path, size_t size)
{
	time_t now = time(NULL);
	char stamp[32], number[16] = "";
	struct tm tm;

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
	for (int i = 2;; i++) {
		int length = snprintf(path, size, "%s/gomaptop-%s%s.json",
		                      strcmp(folder, "/") == 0 ? "" : folder, stamp, number);

		if ((size_t)length >= size)
			return false;
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW))
			return true;
		snprintf(number, sizeof(number), "-%d", i);
	}
}

int session_keep(struct session *session, char *path, size_t size, struct error *err)
{
	char folder[SESSION_PATH_MAX];
	struct error ignored;
	int first = 0;

	for (int i = 0; i < SPARE_COUNT; i++) {
		int rc = -ENAMETOOLONG;

		if (!spare_folder_path((enum spare_folder)i, folder, sizeof(folder)))
			continue;
		ignored = (struct error){""};
		if (name_make(folder, path, size))
			rc = session_save(session, SNAPSHOT_JSON, path, &ignored);
		if (!rc)
			return 0;
		first = first ? first : rc;
	}
	path[0] = '\0';
	return error_set(err, first ? -first : ENOENT,
	                 "neither the current folder, $TMPDIR, the home folder nor /tmp takes a "
	                 "file: %s; make room in one of them",
	                 strerror(first ? -first : ENOENT));
}

/* ---- at the end ---------------------------------------------------------------------- */

void session_keep_findings(struct session *session)
{
	struct error err = {""};

	if (session->options->output || session->kept.done || !found_anything(session->model))
		return;
	session->kept.done = true;
	if (session_keep(session, session->kept.path, sizeof(session->kept.path), &err))
		snprintf(session->kept.why_not, sizeof(session->kept.why_not), "%s", err.text);
}

static void tell(const char *text)
{
	char clean[FOUND_MAX];

	sanitize(text, clean, sizeof(clean));
	fprintf(stderr, "gomaptop: %s\n", clean);
}

void session_kept_tell(const struct session *session)
{
	char text[FOUND_MAX];

	if (!session->kept.done)
		return;
	found_what(session->model, text, sizeof(text));
	tell(text);
	found_where(session->model, text, sizeof(text));
	tell(text);
	if (session->kept.path[0])
		snprintf(text, sizeof(text), "kept in %s", session->kept.path);
	else
		snprintf(text, sizeof(text), "not kept: %s", session->kept.why_not);
	tell(text);
}

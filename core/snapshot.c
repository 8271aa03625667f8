/* SPDX-License-Identifier: MIT */
#include "core/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/snapshot_internal.h"

#define SECOND_NS       1000000000ull
#define TEMPORARY_TRIES 100

/* ---- times --------------------------------------------------------------------------- */

void snapshot_time_format(uint64_t realtime_ns, char out[SNAPSHOT_TIME_MAX])
{
	time_t seconds = (time_t)(realtime_ns / SECOND_NS);
	unsigned int micros = (unsigned int)(realtime_ns % SECOND_NS / 1000);
	struct tm tm;
	size_t length;

	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	length = strftime(out, SNAPSHOT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + length, SNAPSHOT_TIME_MAX - length, ".%06uZ", micros);
}

uint64_t snapshot_realtime(const struct snapshot_context *context, uint64_t monotonic_ns)
{
	return monotonic_ns + (uint64_t)context->realtime_offset_ns;
}

uint64_t snapshot_written_at(const struct snapshot_context *context)
{
	struct timespec now;

	if (context->written_realtime_ns)
		return context->written_realtime_ns;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- rows ---------------------------------------------------------------------------- */

int snapshot_news_load(const struct model *model, struct snapshot_rows *rows)
{
	struct snapshot_rows r = {0};

	r.conflict_count = model_conflict_count(model);
	r.crash_count = model_crash_count(model);
	r.conflicts = calloc(r.conflict_count + 1, sizeof(struct conflict_row *));
	r.crashes = calloc(r.crash_count + 1, sizeof(struct crash_row *));
	*rows = r;
	if (!r.conflicts || !r.crashes) {
		snapshot_rows_free(rows);
		return -ENOMEM;
	}
	rows->conflict_count = model_conflicts(model, NULL, r.conflicts, r.conflict_count);
	rows->crash_count = model_crashes(model, r.crashes, r.crash_count);
	return 0;
}

int snapshot_rows_load(const struct model *model, struct snapshot_rows *rows)
{
	int error = snapshot_news_load(model, rows);

	if (error)
		return error;
	rows->target_count = model_target_count(model);
	rows->map_count = model_map_count(model);
	rows->goroutine_count = model_goroutine_count(model);
	rows->targets = calloc(rows->target_count + 1, sizeof(struct target_row *));
	rows->maps = calloc(rows->map_count + 1, sizeof(struct map_row *));
	rows->goroutines = calloc(rows->goroutine_count + 1, sizeof(struct goroutine_row *));
	if (!rows->targets || !rows->maps || !rows->goroutines) {
		snapshot_rows_free(rows);
		return -ENOMEM;
	}
	rows->target_count = model_targets(model, rows->targets, rows->target_count);
	rows->map_count = model_maps(model, MAPS_BY_CONFLICTS, rows->maps, rows->map_count);
	rows->goroutine_count = model_goroutines(model, rows->goroutines, rows->goroutine_count);
	return 0;
}

void snapshot_rows_free(struct snapshot_rows *rows)
{
	free(rows->targets);
	free(rows->maps);
	free(rows->conflicts);
	free(rows->goroutines);
	free(rows->crashes);
	memset(rows, 0, sizeof(*rows));
}

/* ---- to a stream --------------------------------------------------------------------- */

static int (*const writers[])(const struct model *, const struct snapshot_context *,
                              const struct snapshot_rows *, FILE *) = {
        [SNAPSHOT_JSON] = snapshot_json_write,
        [SNAPSHOT_TEXT] = snapshot_text_write,
};

int snapshot_write(const struct model *model, const struct snapshot_context *context,
                   enum snapshot_format format, FILE *out, struct error *err)
{
	struct snapshot_rows rows;
	int error = snapshot_rows_load(model, &rows);

	if (!error) {
		errno = 0;
		error = writers[format](model, context, &rows, out);
		if (!error && (fflush(out) != 0 || ferror(out)))
			error = errno ? -errno : -EIO;
		snapshot_rows_free(&rows);
	}
	if (error)
		return error_set(err, -error,
		                 "cannot write the snapshot: %s; give it a place that takes data",
		                 strerror(-error));
	return 0;
}

/* ---- to a file ----------------------------------------------------------------------- */

static const char *advice(int code)
{
	static const struct {
		int code;
		const char *words;
	} table[] = {
	        {ENOENT, "make the folder first, or choose another path"},
	        {ENOTDIR, "choose a path whose folders are folders"},
	        {EISDIR, "name a file in that folder"},
	        {EACCES, "choose a path that you may write to"},
	        {EPERM, "choose a path that you may write to"},
	        {EROFS, "choose a path on a file system that is not read-only"},
	        {ENOSPC, "make room there, or choose another file system"},
	        {EDQUOT, "make room there, or choose another file system"},
	        {EFBIG, "raise the file size limit (ulimit -f), or choose another path"},
	        {ENOMEM, "close something that uses much memory, and try again"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code)
			return table[i].words;
	}
	return "choose another path";
}

/* Open a new file beside path; its name goes to temporary. */
static int temporary_open(const char *path, char *temporary, size_t size, mode_t mode)
{
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		int length = snprintf(temporary, size, "%s.%d.%d.tmp", path, (int)getpid(), i);
		int fd;

		if (length < 0 || (size_t)length >= size)
			return -ENAMETOOLONG;
		fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

/* Write everything and close; the data is on the disk when 0 is returned. */
static int stream_fill(FILE *out, const struct model *model, const struct snapshot_context *context,
                       enum snapshot_format format, bool sync)
{
	int error = snapshot_write(model, context, format, out, NULL);

	if (!error && sync && fsync(fileno(out)) < 0)
		error = -errno;
	if (fclose(out) != 0 && !error)
		error = -errno;
	return error;
}

/* The rename itself reaches the disk with the folder. Where folders cannot be synced, so be it. */
static void folder_sync(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
	int fd;

	if (length >= sizeof(folder))
		return;
	memcpy(folder, length ? path : ".", length ? length : 1);
	folder[length ? length : 1] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int file_replace(const struct model *model, const struct snapshot_context *context,
                        enum snapshot_format format, const char *path, const struct stat *old)
{
	char temporary[PATH_MAX];
	int fd = temporary_open(path, temporary, sizeof(temporary),
	                        old ? old->st_mode & 0777 : 0666);
	FILE *out;
	int error;

	if (fd < 0)
		return fd;
	out = fdopen(fd, "w");
	if (!out) {
		error = -errno;
		close(fd);
		goto cleanup;
	}
	error = stream_fill(out, model, context, format, true);
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (!error)
		folder_sync(path);
cleanup:
	if (error)
		unlink(temporary);
	return error;
}

/* A pipe or a device is written to, never replaced. */
static int special_write(const struct model *model, const struct snapshot_context *context,
                         enum snapshot_format format, const char *path)
{
	FILE *out = fopen(path, "we");

	return out ? stream_fill(out, model, context, format, false) : -errno;
}

int snapshot_save(const struct model *model, const struct snapshot_context *context,
                  enum snapshot_format format, const char *path, struct error *err)
{
	char *real = realpath(path, NULL); /* behind a symbolic link lies what is to be replaced */
	const char *where = real ? real : path;
	struct stat old;
	bool exists = stat(where, &old) == 0;
	int error;

	if (exists && S_ISDIR(old.st_mode))
		error = -EISDIR;
	else if (exists && !S_ISREG(old.st_mode))
		error = special_write(model, context, format, where);
	else if (exists && access(where, W_OK) < 0)
		error = -errno;
	else
		error = file_replace(model, context, format, where, exists ? &old : NULL);
	free(real);
	if (error)
		error_set(err, -error, "cannot write %s: %s; %s", path, strerror(-error),
		          advice(-error));
	return error;
}

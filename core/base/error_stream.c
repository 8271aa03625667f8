/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* fopencookie() */
#include "core/base/error_stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/writer.h"

#define ROOM        (256 * 1024)
#define STEP        4096
#define PATIENCE_MS 1000

static struct {
	struct writer *writer;
	FILE *stream, *before;
	pthread_mutex_t lock;   /* of left_out */
	unsigned long left_out; /* messages that found no room and have not been told of */
} errors = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Tell of those that were left out, if there is room for that by now. */
static int left_out_tell(void)
{
	char text[128];
	int length, rc;

	if (!errors.left_out)
		return 0;
	length = snprintf(text, sizeof(text),
	                  "gomaptop: %lu message%s left out: standard error did not take them\n",
	                  errors.left_out, errors.left_out == 1 ? "" : "s");
	rc = writer_put(errors.writer, text, (size_t)length);
	if (!rc)
		errors.left_out = 0;
	return rc;
}

/* The stream has no buffer: one call is one message. It is always taken, or the stream would be in
 * error from then on. */
static ssize_t on_write(void *ctx, const char *text, size_t size)
{
	(void)ctx;
	pthread_mutex_lock(&errors.lock);
	if (left_out_tell() || writer_put(errors.writer, text, size))
		errors.left_out++;
	pthread_mutex_unlock(&errors.lock);
	return (ssize_t)size;
}

static void on_exit_drain(void)
{
	if (writer_drain(errors.writer, PATIENCE_MS) == 0) {
		pthread_mutex_lock(&errors.lock);
		left_out_tell();
		pthread_mutex_unlock(&errors.lock);
		writer_drain(errors.writer, PATIENCE_MS);
	}
	stderr = errors.before;
	fclose(errors.stream);
	writer_destroy(errors.writer);
}

void error_stream_open(void)
{
	const cookie_io_functions_t functions = {.write = on_write};

	if (writer_create(STDERR_FILENO, ROOM, STEP, &errors.writer))
		return;
	errors.stream = fopencookie(NULL, "w", functions);
	if (!errors.stream || setvbuf(errors.stream, NULL, _IONBF, 0) || atexit(on_exit_drain)) {
		if (errors.stream)
			fclose(errors.stream);
		writer_destroy(errors.writer);
		errors.writer = NULL;
		return;
	}
	errors.before = stderr;
	stderr = errors.stream;
}

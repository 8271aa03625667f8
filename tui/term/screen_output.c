/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create(), dup3() */
#include "tui/term/screen_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/writer.h"

/* Little enough to see a slow line make progress; with less, a pseudo terminal is slow by
 * itself. */
#define STEP 4096

static struct {
	FILE *stream; /* for curses */
	struct writer *writer;
	bool redirected;
} output;

int screen_output_open(FILE **out)
{
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), rc;

	if (fd < 0)
		return -errno;
	output.stream = fdopen(fd, "w");
	if (!output.stream) {
		close(fd);
		return -ENOMEM;
	}
	rc = writer_create(STDOUT_FILENO, SIZE_MAX, STEP, &output.writer);
	if (rc) {
		screen_output_close();
		return rc;
	}
	*out = output.stream;
	return 0;
}

int screen_output_redirect(void)
{
	int memory = memfd_create("gomaptop-frame", MFD_CLOEXEC);
	int rc = memory < 0 || dup3(memory, fileno(output.stream), O_CLOEXEC) < 0 ? -errno : 0;

	if (memory >= 0)
		close(memory);
	output.redirected = !rc;
	return rc;
}

void screen_output_close(void)
{
	if (output.stream)
		fclose(output.stream);
	writer_destroy(output.writer);
	output.stream = NULL;
	output.writer = NULL;
	output.redirected = false;
}

void screen_output_send(void)
{
	int fd = fileno(output.stream);
	off_t size = output.redirected ? lseek(fd, 0, SEEK_CUR) : 0;
	char *text = size > 0 ? malloc((size_t)size) : NULL;

	if (!text) /* no memory: it stays for the next time */
		return;
	if (pread(fd, text, (size_t)size, 0) == size && lseek(fd, 0, SEEK_SET) == 0)
		writer_put(output.writer, text, (size_t)size);
	free(text);
}

void screen_output_text(const char *text)
{
	screen_output_send();
	writer_put(output.writer, text, strlen(text));
}

bool screen_output_waits(void)
{
	return writer_state(output.writer) == 1;
}

int screen_output_fd(void)
{
	return writer_fd(output.writer);
}

bool screen_output_drain(unsigned int patience_ms)
{
	return writer_drain(output.writer, patience_ms) == 0;
}

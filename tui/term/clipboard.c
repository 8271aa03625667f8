/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/term/clipboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tui/term/screen.h"

/* Into out, which has room for 4 * ((length + 2) / 3) + 1. */
static void base64(const char *text, size_t length, char *out)
{
	static const char digits[] =
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *bytes = (const unsigned char *)text;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)bytes[i] << 16 |
		                 (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
		                 (left > 2 ? bytes[i + 2] : 0);

		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[group & 63] : '=';
	}
	*out = '\0';
}

static void terminal_send(const char *text, size_t length)
{
	char *sequence = malloc(4 * ((length + 2) / 3) + 16);
	int used;

	if (!sequence)
		return;
	used = sprintf(sequence, "\033]52;c;");
	base64(text, length, sequence + used);
	screen_send(sequence, "\a");
	free(sequence);
}

static void path_make(char *path, size_t size)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");

	if (folder && *folder == '/') {
		snprintf(path, size, "%s/gomaptop-copy.txt", folder);
		return;
	}
	folder = getenv("TMPDIR");
	snprintf(path, size, "%s/gomaptop-copy-%u.txt", folder && *folder == '/' ? folder : "/tmp",
	         geteuid());
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int clipboard_copy(const char *text, size_t length, char *path, size_t path_size)
{
	int fd, rc;

	terminal_send(text, length);
	path_make(path, path_size);
	/* Others may write into /tmp: what lies there must be neither followed nor taken over. */
	if (unlink(path) && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, text, length);
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

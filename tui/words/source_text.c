/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/source_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512
#define FILE_MAX_BYTES (4 << 20)
#define CACHE_LINES    64

static struct line {
	uint32_t tgid;
	int number;
	const char *file; /* as in the frame: such strings live as long as their binary */
	bool found, known;
	char text[LINE_MAX_BYTES];
} cache[CACHE_LINES];

/* Opened without waiting: a path may lead to anything. */
static FILE *source_open(const char *path)
{
	struct stat st;
	FILE *file = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_BYTES)
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

static bool line_read(const char *path, int number, char *out)
{
	FILE *file = source_open(path);
	bool found = false;

	if (!file)
		return false;
	/* A line longer than the buffer comes in pieces: only the one with its end counts. */
	for (int at = 1; at <= number && fgets(out, LINE_MAX_BYTES, file);) {
		found = at == number;
		if (found)
			break;
		at += strchr(out, '\n') != NULL;
	}
	fclose(file);
	return found;
}

static void trim(char *text)
{
	size_t begin = strspn(text, " \t"), length = strlen(text);

	while (length > begin && strchr(" \t\r\n", text[length - 1]))
		length--;
	memmove(text, text + begin, length - begin);
	text[length - begin] = '\0';
}

static void line_find(struct line *line)
{
	char path[4096];

	line->known = true;
	snprintf(path, sizeof(path), "/proc/%u/root%s", line->tgid, line->file);
	line->found = line_read(path, line->number, line->text) ||
	              line_read(line->file, line->number, line->text);
	if (line->found)
		trim(line->text);
}

const char *source_text_line(uint32_t tgid, const struct frame *frame)
{
	struct line *line;
	size_t slot;

	if (!frame->file || frame->file[0] != '/' || frame->line <= 0)
		return NULL;
	slot = ((uintptr_t)frame->file / 8 + (size_t)frame->line * 31 + tgid) % CACHE_LINES;
	line = &cache[slot];
	if (!line->known || line->tgid != tgid || line->number != frame->line ||
	    line->file != frame->file) {
		*line = (struct line){.tgid = tgid, .number = frame->line, .file = frame->file};
		line_find(line);
	}
	return line->found && line->text[0] ? line->text : NULL;
}

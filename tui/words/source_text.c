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

#include "core/process/process_rights.h"

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

#define KNOWN_MAX 64 /* processes; of more the first ones are forgotten */

static struct known {
	uint32_t tgid;
	struct process_rights rights;
} known[KNOWN_MAX];
static size_t known_next;

static struct process_rights *rights_of(uint32_t tgid)
{
	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (known[i].tgid == tgid)
			return &known[i].rights;
	return NULL;
}

void source_text_know(uint32_t tgid)
{
	struct process_rights rights;

	if (!tgid || rights_of(tgid) || process_rights_read((pid_t)tgid, &rights))
		return;
	known[known_next++ % KNOWN_MAX] = (struct known){tgid, rights};
}

/* What it has now, while it runs: a process may have an earlier one's number. */
static const struct process_rights *rights_now(uint32_t tgid)
{
	struct process_rights *rights;

	source_text_know(tgid);
	rights = rights_of(tgid);
	if (rights) {
		struct process_rights now;

		if (!process_rights_read((pid_t)tgid, &now))
			*rights = now;
	}
	return rights;
}

/* Opened without waiting, with the rights of the program's user: a path may lead to anything. */
static FILE *source_open(uint32_t tgid, const char *root, const char *path)
{
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	const struct process_rights *rights;
	struct stat st;
	FILE *file = NULL;

	rights = rights_now(tgid);
	if (folder >= 0 && rights)
		fd = process_rights_open(rights, folder, path);
	if (folder >= 0)
		close(folder);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_BYTES)
		file = fdopen(fd, "r");
	if (!file)
		close(fd);
	return file;
}

static bool line_read(const struct line *line, const char *root, char *out)
{
	FILE *file = source_open(line->tgid, root, line->file);
	int number = line->number;
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
	char root[32];

	line->known = true;
	snprintf(root, sizeof(root), "/proc/%u/root", line->tgid);
	line->found = line_read(line, root, line->text) || line_read(line, "/", line->text);
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

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/source_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/process/go_process.h"
#include "core/process/process_rights.h"

#define FILE_MAX_BYTES (4 << 20)
#define CACHE_PLACES   32
#define AROUND         (SOURCE_LINES_MAX / 2)
#define FOLDERS_MAX    32
#define TAB            8

static struct place {
	uint32_t tgid;
	int number;
	const char *file; /* as in the frame: such strings live as long as their binary */
	bool known;
	struct source_lines lines;
	char code[SOURCE_LINE_BYTES]; /* the marked line without indentation */
} cache[CACHE_PLACES];

static struct folder {
	const char *from, *to;
} folders[FOLDERS_MAX];
static size_t folder_count;

#define KNOWN_MAX 64 /* processes; of more the first ones are forgotten */

static struct known {
	uint32_t tgid;
	struct process_rights rights;
	time_t built; /* the program is not newer than that; 0: not known */
} known[KNOWN_MAX];
static size_t known_next;

static struct known *known_of(uint32_t tgid)
{
	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (known[i].tgid == tgid)
			return &known[i];
	return NULL;
}

#define BELIEVED_FROM 978307200 /* 2001: builders that want equal files set a time before that */

/* By the time of its executable; where that is made up, by its start. */
static time_t built_before(uint32_t tgid)
{
	char path[32];
	uint64_t started;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/exe", tgid);
	if (stat(path, &st))
		return 0;
	if (st.st_mtime >= BELIEVED_FROM)
		return st.st_mtime;
	return go_process_started((pid_t)tgid, &started) ? 0 : (time_t)(started / 1000000000);
}

void source_text_know(uint32_t tgid)
{
	struct process_rights rights;

	if (!tgid || known_of(tgid) || process_rights_read((pid_t)tgid, &rights))
		return;
	known[known_next++ % KNOWN_MAX] = (struct known){tgid, rights, built_before(tgid)};
}

/* What it has now, while it runs: a process may have an earlier one's number. */
static const struct process_rights *rights_now(uint32_t tgid)
{
	struct known *of;

	source_text_know(tgid);
	of = known_of(tgid);
	if (of) {
		struct process_rights now;

		if (!process_rights_read((pid_t)tgid, &now))
			of->rights = now;
	}
	return of ? &of->rights : NULL;
}

/* ---- files --------------------------------------------------------------------------- */

/* Opened without waiting: a path may lead to anything. */
static FILE *file_open(const struct process_rights *rights, const char *root, const char *path,
                       time_t *changed)
{
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat st;
	FILE *file = NULL;

	if (folder >= 0)
		fd = process_rights_open(rights, folder, path);
	if (folder >= 0)
		close(folder);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX_BYTES) {
		*changed = st.st_mtime;
		file = fdopen(fd, "r");
	}
	if (!file)
		close(fd);
	return file;
}

/* What is behind `from` in a path, at the end of one of its names; NULL: it does not begin so. */
static const char *path_behind(const char *path, const char *from)
{
	size_t length = strlen(from);

	if (strncmp(path, from, length) != 0)
		return NULL;
	return !length || from[length - 1] == '/' || path[length] == '/' ? path + length : NULL;
}

/* From a folder that the user named, with the user's own rights; the path cannot leave it. */
static FILE *file_in_folders(const char *path, time_t *changed)
{
	struct process_rights own;
	FILE *file = NULL;

	if (!folder_count || process_rights_read(getpid(), &own))
		return NULL;
	for (size_t i = 0; i < folder_count && !file; i++) {
		const char *rest = path_behind(path, folders[i].from);

		if (rest)
			file = file_open(&own, folders[i].to, rest + strspn(rest, "/"), changed);
	}
	return file;
}

/* The folders named by the user first; then with the rights of the program's user, under the root
 * of the process and here. */
static FILE *source_open(uint32_t tgid, const char *path, time_t *changed)
{
	const struct process_rights *rights = rights_now(tgid);
	FILE *file = file_in_folders(path, changed);
	char root[32];

	if (file || !rights || path[0] != '/')
		return file;
	snprintf(root, sizeof(root), "/proc/%u/root", tgid);
	file = file_open(rights, root, path, changed);
	return file ? file : file_open(rights, "/", path, changed);
}

/* ---- lines --------------------------------------------------------------------------- */

/* With blanks for tabs, without what ends it. */
static void line_clean(const char *text, char *out, size_t size)
{
	size_t used = 0, length = strcspn(text, "\r\n");

	for (size_t i = 0; i < length && used + 1 < size; i++) {
		if (text[i] != '\t') {
			out[used++] = text[i];
			continue;
		}
		do
			out[used++] = ' ';
		while (used % TAB && used + 1 < size);
	}
	while (used && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
}

/* Read the lines around number. A line longer than the buffer comes in pieces: the first counts. */
static void lines_read(FILE *file, int number, struct source_lines *out)
{
	char text[SOURCE_LINE_BYTES];
	bool begins = true;

	out->first = number > AROUND ? number - AROUND : 1;
	out->marked = number - out->first;
	for (int at = 1; at <= number + AROUND && fgets(text, sizeof(text), file);) {
		if (begins && at >= out->first)
			line_clean(text, out->text[out->count++], SOURCE_LINE_BYTES);
		begins = strchr(text, '\n') != NULL;
		at += begins;
	}
	if (out->count <= out->marked)
		out->count = 0;
}

/* Indentation that all lines have goes. */
static void lines_unindent(struct source_lines *lines)
{
	size_t common = SOURCE_LINE_BYTES;

	for (int i = 0; i < lines->count; i++) {
		size_t blanks = strspn(lines->text[i], " ");

		if (lines->text[i][blanks] && blanks < common)
			common = blanks;
	}
	for (int i = 0; i < lines->count; i++) {
		size_t length = strlen(lines->text[i]), gone = common < length ? common : length;

		memmove(lines->text[i], lines->text[i] + gone, length - gone + 1);
	}
}

/* ---- is it that line? ---------------------------------------------------------------- */

/* The end of a string or character that begins at text. */
static const char *literal_end(const char *text)
{
	char quote = *text++;

	while (*text && *text != quote) {
		if (*text == '\\' && quote != '`' && text[1])
			text++;
		text++;
	}
	return *text ? text + 1 : text;
}

size_t source_text_code(const char *line, char *out, size_t size)
{
	size_t used = 0;

	for (const char *p = line; *p && used + 1 < size;) {
		const char *end = p + 1;

		if (p[0] == '/' && p[1] == '/')
			break;
		if (*p && strchr("\"'`", *p))
			end = literal_end(p);
		while (p < end && used + 1 < size)
			out[used++] = *p++;
	}
	while (used && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	return used;
}

/* Could a map operation stand there? An index, a call (it may have been inlined, or be delete or
 * clear), a range, an entry of a map literal. */
static bool is_plausible(const char *line)
{
	char code[SOURCE_LINE_BYTES];
	size_t length = source_text_code(line, code, sizeof(code));

	return strpbrk(code, "[(") || strstr(code, "range") ||
	       (length && code[length - 1] == ',' && strchr(code, ':')) ||
	       (length && code[length - 1] == ']') || strstr(code, "/*") || strchr(code, '`');
}

/* "github.com/x/y@v1.2.3" of a path into the module cache, or one that -trimpath left; length 0:
 * none. */
static int module_of(const char *path, const char **begin)
{
	const char *cache_folder = strstr(path, "/pkg/mod/"), *at, *end;

	*begin = cache_folder ? cache_folder + strlen("/pkg/mod/") : path;
	at = strstr(*begin, "@v");
	if (!at || (!cache_folder && path[0] == '/'))
		return 0;
	end = strchr(at, '/');
	return end ? (int)(end - *begin) : 0;
}

static void missing_say(const char *path, struct source_lines *out)
{
	const char *module;
	int length = module_of(path, &module);

	if (length)
		snprintf(out->missing, sizeof(out->missing),
		         "%.300s is not here (it is of %.*s); --source-dir FROM=TO says where "
		         "such files are",
		         path, length < 100 ? length : 100, module);
	else
		snprintf(out->missing, sizeof(out->missing),
		         "%.400s is not here; --source-dir FROM=TO says where such files are",
		         path);
}

static void lines_find(uint32_t tgid, const struct frame *frame, struct source_lines *out)
{
	const struct known *of;
	time_t changed = 0;
	FILE *file = source_open(tgid, frame->file, &changed);

	if (!file) {
		missing_say(frame->file, out);
		return;
	}
	of = known_of(tgid);
	lines_read(file, frame->line, out);
	fclose(file);
	if (of && of->built && changed > of->built) {
		out->count = 0;
		snprintf(out->missing, sizeof(out->missing),
		         "%.400s was changed after this program was built", frame->file);
	} else if (!out->count || !is_plausible(out->text[out->marked])) {
		out->count = 0;
		snprintf(out->missing, sizeof(out->missing),
		         "%.300s has no map operation on line %d: it is not the file that was "
		         "built",
		         frame->file, frame->line);
	}
	lines_unindent(out);
}

/* ---- what others ask for ------------------------------------------------------------- */

bool source_text_folder(const char *from, const char *to)
{
	if (folder_count == FOLDERS_MAX)
		return false;
	folders[folder_count++] = (struct folder){from, to};
	return true;
}

static const struct place *place_find(uint32_t tgid, const struct frame *frame)
{
	size_t slot = ((uintptr_t)frame->file / 8 + (size_t)frame->line * 31 + tgid) % CACHE_PLACES;
	struct place *place = &cache[slot];

	if (place->known && place->tgid == tgid && place->number == frame->line &&
	    place->file == frame->file)
		return place;
	*place = (struct place){
	        .tgid = tgid, .number = frame->line, .file = frame->file, .known = true};
	lines_find(tgid, frame, &place->lines);
	if (place->lines.count) {
		const char *text = place->lines.text[place->lines.marked];

		text += strspn(text, " ");
		memcpy(place->code, text, strlen(text) + 1);
	}
	return place;
}

static bool frame_has_line(const struct frame *frame)
{
	return frame->file && frame->file[0] && frame->line > 0;
}

const char *source_text_line(uint32_t tgid, const struct frame *frame)
{
	const struct place *place = frame_has_line(frame) ? place_find(tgid, frame) : NULL;

	return place && place->code[0] ? place->code : NULL;
}

void source_text_around(uint32_t tgid, const struct frame *frame, struct source_lines *out)
{
	if (frame_has_line(frame)) {
		*out = place_find(tgid, frame)->lines;
		return;
	}
	out->count = 0;
	snprintf(out->missing, sizeof(out->missing), "the line is not known");
}

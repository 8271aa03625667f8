/* SPDX-License-Identifier: MIT */
#include "core/process/process_unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/small_file.h"

#define ID_DIGITS 64 /* of a container */
#define ID_SHOWN  12

/* The path of a line "number:controllers:path" that ends at `end`; NULL: it is another line. */
static const char *path_of(const char *line, const char *end)
{
	const char *at = memchr(line, ':', (size_t)(end - line));

	at = at ? memchr(at + 1, ':', (size_t)(end - at - 1)) : NULL;
	return at && at + 1 < end && at[1] == '/' ? at + 1 : NULL;
}

/* Where 64 hexadecimal digits stand; NULL: nowhere. */
static const char *id_find(const char *name, size_t length)
{
	size_t digits = 0;

	for (size_t i = 0; i < length; i++) {
		digits = isxdigit((unsigned char)name[i]) ? digits + 1 : 0;
		if (digits == ID_DIGITS)
			return name + i + 1 - ID_DIGITS;
	}
	return NULL;
}

static size_t suffix_cut(const char *name, size_t length)
{
	static const char *const suffixes[] = {".service", ".scope", ".slice"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t more = strlen(suffixes[i]);

		if (length > more && !memcmp(name + length - more, suffixes[i], more))
			return length - more;
	}
	return length;
}

static void name_put(const char *path, const char *end, char out[PROCESS_UNIT_MAX])
{
	const char *name = end, *id;
	size_t length;

	while (name > path && name[-1] != '/')
		name--;
	length = (size_t)(end - name);
	id = id_find(name, length);
	if (id) {
		name = id;
		length = ID_SHOWN;
	} else {
		length = suffix_cut(name, length);
	}
	if (length < PROCESS_UNIT_MAX)
		snprintf(out, PROCESS_UNIT_MAX, "%.*s", (int)length, name);
}

void process_unit_of(const char *cgroups, char out[PROCESS_UNIT_MAX])
{
	out[0] = '\0';
	for (const char *line = cgroups; *line;) {
		const char *end = strchr(line, '\n');
		const char *path;

		end = end ? end : line + strlen(line);
		path = path_of(line, end);
		if (path && end - path > 1 && (!out[0] || !strncmp(line, "0::", 3)))
			name_put(path, end, out);
		line = *end ? end + 1 : end;
	}
}

void process_unit_read(pid_t pid, char out[PROCESS_UNIT_MAX])
{
	char path[40], text[4096] = "";

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (small_file_read(path, text, sizeof(text)) < 0)
		text[0] = '\0';
	process_unit_of(text, out);
}

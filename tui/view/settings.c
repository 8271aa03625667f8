/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/view/settings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/output_file.h"
#include "tui/view/pane.h"
#include "tui/view/settings_internal.h"

#define FILE_BYTES (256 * 1024)
#define PATH_BYTES 4096

/* ---- reading ------------------------------------------------------------------------- */

/* Where the file is, or would be. -ENOENT: there is neither XDG_CONFIG_HOME nor HOME. */
static int settings_path(char *out, size_t size)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	/* A relative one is to be ignored, says the XDG Base Directory Specification. */
	if (base && *base == '/')
		snprintf(out, size, "%s/gomaptop/config", base);
	else if (home && *home == '/')
		snprintf(out, size, "%s/.config/gomaptop/config", home);
	else
		return -ENOENT;
	return 0;
}

static char *trimmed(char *text)
{
	size_t length = strlen(text);

	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int line_apply(struct ui *ui, char *line, char *why, size_t size)
{
	char *name = trimmed(line), *value;

	if (!*name || *name == '#')
		return 0;
	value = strchr(name, '=');
	if (!value)
		return settings_wrong(why, size, "not \"name = value\": %.60s", name);
	*value++ = '\0';
	return setting_apply(ui, trimmed(name), trimmed(value), why, size);
}

static int file_apply(struct ui *ui, FILE *file, char *why, size_t size)
{
	char line[LINE_BYTES], what[256] = "";
	int rc = 0, number = 0;

	while (!rc && fgets(line, sizeof(line), file)) {
		number++;
		if (!strchr(line, '\n') && !feof(file))
			rc = settings_wrong(what, sizeof(what), "the line is too long");
		else if (ftell(file) > FILE_BYTES)
			rc = settings_wrong(what, sizeof(what), "the file is too long");
		else
			rc = line_apply(ui, line, what, sizeof(what));
	}
	if (rc)
		return settings_wrong(why, size, "line %d: %s", number, what);
	return keymap_check(why, size);
}

static FILE *file_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	FILE *file = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		file = fdopen(fd, "r");
	else
		errno = EINVAL;
	if (!file)
		close(fd);
	return file;
}

int settings_load(struct ui *ui, char *why, size_t why_size)
{
	char path[PATH_BYTES], what[256] = "";
	FILE *file;
	int rc;

	ui->settings_broken = false;
	if (settings_path(path, sizeof(path)))
		return 0;
	file = file_open(path);
	if (!file && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	rc = file ? file_apply(ui, file, what, sizeof(what)) : -errno;
	if (file)
		fclose(file);
	if (!rc)
		return 0;
	settings_reset(ui);
	ui->settings_broken = true;
	snprintf(why, why_size, "settings ignored: %.200s: %s; correct it, or F2 makes a new file",
	         path, *what ? what : strerror(-rc));
	return rc;
}

/* ---- writing ------------------------------------------------------------------------- */

/* The folder of a path, its parents too. */
static int folder_make(const char *path)
{
	char part[PATH_BYTES];

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0700) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int file_write(struct ui *ui, const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int rc;

	if (!file)
		return -ENOMEM;
	settings_print(ui, file);
	rc = fclose(file) ? -ENOMEM : output_file_write(path, text, size, NULL);
	free(text);
	return rc;
}

int settings_save(struct ui *ui, char *words, size_t words_size)
{
	char path[PATH_BYTES], kept[PATH_BYTES + 8] = "";
	int rc = settings_path(path, sizeof(path));

	if (rc) {
		snprintf(words, words_size,
		         "settings not saved: there is neither HOME nor "
		         "XDG_CONFIG_HOME");
		return rc;
	}
	rc = folder_make(path);
	if (!rc && ui->settings_broken) {
		snprintf(kept, sizeof(kept), "%s.broken", path);
		rc = rename(path, kept) && errno != ENOENT ? -errno : 0;
	}
	rc = rc ? rc : file_write(ui, path);
	if (rc) {
		snprintf(words, words_size, "settings not saved to %.200s: %s", path,
		         strerror(-rc));
		return rc;
	}
	ui->settings_broken = false;
	snprintf(words, words_size, "settings saved to %.200s%s", path,
	         *kept ? "; the broken one is kept beside it" : "");
	return 0;
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* secure_getenv() */
#include "core/base/spare_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool take(const char *path, char *out, size_t size)
{
	return path && *path == '/' && (size_t)snprintf(out, size, "%s", path) < size;
}

bool spare_folder_path(enum spare_folder folder, char *out, size_t size)
{
	switch (folder) {
	case SPARE_CURRENT:
		return getcwd(out, size) && *out == '/'; /* "(unreachable)" elsewhere */
	case SPARE_TMPDIR:
		return take(secure_getenv("TMPDIR"), out, size);
	case SPARE_HOME:
		return take(secure_getenv("HOME"), out, size);
	case SPARE_TMP:
		return take("/tmp", out, size);
	default:
		return false;
	}
}

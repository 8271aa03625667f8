/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "core/go/go_buildinfo.h"
#include "tests/fuzz/fuzz.h"

/* The version is shown, so whatever the file says it is one printable word or two. */
static void version_check(struct elf_file *file, size_t room,
                          int (*read)(struct elf_file *file, char *out, size_t size))
{
	char text[128];

	memset(text, 'x', sizeof(text));
	if (read(file, text, room) == 0) {
		FUZZ_CHECK(memchr(text, 0, room) && text[0]);
		for (const char *at = text; *at; at++)
			FUZZ_CHECK(isprint((unsigned char)*at));
		FUZZ_CHECK(go_version_minor(text) < 10000);
	}
	for (size_t i = room; i < sizeof(text); i++)
		FUZZ_CHECK(text[i] == 'x');
}

void fuzz_buildinfo(const uint8_t *data, size_t size)
{
	struct elf_file *file = fuzz_open(data, size);

	if (!file)
		return;
	version_check(file, 128, go_buildinfo_version);
	version_check(file, 4, go_buildinfo_version);
	version_check(file, 128, go_build_version);
	version_check(file, 8, go_build_version);
	elf_file_close(file);
}

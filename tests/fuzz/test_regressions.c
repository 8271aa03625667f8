/* SPDX-License-Identifier: MIT */
/*
 * Replays tests/fuzz/regressions: files that once made a reader crash, hang or say nonsense. Each
 * goes through every target of fuzz.h, and through each cut off at some places. The sanitized
 * builds of this program see reads of bytes that were not asked for, too.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/target/go_fixture.h"

#define FOLDER  "tests/fuzz/regressions"
#define CUTS    16
#define SECONDS 5 /* for one file, SIGALRM ends what takes longer */
#define TARGET(fn)      \
	{               \
#fn, fn \
	}

static const struct {
	const char *name;
	void (*run)(const uint8_t *data, size_t size);
} targets[] = {
        TARGET(fuzz_elf),       TARGET(fuzz_buildinfo), TARGET(fuzz_pclntab),
        TARGET(fuzz_type_name), TARGET(fuzz_go_binary), TARGET(fuzz_order),
};

static void target_run(size_t target, const char *name, const uint8_t *data, size_t size)
{
	print_message("%s %s, %zu bytes\n", targets[target].name, name, size);
	alarm(SECONDS);
	targets[target].run(data, size);
	alarm(0);
}

/* An exact allocation for each run: a target that reads on behind it is seen as well. */
static void file_replay(const char *name)
{
	char path[512];
	size_t size;

	snprintf(path, sizeof(path), FOLDER "/%.400s", name);
	unsigned char *bytes = file_read(path, &size);
	for (size_t target = 0; target < sizeof(targets) / sizeof(targets[0]); target++) {
		target_run(target, name, bytes, size);
		for (size_t cut = 0; cut < CUTS; cut++)
			target_run(target, name, bytes, size / CUTS * cut);
	}
	free(bytes);
}

static void test_regressions(void **state)
{
	DIR *folder = opendir(FOLDER);
	struct dirent *entry;
	int files = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.') {
			file_replay(entry->d_name);
			files++;
		}
	closedir(folder);
	assert_true(files > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_regressions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Real Go executables, damaged in thousands of ways, go through everything that is asked of an
 * executable. A sanitized build of this program reports reads outside of the file; every build
 * finds a crash, an endless loop, and a probe site that is not at the instruction it claims.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/target/go_fixture.h"

#if defined(__SANITIZE_ADDRESS__)
#define SECONDS 30 /* for one file: SIGALRM ends the program */
#else
#define SECONDS 5
#endif

#define MUTATIONS   350  /* of each of eight executables */
#define ORDER_EVERY 4    /* of each kind goes through fuzz_order, which decodes the whole text */
#define EDGE        8192 /* bytes at either end, where headers lie */

static const char *const variants[] = {"exe", "stripped", "pie", "arm64"};

/* xorshift64: the same files in each run. */
static uint64_t dice = 0x9e3779b97f4a7c15;

static uint64_t roll(uint64_t limit)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice % limit;
}

/* One place of three is in the headers, which decide how the rest is read. */
static size_t place(size_t size)
{
	switch (roll(6)) {
	case 0:
		return roll(1024);
	case 1:
		return size - 1 - roll(EDGE);
	default:
		return roll(size);
	}
}

static size_t bytes_flip(unsigned char *bytes, size_t size)
{
	for (uint64_t i = 1 + roll(64); i > 0; i--)
		bytes[place(size)] ^= (unsigned char)(1 << roll(8));
	return size;
}

/* Numbers at the ends of their range, where a sum or a product overflows. */
static size_t words_spoil(unsigned char *bytes, size_t size)
{
	static const uint64_t words[] = {0,          1,          0x7fffffff, 0xffffffff,
	                                 INT64_MAX,  UINT64_MAX, 0x80000000, UINT64_MAX - 7,
	                                 1ULL << 40, 0x400000};

	for (uint64_t i = 1 + roll(16); i > 0; i--) {
		size_t at = place(size - 8) & ~(size_t)3;

		memcpy(bytes + at, &words[roll(sizeof(words) / sizeof(words[0]))], 4 + 4 * roll(2));
	}
	return size;
}

static size_t page_clear(unsigned char *bytes, size_t size)
{
	memset(bytes + roll(size - 4096), roll(2) ? 0xff : 0, 4096);
	return size;
}

static size_t parts_exchange(unsigned char *bytes, size_t size)
{
	size_t len = 1 + roll(65536), from = roll(size - len), to = roll(size - len);

	memmove(bytes + to, bytes + from, len);
	return size;
}

static size_t file_cut(unsigned char *bytes, size_t size)
{
	(void)bytes;
	return roll(size);
}

/* One word at the start of each page: each table that begins there has another first entry. */
static size_t tables_spoil(unsigned char *bytes, size_t size)
{
	for (size_t at = 4096; at + 64 < size; at += 4096)
		if (roll(8) == 0)
			bytes[at + roll(64)] = (unsigned char)roll(256);
	return size;
}

static size_t (*const mutations[])(unsigned char *bytes, size_t size) = {
        bytes_flip, words_spoil, page_clear, parts_exchange, file_cut, tables_spoil,
};
#define MUTATION_KINDS (int)(sizeof(mutations) / sizeof(mutations[0]))

/* Each mutation is of the whole executable, in an allocation of exactly its size. */
static int executable_mutate(const char *path)
{
	size_t size;
	unsigned char *bytes = file_read(path, &size);
	int done;

	for (done = 0; done < MUTATIONS; done++) {
		unsigned char *copy = malloc(size);
		size_t left;

		assert_non_null(copy);
		memcpy(copy, bytes, size);
		left = mutations[done % MUTATION_KINDS](copy, size);
		alarm(SECONDS);
		fuzz_go_binary(copy, left);
		if (done / MUTATION_KINDS % ORDER_EVERY == 0)
			fuzz_order(copy, left);
		alarm(0);
		free(copy);
	}
	free(bytes);
	return done;
}

static void test_mutated(void **state)
{
	struct go_release releases[GO_RELEASES_MAX];
	size_t count = go_releases(releases);
	char path[FIXTURE_PATH];
	int done = 0;

	(void)state;
	for (size_t r = 0; r < count; r++)
		for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++)
			if (fixture_build(&releases[r], go_variant_find(variants[v]), "mapuser",
			                  path))
				done += executable_mutate(path);
	print_message("%d mutated executables\n", done);
	assert_true(done >= 4 * MUTATIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutated)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

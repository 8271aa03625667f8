/* SPDX-License-Identifier: MIT */
/* Layouts: the table, what DWARF says, and executables that claim to be newer than the table. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/go/go_binary.h"
#include "core/go/go_dwarf.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;
static char scratch[] = "/tmp/gomaptop-test-XXXXXX";

static int16_t field_of(const struct go_layout *layout, const struct go_layout_field *field)
{
	return *(const int16_t *)((const char *)layout + field->at);
}

/* ---- the table ----------------------------------------------------------------------- */

static void test_table(void **state)
{
	(void)state;
	assert_null(go_layout_find(16));
	assert_null(go_layout_find(28));
	for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
		const struct go_layout *row = go_layout_find(minor);
		assert_int_equal(row->minor, minor);
		/* What holds in every release: these lie at fixed distances. */
		assert_int_equal(row->g_goid, row->g_atomicstatus + 8);
		assert_int_equal(row->g_waitreason, row->g_atomicstatus + 32);
		assert_int_equal(row->g_startpc, row->g_gopc + 16);
		if (row->g_parent_goid != GO_NO_FIELD)
			assert_int_equal(row->g_gopc, row->g_parent_goid + 8);
		assert_int_equal(row->g_parent_goid == GO_NO_FIELD, minor < 21);
		assert_int_equal(row->moduledata_gofunc == GO_NO_FIELD, minor < 18);
		assert_int_equal(row->hmap_count == GO_NO_FIELD, minor > 25);
		assert_int_equal(row->swiss_used == GO_NO_FIELD, minor < 24);
	}
}

/* Waiting at a mutex has another number in each of these; without the numbers nothing is one. */
static void test_lock_reasons(void **state)
{
	struct go_layout none = {.reason_semacquire = GO_NO_FIELD,
	                         .reason_mutex = GO_NO_FIELD,
	                         .reason_rlock = GO_NO_FIELD,
	                         .reason_rwmutex = 64};

	(void)state;
	assert_true(go_layout_lock_reasons(go_layout_find(19)) == 1ULL << 18);
	assert_true(go_layout_lock_reasons(go_layout_find(20)) == (1ULL << 18 | 7ULL << 21));
	assert_true(go_layout_lock_reasons(go_layout_find(25)) == (1ULL << 19 | 7ULL << 22));
	assert_true(go_layout_lock_reasons(go_layout_find(27)) == (1ULL << 13 | 7ULL << 22));
	assert_true(go_layout_lock_reasons(&none) == 0);
}

static void test_map_layout(void **state)
{
	struct go_map_layout hmap = go_layout_map(go_layout_find(19), GO_MAP_HMAP);
	struct go_map_layout swiss = go_layout_map(go_layout_find(27), GO_MAP_SWISS);

	(void)state;
	assert_int_equal(hmap.seed, 12);
	assert_int_equal(hmap.seed_size, 4);
	assert_int_equal(swiss.seed, 8);
	assert_int_equal(swiss.seed_size, 8);
	assert_int_equal(swiss.iterator_type, 16);
	assert_int_equal(swiss.iterator_map, 24);
	assert_string_equal(go_layout_trust_name(GO_LAYOUT_VERIFIED), "verified");
	assert_string_equal(go_layout_trust_name(GO_LAYOUT_FROM_DWARF), "dwarf");
	assert_string_equal(go_layout_trust_name(GO_LAYOUT_UNVERIFIED), "unverified");
}

/* ---- DWARF --------------------------------------------------------------------------- */

static int dwarf_of(const char *path, struct go_layout *layout)
{
	struct elf_file *file;
	int rc = elf_file_open(path, &file, NULL);

	if (!rc)
		rc = go_dwarf_layout(file, layout);
	elf_file_close(file);
	return rc;
}

/* Every field that the executable's own kind of map has is as the table says. */
static void dwarf_check(const char *path, const struct go_release *release)
{
	const struct go_layout *row = go_layout_find(release->minor);
	struct go_layout layout = {.minor = release->minor};
	int count;
	const struct go_layout_field *fields = go_layout_fields(&count);
	bool swiss = release->minor >= 24;

	assert_int_equal(dwarf_of(path, &layout), 0);
	assert_int_equal(layout.minor, release->minor);
	for (int i = 0; i < count; i++) {
		int16_t wanted = field_of(row, &fields[i]);
		if (swiss && strncmp(fields[i].name, "h", 1) == 0)
			wanted = GO_NO_FIELD; /* hmap, hiter: not in this executable */
		if (field_of(&layout, &fields[i]) != wanted)
			fail_msg("%s: %s: %d, not %d", path, fields[i].name,
			         field_of(&layout, &fields[i]), wanted);
	}
}

static void test_dwarf(void **state)
{
	static const struct go_variant plain = {
	        "plain-dwarf", "CGO_ENABLED=0", "-ldflags=-compressdwarf=false",
	        false,         false,           false};

	(void)state;
	for (size_t i = 0; i < release_count; i++) {
		char fixture[FIXTURE_PATH];
		assert_true(fixture_build(&releases[i], &plain, "mapuser", fixture));
		dwarf_check(fixture, &releases[i]);
		for (size_t k = 0; k < GO_VARIANTS; k++) {
			struct go_layout layout;
			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "mapuser", fixture));
			if (go_variants[k].stripped)
				assert_int_equal(dwarf_of(fixture, &layout), -ENODATA);
			else
				dwarf_check(fixture, &releases[i]);
		}
	}
}

static void test_no_dwarf(void **state)
{
	struct go_layout layout;

	(void)state;
	assert_int_equal(dwarf_of("/nowhere/at/all", &layout), -ENOENT);
	assert_int_equal(dwarf_of("/etc/passwd", &layout), -ENOEXEC);
	assert_int_equal(dwarf_of("/dev/null", &layout), -ENOEXEC);
	/* Debug information, but of no Go program. */
	assert_int_equal(dwarf_of("/proc/self/exe", &layout), -ENODATA);
}

/* Cut off, or with bytes that nobody wrote: an answer, and no crash. */
static void test_damaged_dwarf(void **state)
{
	static const struct go_variant plain = {
	        "plain-dwarf", "CGO_ENABLED=0", "-ldflags=-compressdwarf=false",
	        false,         false,           false};
	char fixture[FIXTURE_PATH];
	struct go_layout layout;
	size_t size = 0;
	uint32_t dice = 1;

	(void)state;
	assert_true(fixture_build(&releases[release_count - 1], &plain, "mapuser", fixture));
	unsigned char *bytes = file_read(fixture, &size);
	for (int i = 1; i < 8; i++) {
		assert_true(file_write(scratch, bytes, size * i / 8));
		assert_true(dwarf_of(scratch, &layout) < 0);
	}
	for (int i = 0; i < 24; i++) {
		/* Debug sections are the second half of the file. */
		for (int k = 0; k < 64; k++) {
			dice = dice * 1664525 + 1013904223;
			bytes[size / 2 + dice % (size / 2)] = (unsigned char)(dice >> 24);
		}
		assert_true(file_write(scratch, bytes, size));
		int rc = dwarf_of(scratch, &layout);
		assert_true(rc <= 0);
	}
	free(bytes);
}

/* ---- newer than the table ------------------------------------------------------------ */

/* Write a fixture to the scratch file, saying that it is of Go 1.28. */
static void newer_write(const struct go_release *release, const struct go_variant *variant)
{
	char fixture[FIXTURE_PATH], from[32];
	size_t size = 0, count = 0;

	assert_true(fixture_build(release, variant, "mapuser", fixture));
	unsigned char *bytes = file_read(fixture, &size);
	snprintf(from, sizeof(from), "go%s.", release->name);
	for (size_t i = 0; i + strlen(from) <= size; i++)
		if (memcmp(bytes + i, from, strlen(from)) == 0) {
			memcpy(bytes + i, "go1.28.", strlen(from));
			count++;
		}
	assert_true(count > 0);
	assert_true(file_write(scratch, bytes, size));
	free(bytes);
}

static void newer_check(const struct go_release *release, const struct go_variant *variant)
{
	struct go_binary *binary;
	struct error err = {""};
	struct go_function function;

	newer_write(release, variant);
	if (go_binary_open(scratch, &binary, &err))
		fail_msg("%s %s: %s", release->name, variant->name, err.text);
	assert_int_equal(go_binary_minor(binary), 28);
	assert_int_equal(go_binary_function_find(binary, "main.main", &function), 0);
	if (variant->stripped) {
		assert_int_equal(go_binary_layout_trust(binary), GO_LAYOUT_UNVERIFIED);
		assert_int_equal(go_binary_layout(binary)->g_goid,
		                 go_layout_find(GO_MINOR_MAX)->g_goid);
	} else {
		assert_int_equal(go_binary_layout_trust(binary), GO_LAYOUT_FROM_DWARF);
		assert_int_equal(go_binary_layout(binary)->g_goid,
		                 go_layout_find(release->minor)->g_goid);
	}
	go_binary_close(binary);
}

/* Runs the patched fixture, which prints where its types are: with DWARF every name is right,
 * without it a name is right or not known. */
static void newer_types_check(const struct go_release *release, const struct go_variant *variant)
{
	struct go_binary *binary;
	struct error err = {""};
	char line[512];
	uint64_t addr;
	int names = 0, at;

	newer_write(release, variant);
	assert_int_equal(chmod(scratch, 0755), 0);
	assert_int_equal(go_binary_open(scratch, &binary, &err), 0);
	FILE *pipe = popen(scratch, "r"); /* NOLINT: test code */
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(sscanf(line, "%lx %n", &addr, &at), 1); /* NOLINT */
		const char *name = go_binary_type_name(binary, addr);
		if (name)
			assert_string_equal(name, line + at);
		else
			assert_true(variant->stripped);
		names += name != NULL;
	}
	assert_int_equal(pclose(pipe), 0);
	if (!variant->stripped)
		assert_int_equal(names, 7);
	else if (release->minor == GO_MINOR_MAX)
		assert_true(names > 0);
	go_binary_close(binary);
}

static void test_newer_than_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < 2; k++) {
			newer_check(&releases[i], &go_variants[k]);
			newer_types_check(&releases[i], &go_variants[k]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_table),
	        cmocka_unit_test(test_lock_reasons),
	        cmocka_unit_test(test_map_layout),
	        cmocka_unit_test(test_dwarf),
	        cmocka_unit_test(test_no_dwarf),
	        cmocka_unit_test(test_damaged_dwarf),
	        cmocka_unit_test(test_newer_than_the_table),
	};
	int fd = mkstemp(scratch);
	int failed;

	if (fd < 0)
		return 1;
	close(fd);
	release_count = go_releases(releases);
	if (!release_count) {
		puts("skipped: no Go toolchain");
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(scratch);
	return failed;
}

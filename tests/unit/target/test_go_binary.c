/* SPDX-License-Identifier: MIT */
#include <elf.h>
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
#include "core/go/go_buildinfo.h"
#include "core/probe/probe_site.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;
static char scratch[] = "/tmp/gomaptop-test-XXXXXX";

/* ---- what executables say about themselves ------------------------------------------- */

static void facts_check(struct go_binary *binary, const struct go_release *release,
                        const struct go_variant *variant)
{
	char version[32];
	uint64_t vaddr;
	uint64_t offset;

	snprintf(version, sizeof(version), "go%s", release->name);
	assert_int_equal(strncmp(go_binary_version(binary), version, strlen(version)), 0);
	assert_int_equal(go_binary_minor(binary), release->minor);
	assert_int_equal(go_binary_map_runtime(binary),
	                 release->minor >= 24 ? GO_MAP_SWISS : GO_MAP_HMAP);
	assert_int_equal(go_binary_layout(binary)->minor, release->minor);
	assert_int_equal(go_binary_layout_trust(binary), GO_LAYOUT_VERIFIED);
	assert_int_equal(go_binary_stripped(binary), variant->stripped);
	assert_int_equal(go_binary_is_pie(binary), variant->pie);
	assert_non_null(go_binary_build_id(binary));
	go_binary_text_segment(binary, &vaddr, &offset);
	assert_int_equal(vaddr % 4096, 0);
	assert_int_equal(offset % 4096, 0);
}

static void functions_check(struct go_binary *binary)
{
	static const char *const names[] = {"main.main",         "main.(*ledger).credit",
	                                    "runtime.mapassign", "runtime.throw",
	                                    "runtime.newproc",   "reflect.mapassign"};
	uint64_t vaddr;
	uint64_t offset;

	go_binary_text_segment(binary, &vaddr, &offset);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct go_function function;
		struct go_function same;
		struct frame frame;
		assert_int_equal(go_binary_function_find(binary, names[i], &function), 0);
		assert_string_equal(function.name, names[i]);
		assert_int_equal(go_binary_function_at(binary, function.end - 1, &same), 0);
		assert_true(same.entry == function.entry);
		assert_true(go_binary_file_offset(binary, function.entry) ==
		            (int64_t)(function.entry - vaddr + offset));
		assert_int_equal(go_binary_frames(binary, function.entry, 0x1000, false, &frame, 1),
		                 1);
		assert_string_equal(frame.function, names[i]);
		assert_true(frame.line > 0);
		assert_true(frame.pc == function.entry + 0x1000);
	}
	struct go_function function;
	assert_int_equal(go_binary_function_find(binary, "main.nobody", &function), -ENOENT);
	assert_int_equal(go_binary_function_find(binary, "runtime.nobody", &function), -ENOENT);
	assert_int_equal(go_binary_function_find(binary, "", &function), -ENOENT);
	assert_int_equal(go_binary_function_at(binary, 0, &function), -ENOENT);
	assert_int_equal(go_binary_function_at(binary, UINT64_MAX, &function), -ENOENT);
	assert_int_equal(go_binary_file_offset(binary, UINT64_MAX), -EFAULT);
}

/* The same function, whatever the linker did: where it has code, the bytes are Go's. */
static void test_facts_of_every_variant(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < GO_VARIANTS; k++) {
			char fixture[FIXTURE_PATH];
			struct go_binary *binary;
			struct error err = {""};
			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "mapuser", fixture));
			if (go_binary_open(fixture, &binary, &err))
				fail_msg("%s", err.text);
			facts_check(binary, &releases[i], &go_variants[k]);
			functions_check(binary);
			go_binary_close(binary);
		}
}

static void types_check(const char *fixture)
{
	struct go_binary *binary;
	struct error err = {""};
	char line[512];
	uint64_t addr;
	int known = 0;
	int at;

	assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
	FILE *pipe = popen(fixture, "r");
	assert_non_null(pipe);
	for (; fgets(line, sizeof(line), pipe); known++) {
		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(sscanf(line, "%lx %n", &addr, &at), 1);
		const char *name = go_binary_type_name(binary, addr);
		assert_non_null(name);
		assert_string_equal(name, line + at);
		assert_ptr_equal(go_binary_type_name(binary, addr), name); /* cached */
	}
	assert_int_equal(pclose(pipe), 0);
	assert_int_equal(known, 7);
	assert_null(go_binary_type_name(binary, 0));
	assert_null(go_binary_type_name(binary, UINT64_MAX));
	assert_null(go_binary_type_name(binary, UINT64_C(0xc000012340)));
	go_binary_close(binary);
}

/* The program prints where its types are and how Go names them. */
static void test_type_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < 2; k++) {
			char fixture[FIXTURE_PATH];
			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "mapuser", fixture));
			types_check(fixture);
		}
}

static void test_without_section_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < GO_VARIANTS; k++) {
			struct go_variant variant = go_variants[k];
			char fixture[FIXTURE_PATH];
			struct go_binary *binary;
			struct error err = {""};
			size_t size = 0;
			assert_true(
			        fixture_build(&releases[i], &go_variants[k], "mapuser", fixture));
			unsigned char *bytes = file_read(fixture, &size);
			memset(bytes + 0x28, 0, 8); /* e_shoff */
			memset(bytes + 0x3c, 0, 4); /* e_shnum, e_shstrndx */
			assert_true(file_write(scratch, bytes, size));
			free(bytes);
			if (go_binary_open(scratch, &binary, &err))
				fail_msg("%s: %s", fixture, err.text);
			variant.stripped = true;
			facts_check(binary, &releases[i], &variant);
			functions_check(binary);
			go_binary_close(binary);
		}
}

static void test_noswissmap(void **state)
{
	static const struct go_variant variant = {
	        "noswissmap", "CGO_ENABLED=0 GOEXPERIMENT=noswissmap", "", false, false, false};

	(void)state;
	for (size_t i = 0; i < release_count; i++) {
		char fixture[FIXTURE_PATH];
		struct go_binary *binary;
		struct error err = {""};
		if (releases[i].minor != 24 && releases[i].minor != 25)
			continue;
		assert_true(fixture_build(&releases[i], &variant, "mapuser", fixture));
		assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
		assert_int_equal(go_binary_map_runtime(binary), GO_MAP_HMAP);
		assert_non_null(strstr(go_binary_version(binary), "X:noswissmap"));
		go_binary_close(binary);
	}
}

/* ---- versions ------------------------------------------------------------ */

static void test_versions(void **state)
{
	(void)state;
	assert_int_equal(go_version_minor("go1.19.8"), 19);
	assert_int_equal(go_version_minor("go1.24.4 X:noswissmap"), 24);
	assert_int_equal(go_version_minor("go1.22.5-vendor.2"), 22);
	assert_int_equal(go_version_minor("go1.25rc1"), 25);
	assert_int_equal(go_version_minor("devel go1.26-0123abcd Tue Jan 6 10:00:00 2026"), 26);
	assert_int_equal(go_version_minor("go1.9"), 9);
	assert_int_equal(go_version_minor("unknown"), -EINVAL);
	assert_int_equal(go_version_minor("go1."), -EINVAL);
	assert_int_equal(go_version_minor("devel +4b57e1a"), -EINVAL);
	assert_int_equal(go_version_minor(""), -EINVAL);
	assert_true(go_version_minor("go1.99999999999999999999") >= 1000);
}

/* ---- what cannot be watched ---------------------------------------------------------- */

static void open_fails(const char *path, int code, const char *words)
{
	struct go_binary *binary = (void *)1;
	struct error err = {""};
	int rc = go_binary_open(path, &binary, &err);

	if (rc != code)
		fail_msg("%s: %d, not %d: %s", path, rc, code, err.text);
	assert_null(binary);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(go_binary_open(path, &binary, NULL), code);
}

static void test_what_is_no_go_program(void **state)
{
	(void)state;
	open_fails("/nowhere/at/all", -ENOENT, "/nowhere/at/all: No such file");
	open_fails("/", -ENOEXEC, "not a regular file");
	open_fails("/dev/null", -ENOEXEC, "not a regular file");
	open_fails("/etc/passwd", -ENOEXEC, "not an ELF executable");
	open_fails("/bin/sh", -EPROTONOSUPPORT, "not a Go program");
	assert_true(file_write(scratch, "", 0));
	open_fails(scratch, -ENOEXEC, "empty");
	assert_true(file_write(scratch,
	                       "\x7f"
	                       "ELF",
	                       4));
	open_fails(scratch, -ENOEXEC, "cut off");
	go_binary_close(NULL);
}

static void test_32_bit(void **state)
{
	static const struct go_variant variant = {
	        "386", "CGO_ENABLED=0 GOARCH=386", "", false, false, false};
	char fixture[FIXTURE_PATH];

	(void)state;
	assert_true(fixture_build(&releases[0], &variant, "mapuser", fixture));
	open_fails(fixture, -EPROTONOSUPPORT, "32-bit");
}

static void machine_check(const struct go_variant *variant, int machine, int code,
                          const char *words)
{
	char fixture[FIXTURE_PATH];
	struct go_binary *binary;
	struct error err = {""};

	assert_true(fixture_build(&releases[0], variant, "mapuser", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
	assert_int_equal(go_binary_machine(binary), machine);
	assert_int_equal(go_binary_check_native(binary, fixture, &err), code);
	assert_non_null(strstr(err.text, words));
	go_binary_close(binary);
}

static void test_other_machine(void **state)
{
	static const struct go_variant amd64 = {
	        "amd64", "CGO_ENABLED=0 GOARCH=amd64", "", false, false, false};
	const struct go_variant *arm64 = go_variant_find("arm64");

	(void)state;
#if defined(__aarch64__)
	machine_check(&amd64, EM_X86_64, -EPROTONOSUPPORT, "built for amd64, and this machine");
	machine_check(arm64, EM_AARCH64, 0, "");
#else
	machine_check(&amd64, EM_X86_64, 0, "");
	machine_check(arm64, EM_AARCH64, -EPROTONOSUPPORT, "built for arm64, and this machine");
#endif
}

/* Replace a string in the scratch file by another of its length; how often it was found. */
static size_t scratch_patch(const char *from, const char *to)
{
	size_t size = 0;
	size_t count = 0;
	unsigned char *bytes = file_read(scratch, &size);

	for (size_t i = 0; i + strlen(from) <= size; i++)
		if (memcmp(bytes + i, from, strlen(from)) == 0) {
			memcpy(bytes + i, to, strlen(to));
			count++;
		}
	assert_true(file_write(scratch, bytes, size));
	free(bytes);
	return count;
}

static size_t fixture_patch(const struct go_release *release, const char *from, const char *to)
{
	char fixture[FIXTURE_PATH];
	size_t size = 0;

	assert_true(fixture_build(release, &go_variants[1], "mapuser", fixture));
	unsigned char *bytes = file_read(fixture, &size);
	assert_true(file_write(scratch, bytes, size));
	free(bytes);
	return scratch_patch(from, to);
}

static void test_odd_versions(void **state)
{
	(void)state;
	assert_true(fixture_patch(&releases[0], "go1.19.", "go1.16.") > 0);
	open_fails(scratch, -ENOTSUP, "go1.16.");
	assert_true(fixture_patch(&releases[0], "go1.19.", "gone19.") > 0);
	open_fails(scratch, -ENOTSUP, "not understood");
	assert_true(fixture_patch(&releases[0], "\xf0\xff\xff\xff\x00\x00",
	                          "\xf7\xff\xff\xff\x00\x00") > 0);
	open_fails(scratch, -ENODATA, "pclntab");
}

/* Some publishers remove the build information: the runtime's own version string is left. */
static void test_no_buildinfo(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++) {
		struct go_binary *binary;
		struct error err = {""};
		assert_true(fixture_patch(&releases[i], "\xff Go buildinf:", "\xff no buildinf:"));
		if (go_binary_open(scratch, &binary, &err))
			fail_msg("without build information: %s", err.text);
		assert_int_equal(go_binary_minor(binary), releases[i].minor);
		functions_check(binary);
		go_binary_close(binary);
		assert_true(scratch_patch("go1.", "gone") > 0);
		open_fails(scratch, -ENOTSUP, "without a version");
	}
}

static void test_packed(void **state)
{
	static const unsigned char mark[] = {'U', 'P', 'X', '!'};
	char fixture[FIXTURE_PATH];
	size_t size = 0;

	(void)state;
	assert_true(fixture_build(&releases[0], &go_variants[1], "mapuser", fixture));
	unsigned char *bytes = file_read(fixture, &size);
	/* What UPX leaves readable: program headers, then its own header; the rest is compressed.
	 */
	memset(bytes + 2048, 0x5a, size - 2048);
	memcpy(bytes + 1024, mark, sizeof(mark));
	assert_true(file_write(scratch, bytes, size));
	open_fails(scratch, -EPROTONOSUPPORT, "UPX");
	free(bytes);
}

/* ---- damage -------------------------------------------------------------------------- */

/* Ask everything; answers do not matter, only that each comes back. */
static void ask_everything(const char *path, unsigned int seed)
{
	struct go_binary *binary;
	struct go_function function;
	struct probe_plan plan;
	struct error err = {""};
	struct frame frames[16];
	unsigned char bytes[64];
	uint64_t vaddr;
	uint64_t offset;

	int rc = go_binary_open(path, &binary, &err);
	if (rc) {
		assert_true(rc < 0);
		assert_true(err.text[0] != '\0');
		return;
	}
	go_binary_text_segment(binary, &vaddr, &offset);
	for (int i = 0; i < 200; i++) {
		uint64_t addr = vaddr + (uint64_t)rand_r(&seed) % 0x200000;
		int count = go_binary_frames(binary, addr, 0, i & 1, frames, 16);
		assert_in_range(count, 1, 16);
		for (int k = 0; k < count; k++)
			if (frames[k].function)
				assert_true(strlen(frames[k].function) < 65536);
		go_binary_type_name(binary, addr & ~UINT64_C(7));
		go_binary_read(binary, addr, bytes, sizeof(bytes));
		go_binary_function_at(binary, addr, &function);
	}
	if (probe_plan_make(binary, &plan, &err) == 0)
		probe_plan_free(&plan);
	go_binary_function_find(binary, "main.main", &function);
	go_binary_close(binary);
}

static void test_truncated_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char fixture[FIXTURE_PATH];
		size_t size = 0;
		assert_true(fixture_build(&releases[i], &go_variants[3], "mapuser", fixture));
		unsigned char *bytes = file_read(fixture, &size);
		assert_true(file_write(scratch, bytes, size));
		for (size_t cut = size - 1; cut > 0;
		     cut -= cut > 4096 ? size / 40 : (cut + 7) / 8) {
			assert_int_equal(truncate(scratch, (off_t)cut), 0);
			ask_everything(scratch, (unsigned int)cut);
			if (cut <= size / 40 && cut > 4096)
				cut = 4096 + size / 40;
		}
		free(bytes);
	}
}

static void test_truncated_while_open(void **state)
{
	char fixture[FIXTURE_PATH];
	struct go_binary *binary;
	struct go_function function;
	struct error err = {""};
	struct frame frames[16];
	size_t size = 0;

	(void)state;
	assert_true(fixture_build(&releases[1], &go_variants[1], "mapuser", fixture));
	unsigned char *bytes = file_read(fixture, &size);
	assert_true(file_write(scratch, bytes, size));
	assert_int_equal(go_binary_open(scratch, &binary, &err), 0);
	assert_int_equal(truncate(scratch, 4096), 0);
	for (uint64_t addr = 0x401000; addr < 0x480000; addr += 0x1001)
		assert_in_range(go_binary_frames(binary, addr, 0, false, frames, 16), 1, 16);
	go_binary_function_find(binary, "main.main", &function);
	assert_null(go_binary_type_name(binary, 0x4a0000));
	go_binary_close(binary);
	free(bytes);
}

static void test_damaged_anywhere(void **state)
{
	unsigned int seed = 11;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char fixture[FIXTURE_PATH];
		size_t size = 0;
		assert_true(fixture_build(&releases[i], &go_variants[1], "mapuser", fixture));
		unsigned char *bytes = file_read(fixture, &size);
		unsigned char *copy = malloc(size);
		assert_non_null(copy);
		for (int round = 0; round < 60; round++) {
			memcpy(copy, bytes, size);
			/* Headers every time, then tables: half of the rounds each. */
			size_t reach = round & 1 ? 1024 : size;
			for (int k = 0; k < (round & 1 ? 4 : 4000); k++)
				copy[(size_t)rand_r(&seed) % reach] = (unsigned char)rand_r(&seed);
			assert_true(file_write(scratch, copy, size));
			ask_everything(scratch, seed);
		}
		free(copy);
		free(bytes);
	}
}

static int scratch_remove(void **state)
{
	(void)state;
	return unlink(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_facts_of_every_variant),
	        cmocka_unit_test(test_type_names),
	        cmocka_unit_test(test_without_section_headers),
	        cmocka_unit_test(test_noswissmap),
	        cmocka_unit_test(test_versions),
	        cmocka_unit_test(test_what_is_no_go_program),
	        cmocka_unit_test(test_32_bit),
	        cmocka_unit_test(test_other_machine),
	        cmocka_unit_test(test_odd_versions),
	        cmocka_unit_test(test_no_buildinfo),
	        cmocka_unit_test(test_packed),
	        cmocka_unit_test(test_truncated_anywhere),
	        cmocka_unit_test(test_truncated_while_open),
	        cmocka_unit_test(test_damaged_anywhere),
	};
	int fd = mkstemp(scratch);

	if (fd < 0)
		return 1;
	close(fd);
	release_count = go_releases(releases);
	if (release_count < 2) {
		fprintf(stderr, "needs two Go releases; run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, scratch_remove);
}

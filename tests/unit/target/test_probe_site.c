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

#include "bpf/wire/wire.h"
#include "core/probe/probe_site.h"
#include "core/probe/prologue.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

/* ---- decoding ------------------------------------------------------------------------ */

struct shape {
	const char *code; /* hex; the function is padded with nops to 256 bytes */
	int known;
	enum probe_instruction instruction;
	uint32_t offset;
};

static size_t code_make(const char *hex, unsigned char *code, size_t size)
{
	size_t length = 0;
	unsigned int byte;

	memset(code, 0x90, size);
	while (sscanf(hex, "%2x", &byte) == 1) {
		code[length++] = (unsigned char)byte;
		hex += hex[2] ? 3 : 2;
	}
	return length;
}

static void test_amd64_prologues(void **state)
{
	static const struct shape shapes[] = {
	        {"49 3b 66 10 76 20 48 83 ec 18", 1, PROBE_AT_JBE, 4},
	        {"49 3b 66 10 76 20 55 48 89 e5", 1, PROBE_AT_PUSH, 6},
	        {"49 3b 66 10 0f 86 80 00 00 00 48 83 ec 18", 1, PROBE_AT_JBE, 4},
	        {"49 3b 66 10 0f 86 80 00 00 00 55", 1, PROBE_AT_PUSH, 10},
	        {"4c 8d 64 24 a8 4d 3b 66 10 0f 86 80 00 00 00 55", 1, PROBE_AT_PUSH, 15},
	        {"4c 8d 64 24 a8 4d 3b 66 10 76 20 55", 1, PROBE_AT_PUSH, 11},
	        {"4c 8d a4 24 00 fe ff ff 4d 3b 66 10 0f 86 80 00 00 00 55", 1, PROBE_AT_PUSH, 18},
	        {"4c 8d a4 24 00 fe ff ff 4d 3b 66 10 0f 86 80 00 00 00 48", 1, PROBE_AT_JBE, 12},
	        {"55 48 89 e5", 1, PROBE_AT_ENTRY, 0},
	        {"48 83 ec 28", 1, PROBE_AT_ENTRY, 0},
	        {"48 81 ec 28 01 00 00", 1, PROBE_AT_ENTRY, 0},
	        /* What is not known is refused: */
	        {"49 3b 66 10 77 20 55", 0, 0, 0},             /* ja, not jbe */
	        {"49 3b 66 18 76 20 55", 0, 0, 0},             /* another field of g */
	        {"49 3b 66 10 76 f0 55", 0, 0, 0},             /* leaves the function backwards */
	        {"49 3b 66 10 0f 86 00 10 00 00 55", 0, 0, 0}, /* and forwards */
	        {"4c 8d 64 24 a8 49 3b 66 10 76 20", 0, 0, 0}, /* cmp of rsp behind lea */
	        {"e9 00 00 00 00", 0, 0, 0},                   /* patched by something else */
	        {"cc 3b 66 10 76 20 55", 0, 0, 0},             /* a breakpoint is there already */
	        {"f3 0f 1e fa 55", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		unsigned char code[256];
		struct prologue prologue = {0};
		code_make(shapes[i].code, code, sizeof(code));
		bool known = prologue_decode(EM_X86_64, code, sizeof(code), &prologue);
		if (known != shapes[i].known)
			fail_msg("%s: %sknown", shapes[i].code, known ? "" : "not ");
		if (!known)
			continue;
		assert_int_equal(prologue.instruction, shapes[i].instruction);
		assert_int_equal(prologue.offset, shapes[i].offset);
	}
}

static void test_cut_off_code_is_refused(void **state)
{
	unsigned char code[256];
	struct prologue prologue;
	size_t length = code_make("4c 8d 64 24 a8 4d 3b 66 10 0f 86 01 00 00 00 55", code, 256);

	(void)state;
	/* A function that ends before its branch does; copied so that a read behind it is seen. */
	for (size_t cut = 0; cut < length; cut++) {
		unsigned char *copy = malloc(cut + 1);
		memcpy(copy, code, cut);
		assert_false(prologue_decode(EM_X86_64, copy, cut, &prologue));
		assert_false(prologue_decode(EM_AARCH64, copy, cut, &prologue));
		assert_false(code_calls(EM_X86_64, copy, cut, 0x1000, 0x2000));
		free(copy);
	}
	assert_false(prologue_decode(EM_RISCV, code, length, &prologue));
}

static void test_calls_are_found(void **state)
{
	unsigned char code[256];

	(void)state;
	code_make("90 90 e8 10 00 00 00", code, sizeof(code));
	assert_true(code_calls(EM_X86_64, code, sizeof(code), 0x1000, 0x1000 + 7 + 0x10));
	assert_false(code_calls(EM_X86_64, code, sizeof(code), 0x1000, 0x1000 + 8 + 0x10));
	code_make("90 e8 fb ff ff ff", code, sizeof(code));
	assert_true(code_calls(EM_X86_64, code, sizeof(code), 0x1000, 0x1001));
	code_make("1f 20 03 d5 ff ff ff 97", code, sizeof(code)); /* nop; bl .-4 */
	assert_true(code_calls(EM_AARCH64, code, sizeof(code), 0x1000, 0x1000));
}

/* ---- real executables ---------------------------------------------------------------- */

/* Measured with a disassembler on binaries of each release. Offsets: of the probe from the entry;
 * ENTRY 0, WRAPPER: to be skipped. */
#define WRAPPER (-1)
#define MAPS    "internal/runtime/maps."

static const struct expected {
	const char *function;
	int first, last; /* releases */
	int offset;
} expected[] = {
        {"runtime.mapaccess1", 17, 20, 4},
        {"runtime.mapaccess1", 21, 26, 10},
        {"runtime.mapaccess1", 27, 27, WRAPPER},
        {"runtime.mapaccess1_fast32", 17, 20, 4},
        {"runtime.mapaccess1_fast32", 21, 26, 10},
        {"runtime.mapaccess1_fast32", 27, 27, WRAPPER},
        {"runtime.mapaccess1_fast64", 17, 20, 4},
        {"runtime.mapaccess1_fast64", 21, 26, 10},
        {"runtime.mapaccess1_fast64", 27, 27, WRAPPER},
        {"runtime.mapaccess1_faststr", 17, 20, 4},
        {"runtime.mapaccess1_faststr", 21, 26, 10},
        {"runtime.mapaccess1_faststr", 27, 27, WRAPPER},
        {"runtime.mapaccess2", 17, 20, 4},
        {"runtime.mapaccess2", 21, 27, 10},
        {"runtime.mapaccess2_fast32", 17, 20, 4},
        {"runtime.mapaccess2_fast32", 21, 27, 10},
        {"runtime.mapaccess2_fast64", 17, 20, 4},
        {"runtime.mapaccess2_fast64", 21, 27, 10},
        {"runtime.mapaccess2_faststr", 17, 20, 4},
        {"runtime.mapaccess2_faststr", 21, 27, 10},
        {"runtime.mapassign", 17, 20, 4},
        {"runtime.mapassign", 21, 23, 10},
        {"runtime.mapassign", 24, 27, 15},
        {"runtime.mapassign_fast32", 17, 20, 4},
        {"runtime.mapassign_fast32", 21, 27, 10},
        {"runtime.mapassign_fast64", 17, 20, 4},
        {"runtime.mapassign_fast64", 21, 27, 10},
        {"runtime.mapassign_fast64ptr", 17, 20, 4},
        {"runtime.mapassign_fast64ptr", 21, 27, 10},
        {"runtime.mapassign_faststr", 17, 20, 4},
        {"runtime.mapassign_faststr", 21, 23, 10},
        {"runtime.mapassign_faststr", 24, 27, 15},
        {"runtime.mapdelete", 17, 20, 4},
        {"runtime.mapdelete", 21, 23, 10},
        {"runtime.mapdelete", 24, 27, 6},
        {"runtime.mapdelete_fast32", 17, 20, 4},
        {"runtime.mapdelete_fast32", 21, 23, 10},
        {"runtime.mapdelete_fast32", 24, 27, 6},
        {"runtime.mapdelete_fast64", 17, 20, 4},
        {"runtime.mapdelete_fast64", 21, 23, 10},
        {"runtime.mapdelete_fast64", 24, 27, 6},
        {"runtime.mapdelete_faststr", 17, 20, 4},
        {"runtime.mapdelete_faststr", 21, 23, 10},
        {"runtime.mapdelete_faststr", 24, 27, 6},
        {"reflect.mapdelete", 24, 27, 6},
        {"runtime.mapclear", 17, 20, 4},
        {"runtime.mapclear", 21, 23, 10},
        {MAPS "(*Map).Clear", 24, 27, 10},
        {"runtime.mapiterinit", 17, 20, 4},
        {"runtime.mapiterinit", 21, 23, 10},
        {"runtime.mapIterStart", 24, 27, 6},
        {"reflect.mapIterStart", 24, 27, 6},
        {"runtime.mapiternext", 17, 20, 4},
        {"runtime.mapiternext", 21, 23, 10},
        {MAPS "(*Iter).Next", 24, 27, 10},
        {"runtime.mapclone2", 21, 24, 15},
        {MAPS "(*Map).Clone", 25, 27, 10},
        {"runtime.throw", 17, 27, 0},
        {"runtime.fatal", 19, 27, 0},
};
#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

/* arm64: the branch is the third instruction, behind another way of looking at the stack the
 * fourth; what has no branch is probed at its entry, and what is a wrapper is one on every
 * machine. */
static const struct expected expected_arm64_fourth[] = {
        {"runtime.mapaccess1", 17, 18, 12},          {"runtime.mapaccess1_fast32", 17, 18, 12},
        {"runtime.mapaccess1_fast64", 17, 18, 12},   {"runtime.mapaccess1_faststr", 17, 18, 12},
        {"runtime.mapaccess1_faststr", 26, 26, 12},  {"runtime.mapaccess2", 17, 18, 12},
        {"runtime.mapaccess2_fast32", 17, 18, 12},   {"runtime.mapaccess2_fast64", 17, 18, 12},
        {"runtime.mapaccess2_faststr", 17, 18, 12},  {"runtime.mapaccess2_faststr", 26, 26, 12},
        {"runtime.mapassign", 17, 21, 12},           {"runtime.mapassign", 24, 27, 12},
        {"runtime.mapassign_fast32", 17, 18, 12},    {"runtime.mapassign_fast64", 17, 18, 12},
        {"runtime.mapassign_fast64ptr", 17, 18, 12}, {"runtime.mapassign_faststr", 17, 18, 12},
        {"runtime.mapassign_faststr", 24, 27, 12},   {"runtime.mapdelete", 17, 18, 12},
        {"runtime.mapdelete_fast32", 17, 18, 12},    {"runtime.mapdelete_fast64", 17, 18, 12},
        {"runtime.mapdelete_faststr", 17, 18, 12},   {"runtime.mapclear", 17, 18, 12},
        {"runtime.mapiternext", 17, 18, 12},         {"runtime.mapclone2", 21, 24, 12},
};

static int offset_on(const struct expected *row, int minor, bool arm64)
{
	if (!arm64 || row->offset <= 0)
		return row->offset;
	for (size_t i = 0; i < sizeof(expected_arm64_fourth) / sizeof(expected_arm64_fourth[0]);
	     i++) {
		const struct expected *fourth = &expected_arm64_fourth[i];
		if (strcmp(fourth->function, row->function) == 0 && minor >= fourth->first &&
		    minor <= fourth->last)
			return fourth->offset;
	}
	return 8;
}

static const struct probe_site *site_find(const struct probe_plan *plan, const char *function)
{
	for (size_t i = 0; i < plan->site_count; i++)
		if (strcmp(plan->sites[i].function, function) == 0)
			return &plan->sites[i];
	return NULL;
}

static const struct probe_skip *skip_find(const struct probe_plan *plan, const char *function)
{
	for (size_t i = 0; i < plan->skip_count; i++)
		if (strcmp(plan->skips[i].function, function) == 0)
			return &plan->skips[i];
	return NULL;
}

static void expected_check(struct go_binary *binary, const struct probe_plan *plan,
                           const struct expected *row, const char *fixture)
{
	bool arm64 = go_binary_machine(binary) == EM_AARCH64;
	int offset = offset_on(row, go_binary_minor(binary), arm64);
	const struct probe_site *site = site_find(plan, row->function);
	const struct probe_skip *skip = skip_find(plan, row->function);
	struct go_function function;

	if (offset == WRAPPER) {
		if (site || !skip || skip->wanted || strncmp(skip->reason, "wrapper of ", 11) != 0)
			fail_msg("%s: %s is not told as a wrapper", fixture, row->function);
		return;
	}
	if (!site || skip) {
		fail_msg("%s: %s is not probed: %s", fixture, row->function,
		         skip ? skip->reason : "not a word about it");
		return;
	}
	assert_int_equal(go_binary_function_find(binary, row->function, &function), 0);
	if (site->addr - function.entry != (uint64_t)offset)
		fail_msg("%s: %s is probed at +%d, not +%d", fixture, row->function,
		         (int)(site->addr - function.entry), offset);
	bool push = !arm64 && go_binary_minor(binary) >= 21;
	enum probe_instruction instruction = offset == 0 ? PROBE_AT_ENTRY
	                                     : push      ? PROBE_AT_PUSH
	                                                 : PROBE_AT_JBE;
	assert_int_equal(site->instruction, instruction);
	assert_true(site->file_offset == (uint64_t)go_binary_file_offset(binary, site->addr));
}

/* The second opinion: what does objdump say begins at that address? */
static void disassembly_check(const char *fixture, const struct probe_site *site)
{
	char command[512];
	char line[512];
	char where[32];
	bool found = false;
	const char *mnemonic = site->instruction == PROBE_AT_JBE    ? "jbe"
	                       : site->instruction == PROBE_AT_PUSH ? "push"
	                                                            : "";

	snprintf(command, sizeof(command), "objdump -d --start-address=%#lx --stop-address=%#lx %s",
	         site->addr - 32, site->addr + 16, fixture);
	snprintf(where, sizeof(where), "%lx:", site->addr);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe))
		if (strstr(line, where) && strstr(line, mnemonic))
			found = true;
	pclose(pipe);
	if (!found)
		fail_msg("%s: %s: no %s at %s", fixture, site->function, mnemonic, where);
}

/* From where a function is called on behalf of others: as measured, and read in the sources. */
static const struct called {
	const char *function, *caller;
	int first, last; /* releases */
	bool probed;
} called[] = {
        {"runtime.mapiternext", "runtime.mapiterinit", 17, 23, true},
        {MAPS "(*Iter).Next", "runtime.mapIterStart", 24, 27, true},
        {MAPS "(*Iter).Next", "reflect.mapIterStart", 24, 27, true},
        {MAPS "(*Iter).Next", "runtime.mapclone2", 24, 24, true},
        {MAPS "(*Iter).Next", "runtime.mapIterNext", 24, 27, false},
        {"runtime.mapassign", "runtime.mapclone2", 21, 23, true},
        {"runtime.mapaccess2", "runtime.mapaccess1", 27, 27, false},
        {"runtime.mapaccess2_fast32", "runtime.mapaccess1_fast32", 27, 27, false},
        {"runtime.mapaccess2_fast64", "runtime.mapaccess1_fast64", 27, 27, false},
        {"runtime.mapaccess2_faststr", "runtime.mapaccess1_faststr", 27, 27, false},
        {"runtime.mapaccess2_faststr", "reflect.mapaccess_faststr", 18, 27, false},
        {"runtime.mapaccess2_faststr", "reflect.Value.MapIndex", 18, 27, false},
        {"runtime.mapassign_faststr", "reflect.Value.SetMapIndex", 18, 27, false},
        {"reflect.mapdelete", "reflect.Value.SetMapIndex", 24, 27, false},
        {MAPS "(*Map).Clear", "runtime.mapclear", 24, 27, false},
};
#define CALLED (sizeof(called) / sizeof(called[0]))

static const struct probe_caller *
caller_find(struct go_binary *binary, const struct probe_plan *plan, const struct called *row)
{
	const struct probe_site *site = site_find(plan, row->function);
	struct go_function function;

	if (go_binary_function_find(binary, row->caller, &function))
		return NULL;
	for (size_t i = 0; site && i < site->caller_count; i++) {
		const struct probe_caller *caller = &plan->callers[site->first_caller + i];
		if (caller->addr == function.entry)
			return caller->size == function.end - function.entry ? caller : NULL;
	}
	return NULL;
}

static void callers_check(struct go_binary *binary, const struct probe_plan *plan,
                          const char *fixture)
{
	int minor = go_binary_minor(binary);

	for (size_t i = 0; i < CALLED; i++) {
		if (minor < called[i].first || minor > called[i].last)
			continue;
		const struct probe_caller *caller = caller_find(binary, plan, &called[i]);
		if (!caller || caller->probed != called[i].probed)
			fail_msg("%s: %s is not known to call %s", fixture, called[i].caller,
			         called[i].function);
	}
	/* There is room for all of them where the BPF side looks. */
	for (size_t i = 0; i < plan->site_count; i++) {
		const struct probe_site *site = &plan->sites[i];
		size_t probed = 0;
		for (size_t k = 0; k < site->caller_count; k++)
			probed += plan->callers[site->first_caller + k].probed;
		assert_true(probed <= CALLERS_PROBED);
		assert_true(site->caller_count - probed <= CALLERS_BEHIND);
	}
}

static const struct probe_note *note_find(const struct probe_plan *plan, const char *operation)
{
	for (size_t i = 0; i < plan->unseen_count; i++)
		if (strcmp(plan->unseen[i]->operation, operation) == 0)
			return plan->unseen[i];
	return NULL;
}

/* What is said not to be seen: sync.Map exactly where it is made of no maps. */
static void notes_check(struct go_binary *binary, const struct probe_plan *plan)
{
	assert_non_null(note_find(plan, "len(m), m == nil"));
	assert_int_equal(note_find(plan, "sync.Map") != NULL, go_binary_minor(binary) >= 24);
	for (size_t i = 0; i < plan->unseen_count; i++)
		assert_true(plan->unseen[i]->operation[0] && plan->unseen[i]->reason[0]);
}

/* The same of arm64 code, which Go's own disassembler knows. */
static void disassembly_check_arm64(const struct go_release *release, const char *fixture,
                                    const struct probe_plan *plan)
{
	char command[1024];
	char line[512];
	char mnemonic[32];
	uint64_t addr;
	size_t found = 0;

	snprintf(command, sizeof(command),
	         "GOTOOLCHAIN=local '%s' tool objdump -s "
	         "'^(internal/runtime/)?(runtime|reflect|maps)"
	         "\\.' %s",
	         release->go, fixture);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, " %*s 0x%lx %*x %31s", &addr, mnemonic) != 2)
			continue;
		for (size_t i = 0; i < plan->site_count; i++) {
			bool branch = plan->sites[i].instruction == PROBE_AT_JBE;
			if (plan->sites[i].addr != addr)
				continue;
			assert_string_equal(mnemonic, branch ? "BLS" : "MOVD.W");
			found++;
		}
	}
	assert_int_equal(pclose(pipe), 0);
	assert_int_equal(found, plan->site_count);
}

static void plan_check(const struct go_release *release, const struct go_variant *variant)
{
	char fixture[FIXTURE_PATH];
	struct go_binary *binary;
	struct probe_plan plan;
	struct error err = {""};
	size_t wanted = 0;

	assert_true(fixture_build(release, variant, "mapuser", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
	if (probe_plan_make(binary, &plan, &err))
		fail_msg("%s: %s", fixture, err.text);
	for (size_t i = 0; i < EXPECTED; i++) {
		if (release->minor < expected[i].first || release->minor > expected[i].last)
			continue;
		wanted += expected[i].offset != WRAPPER;
		expected_check(binary, &plan, &expected[i], fixture);
	}
	assert_int_equal(plan.site_count, wanted); /* and nothing else */
	callers_check(binary, &plan, fixture);
	notes_check(binary, &plan);
	for (size_t i = 0; i < plan.skip_count; i++)
		if (plan.skips[i].wanted)
			fail_msg("%s: %s: %s", fixture, plan.skips[i].function,
			         plan.skips[i].reason);
	if (variant == &go_variants[0])
		for (size_t i = 0; i < plan.site_count; i++)
			disassembly_check(fixture, &plan.sites[i]);
	if (variant->arm64 && !variant->stripped)
		disassembly_check_arm64(release, fixture, &plan);
	probe_plan_free(&plan);
	go_binary_close(binary);
}

static void test_plans_of_real_executables(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < GO_VARIANTS; k++)
			plan_check(&releases[i], &go_variants[k]);
}

/* Overwrite the first bytes of some functions, as an obfuscator or a tracer would. */
static size_t prologues_break(const char *from, const char *to, const char *prefix)
{
	struct go_binary *binary;
	struct probe_plan plan;
	struct error err;
	size_t size = 0;
	size_t broken = 0;
	unsigned char *bytes = file_read(from, &size);

	assert_int_equal(go_binary_open(from, &binary, &err), 0);
	assert_int_equal(probe_plan_make(binary, &plan, &err), 0);
	for (size_t i = 0; i < plan.site_count; i++) {
		struct go_function function;
		const char *name = plan.sites[i].function;
		if (strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		assert_int_equal(go_binary_function_find(binary, name, &function), 0);
		bytes[go_binary_file_offset(binary, function.entry)] = 0xe9;
		broken++;
	}
	assert_true(file_write(to, bytes, size));
	probe_plan_free(&plan);
	go_binary_close(binary);
	free(bytes);
	return broken;
}

static void test_unknown_prologues_are_told_and_left_alone(void **state)
{
	char fixture[FIXTURE_PATH];
	char path[] = "/tmp/gomaptop-test-XXXXXX";
	struct go_binary *binary;
	struct probe_plan plan;
	struct error err = {""};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_true(fixture_build(&releases[0], &go_variants[0], "mapuser", fixture));
	size_t broken = prologues_break(fixture, path, "runtime.mapassign");
	assert_int_equal(broken, 5);
	assert_int_equal(go_binary_open(path, &binary, &err), 0);
	assert_int_equal(probe_plan_make(binary, &plan, &err), 0);
	assert_null(site_find(&plan, "runtime.mapassign_fast64"));
	const struct probe_skip *skip = skip_find(&plan, "runtime.mapassign_fast64");
	assert_true(skip && skip->wanted && strstr(skip->reason, "unknown prologue: e9 "));
	assert_non_null(site_find(&plan, "runtime.mapaccess1"));
	probe_plan_free(&plan);
	go_binary_close(binary);

	/* All of them: no plan, but a reason. */
	prologues_break(fixture, path, "r");
	assert_int_equal(go_binary_open(path, &binary, &err), 0);
	assert_int_equal(probe_plan_make(binary, &plan, &err), -ENODATA);
	assert_non_null(strstr(err.text, "prologue"));
	probe_plan_free(&plan);
	probe_plan_free(NULL);
	go_binary_close(binary);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_amd64_prologues),
	        cmocka_unit_test(test_cut_off_code_is_refused),
	        cmocka_unit_test(test_calls_are_found),
	        cmocka_unit_test(test_plans_of_real_executables),
	        cmocka_unit_test(test_unknown_prologues_are_told_and_left_alone),
	};
	release_count = go_releases(releases);
	if (release_count < 2) {
		fprintf(stderr, "needs two Go releases; run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

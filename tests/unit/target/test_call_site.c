/* SPDX-License-Identifier: MIT */
/*
 * Calls of the map functions: all that objdump sees outside the runtime, and nothing else; lengths
 * of instructions, all of whole programs, as objdump sees them.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/probe/amd64_length.h"
#include "core/probe/call_site.h"
#include "tests/open_path.h"

#include "tests/unit/target/go_fixture.h"

#define CALLS_MAX 4096

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

struct program {
	const char *path;
	struct go_binary *binary;
	struct probe_plan plan;
	struct call_sites *sites;
	uint64_t places[CALLS_MAX]; /* that are to be found */
	uint64_t before[CALLS_MAX]; /* the instruction before each call; amd64 only */
	uint64_t previous;
	size_t count, wrapped;
	size_t instructions;
};

static void program_open(struct program *p, const char *path)
{
	*p = (struct program){.path = path};
	assert_int_equal(go_binary_open(path, &p->binary, NULL), 0);
	assert_int_equal(probe_plan_make(p->binary, &p->plan, NULL), 0);
	assert_int_equal(call_sites_create(p->binary, &p->plan, &p->sites), 0);
}

static void program_close(struct program *p)
{
	call_sites_destroy(p->sites);
	probe_plan_free(&p->plan);
	go_binary_close(p->binary);
}

/* ---- what is expected ---------------------------------------------------------------- */

static uint64_t entry_of(const struct program *p, const char *name)
{
	struct go_function function;

	return go_binary_function_find(p->binary, name, &function) ? 0 : function.entry;
}

/* Wrappers by release, written down from their code. */
static const char *wrapper_at(const struct program *p, uint64_t target)
{
	static const char *const swiss[] = {"runtime.mapIterNext", "runtime.mapclear"};
	static const char *const reads[] = {"runtime.mapaccess1", "runtime.mapaccess1_fast32",
	                                    "runtime.mapaccess1_fast64",
	                                    "runtime.mapaccess1_faststr"};

	for (int i = 0; i < 2 && go_binary_minor(p->binary) >= 24; i++)
		if (target == entry_of(p, swiss[i]))
			return swiss[i];
	for (int i = 0; i < 4 && go_binary_minor(p->binary) >= 27; i++)
		if (target == entry_of(p, reads[i]))
			return reads[i];
	return NULL;
}

static const char *callee_at(const struct program *p, uint64_t target)
{
	for (size_t i = 0; i < p->plan.site_count; i++)
		if (p->plan.sites[i].role == PROBE_MAP_OP &&
		    entry_of(p, p->plan.sites[i].function) == target)
			return p->plan.sites[i].function;
	return wrapper_at(p, target);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool own(const struct program *p, uint64_t addr)
{
	struct go_function function;

	assert_int_equal(go_binary_function_at(p->binary, addr, &function), 0);
	return !begins(function.name, "runtime.") && !begins(function.name, "reflect.") &&
	       !begins(function.name, "internal/runtime/") && strcmp(function.name, "maps.clone");
}

static void call_check(struct program *p, uint64_t addr, uint64_t place, uint64_t target)
{
	const char *callee = callee_at(p, target);
	struct call_instruction call;
	enum call_refusal refusal;

	if (!callee || !own(p, addr))
		return;
	refusal = call_sites_find(p->sites, place, &call);
	if (refusal)
		fail_msg("%s: call of %s at %#lx refused: %s", p->path, callee, addr,
		         call_refusal_words(refusal));
	assert_string_equal(call.function, callee);
	assert_int_equal(call.addr, addr);
	assert_int_equal(call.place, place);
	assert_int_equal(call.file_offset, go_binary_file_offset(p->binary, addr));
	assert_int_equal(addr + (uint64_t)(int64_t)call.probed, p->plan.sites[call.site].addr);
	if (wrapper_at(p, target)) {
		uint64_t inside = target + 64, back = addr + (uint64_t)(int64_t)call.wrapper;

		assert_true(back > target && back < inside);
		p->wrapped++;
	} else {
		assert_int_equal(call.wrapper, 0);
		assert_string_equal(p->plan.sites[call.site].function, callee);
	}
	assert_true(p->count < CALLS_MAX);
	p->before[p->count] = p->previous;
	p->places[p->count++] = place;
}

static bool expected(const struct program *p, uint64_t place)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->places[i] == place)
			return true;
	return false;
}

/* ---- programs ------------------------------------------------------------------------ */

static void instruction_check(struct program *p, uint64_t addr, uint64_t next, const char *text)
{
	unsigned char code[AMD64_LENGTH_MAX];
	size_t size = sizeof(code);
	unsigned long target;

	while (size && go_binary_read(p->binary, addr, code, size))
		size--;
	/* What objdump cannot read is no instruction to it. */
	if (!strstr(text, "(bad)") && amd64_length(code, size) != next - addr)
		fail_msg("%s: %#lx has %lu bytes, not %zu: %s", p->path, addr, next - addr,
		         amd64_length(code, size), text);
	for (size_t cut = 0; cut < next - addr; cut++)
		assert_int_equal(amd64_length(code, cut), 0);
	p->instructions++;
	if (code[0] == 0xe8 && sscanf(text, "call %lx", &target) == 1)
		call_check(p, addr, next, target);
	p->previous = addr;
}

static void amd64_check(struct program *p)
{
	char command[512], line[512], text[256] = "";
	unsigned long addr = 0, next;
	FILE *pipe;

	snprintf(command, sizeof(command), "objdump -d -w --no-show-raw-insn --section=.text %s",
	         p->path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		char *tab = strchr(line, '\t');

		if (!tab || sscanf(line, " %lx:", &next) != 1)
			continue;
		if (addr && next > addr && next - addr <= AMD64_LENGTH_MAX)
			instruction_check(p, addr, next, text);
		addr = next;
		snprintf(text, sizeof(text), "%s", tab + 1);
	}
	pclose(pipe);
	assert_true(p->instructions > 100000);
}

static void arm64_check(struct program *p)
{
	uint64_t addr, offset;
	uint32_t word;

	go_binary_text_segment(p->binary, &addr, &offset);
	addr += 0x1000; /* the headers */
	for (; go_binary_read(p->binary, addr, &word, sizeof(word)) == 0; addr += 4) {
		int64_t words = (int32_t)(word << 6) >> 6;
		struct go_function function;

		if (word >> 26 == 0x25 && !go_binary_function_at(p->binary, addr, &function))
			call_check(p, addr, addr + 4, addr + (uint64_t)(words * 4));
		p->instructions++;
	}
	assert_true(p->instructions > 100000);
}

/* No other address passes: neither one beside a call, nor one anywhere in the code. */
static void others_check(struct program *p)
{
	struct call_instruction call;
	uint64_t text = p->plan.sites[0].addr;
	unsigned int dice = 1;

	for (size_t i = 0; i < p->count; i++)
		for (uint64_t near = p->places[i] - 16; near < p->places[i] + 16; near++)
			if (!expected(p, near))
				assert_int_not_equal(call_sites_find(p->sites, near, &call),
				                     CALL_NONE);
	for (int i = 0; i < 200000; i++) {
		uint64_t place = text + (uint64_t)rand_r(&dice) % 0x100000;

		if (!expected(p, place))
			assert_int_not_equal(call_sites_find(p->sites, place, &call), CALL_NONE);
	}
	assert_int_equal(call_sites_find(p->sites, 0, &call), CALL_NO_FUNCTION);
	assert_int_equal(call_sites_find(p->sites, UINT64_MAX, &call), CALL_NO_FUNCTION);
}

static void test_all_calls(void **state)
{
	static const char *const variants[] = {"exe", "stripped", "pie-stripped", "arm64"};

	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < 4; k++) {
			const struct go_variant *variant = go_variant_find(variants[k]);
			char fixture[FIXTURE_PATH];
			struct program p;

			assert_true(fixture_build(&releases[i], variant, "mapuser", fixture));
			program_open(&p, fixture);
			if (variant->arm64)
				arm64_check(&p);
			else
				amd64_check(&p);
			assert_true(p.count > 30);
			assert_int_equal(p.wrapped > 0, releases[i].minor >= 24);
			others_check(&p);
			program_close(&p);
		}
}

/* ---- what looks like a call and is none ---------------------------------------------- */

/* Make the call the operand of a longer instruction that begins two bytes before it, where another
 * one of `room` bytes was. */
static void call_hide(const char *from, const char *to, uint64_t offset, size_t room)
{
	size_t size;
	unsigned char *bytes = file_read(from, &size);

	assert_true(offset > room && offset < size);
	memset(bytes + offset - room, 0x90, room);
	bytes[offset - 2] = 0x48;
	bytes[offset - 1] = 0xb8; /* mov $imm64,%rax */
	assert_true(file_write(to, bytes, size));
	free(bytes);
}

/* The bytes of a call in the middle of another instruction: a probe there would kill the target. */
static void test_hidden_calls(void **state)
{
	char fixture[FIXTURE_PATH], copy[64];
	struct call_instruction call;
	struct program p, hidden;
	int tried = 0;

	(void)state;
	snprintf(copy, sizeof(copy), "build/call_site.%d", getpid());
	assert_true(
	        fixture_build(&releases[release_count - 1], &go_variants[0], "mapuser", fixture));
	program_open(&p, fixture);
	amd64_check(&p);
	for (size_t i = 0; i < p.count; i += 5) {
		assert_int_equal(call_sites_find(p.sites, p.places[i], &call), CALL_NONE);
		if (call.addr - p.before[i] < 2)
			continue;
		call_hide(fixture, copy, call.file_offset, call.addr - p.before[i]);
		tried++;
		program_open(&hidden, copy);
		assert_int_equal(call_sites_find(hidden.sites, p.places[i], &call),
		                 CALL_NOT_DECODED);
		program_close(&hidden);
	}
	unlink(copy);
	assert_true(tried > 3);
	program_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_all_calls),
	        cmocka_unit_test(test_hidden_calls),
	};

	release_count = go_releases(releases);
	if (release_count == 0) {
		printf("no Go toolchain here: run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

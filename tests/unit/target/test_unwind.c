/* SPDX-License-Identifier: MIT */
/*
 * libunwind over real stacks of tests/go/stackcopy, against the frame pointers and against what the
 * runtime itself says; then over damaged ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/symbol/symbolizer.h"
#include "core/symbol/unwind.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define TGID       4242
#define BIAS       UINT64_C(0x7f0000000000)
#define FRAMES_MAX 512
#define BYTES_MAX  16384
#define STACKS     300
#define DAMAGES    20000

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

static const struct go_variant cgo_variants[] = {
        {"cgo", "CGO_ENABLED=1", "", false, false, false},
        {"cgo-internal-stripped", "CGO_ENABLED=1", "-ldflags='-linkmode=internal -s -w'", true,
         false, false},
        {"cgo-pie-stripped", "CGO_ENABLED=1", "-buildmode=pie -ldflags='-s -w'", true, true, false},
};

/* ---- what the program says ------------------------------------------------------------------- */

struct sample {
	struct unwind_stack stack;
	uint64_t walked[FRAMES_MAX]; /* along the frame pointers */
	int walked_count;
	struct {
		char function[256], file[512];
		int line;
	} frames[FRAMES_MAX];
	int frame_count;
	unsigned char bytes[BYTES_MAX];
};

static void walked_read(const char *line, struct sample *sample)
{
	for (const char *at = strchr(line, ' '); at; at = strchr(at + 1, ' ')) {
		assert_in_range(sample->walked_count, 0, FRAMES_MAX - 1);
		sample->walked[sample->walked_count++] = strtoull(at, NULL, 16);
	}
}

static void bytes_read(const char *hex, struct sample *sample)
{
	for (; hex[0] > ' ' && hex[1] > ' '; hex += 2) {
		char pair[3] = {hex[0], hex[1], 0};
		assert_in_range(sample->stack.size, 0, BYTES_MAX - 1);
		sample->bytes[sample->stack.size++] = (unsigned char)strtoul(pair, NULL, 16);
	}
	sample->stack.bytes = sample->bytes;
}

static void frame_read(const char *line, struct sample *sample)
{
	assert_in_range(sample->frame_count, 0, FRAMES_MAX - 1);
	assert_int_equal(sscanf(line, "frame %255s %511s %d",
	                        sample->frames[sample->frame_count].function,
	                        sample->frames[sample->frame_count].file,
	                        &sample->frames[sample->frame_count].line),
	                 3);
	sample->frame_count++;
}

static bool sample_read(FILE *in, struct sample *sample)
{
	char *line = NULL;
	size_t room = 0;
	bool done = false;

	*sample = (struct sample){0};
	while (!done && getline(&line, &room, in) > 0) {
		if (sscanf(line, "stack %lx %lx %lx", &sample->stack.pc, &sample->stack.sp,
		           &sample->stack.fp) == 3)
			continue;
		if (strncmp(line, "fp", 2) == 0)
			walked_read(line, sample);
		else if (strncmp(line, "frame", 5) == 0)
			frame_read(line, sample);
		else if (strncmp(line, "bytes ", 6) == 0)
			bytes_read(line + 6, sample), done = true;
	}
	free(line);
	return done;
}

/* ---- one executable ------------------------------------------------------------------ */

struct subject {
	struct unwind *unwind;
	struct go_binary *binary;
	struct symbolizer *symbolizer;
	uint64_t bias; /* of the sample's addresses */
	bool cgo;
	FILE *in;
	int stacks, frames, complete, in_callbacks; /* seen */
};

static void subject_open(struct subject *s, const struct go_release *release,
                         const struct go_variant *variant, int count, int seed)
{
	char fixture[FIXTURE_PATH], command[FIXTURE_PATH + 64];
	struct error err = {""};

	*s = (struct subject){.cgo = strncmp(variant->name, "cgo", 3) == 0};
	assert_true(fixture_build(release, variant, "stackcopy", fixture));
	assert_int_equal(go_binary_open(fixture, &s->binary, &err), 0);
	assert_int_equal(unwind_create(&s->unwind), 0);
	assert_int_equal(symbolizer_create(&s->symbolizer), 0);
	snprintf(command, sizeof(command), "%s %d %d", fixture, count, seed);
	s->in = popen(command, "r");
	assert_non_null(s->in);
}

static void subject_close(struct subject *s)
{
	assert_int_equal(pclose(s->in), 0);
	unwind_destroy(s->unwind);
	symbolizer_destroy(s->symbolizer);
	go_binary_close(s->binary);
}

/* Where a PIE was loaded: the sample's pc is the entry of a function of known name. */
static void subject_place(struct subject *s, const struct sample *sample)
{
	struct go_function function;
	uint64_t entry = 0;

	for (uint64_t page = sample->stack.pc & 4095; !entry; page += 4096) {
		assert_true(page < (UINT64_C(1) << 28));
		if (!go_binary_function_at(s->binary, page, &function) && function.entry == page &&
		    strcmp(function.name, "gomaptop/tests/stackcopy/capture.Stack") == 0)
			entry = page;
	}
	s->bias = sample->stack.pc - entry;
	assert_int_equal(symbolizer_process_add(s->symbolizer, TGID, s->binary, s->bias), 0);
}

/* ---- agreement ----------------------------------------------------------------------- */

static bool is_function(struct subject *s, uint64_t return_address, const char *name)
{
	struct go_function function;

	return !go_binary_function_at(s->binary, return_address - 1 - s->bias, &function) &&
	       strcmp(function.name, name) == 0;
}

/* Every address, up to where the frame pointers lead into C code. */
static void check_frame_pointers(struct subject *s, const struct sample *sample,
                                 const uint64_t *chain, int count)
{
	uint64_t caller;

	memcpy(&caller, sample->bytes, sizeof(caller));
	assert_true(chain[1] == caller);
	for (int i = 0; i < sample->walked_count && i + 2 < count; i++) {
		if (chain[i + 2] != sample->walked[i])
			fail_msg("frame %d: %lx by libunwind, %lx by frame pointers", i + 2,
			         chain[i + 2], sample->walked[i]);
		s->frames++;
		if (is_function(s, sample->walked[i], "runtime.cgocallback")) {
			s->in_callbacks++;
			return;
		}
	}
	if (count < STACK_DEPTH_MAX && sample->stack.size < BYTES_MAX)
		assert_int_equal(count, sample->walked_count + 2);
}

/* The same lines as runtime.Callers; dump's own are two calls on two lines. */
static void check_callers(struct subject *s, const struct sample *sample, const uint64_t *chain,
                          int count, bool complete)
{
	static struct frame frames[FRAMES_MAX];
	struct access access = {.tgid = TGID, .depth = (uint16_t)count, .caller = chain[1]};
	int length;

	memcpy(access.stack, chain, (size_t)count * sizeof(*chain));
	length = symbolizer_call_chain(s->symbolizer, &access, frames, FRAMES_MAX);
	if (complete)
		assert_int_equal(length, sample->frame_count);
	assert_in_range(length, 1, sample->frame_count);
	for (int i = 0; i < length; i++) {
		char function[256];
		snprintf(function, sizeof(function), "%s", frames[i].function);
		for (char *at = function; (at = strchr(at, ' '));)
			*at = '_';
		if (strcmp(function, sample->frames[i].function) != 0 ||
		    (i > 0 && frames[i].line != sample->frames[i].line))
			fail_msg("frame %d: %s:%d, the program says %s:%d", i, function,
			         frames[i].line, sample->frames[i].function,
			         sample->frames[i].line);
	}
}

static void sample_check(struct subject *s, const struct sample *sample)
{
	uint64_t chain[STACK_DEPTH_MAX];
	bool complete;
	int count = unwind_walk(s->unwind, s->binary, s->bias, &sample->stack, chain,
	                        STACK_DEPTH_MAX, &complete);

	assert_true(chain[0] == sample->stack.pc);
	/* Only what does not fit may be missing. */
	if (!complete && count < STACK_DEPTH_MAX && sample->stack.size < BYTES_MAX)
		fail_msg("stack %d: ends after %d frames at %lx", s->stacks, count,
		         chain[count - 1]);
	check_frame_pointers(s, sample, chain, count);
	check_callers(s, sample, chain, count, complete);
	s->stacks++;
	s->complete += complete;
}

static void variant_check(const struct go_release *release, const struct go_variant *variant)
{
	static struct sample sample;
	struct subject s;

	subject_open(&s, release, variant, STACKS, 1);
	while (sample_read(s.in, &sample)) {
		if (!s.stacks)
			subject_place(&s, &sample);
		sample_check(&s, &sample);
	}
	print_message(
	        "go%s %s: %d stacks, %d to the start, %d of callbacks, %d frames as the frame "
	        "pointers say\n",
	        release->name, variant->name, s.stacks, s.complete, s.in_callbacks, s.frames);
	assert_int_equal(s.stacks, STACKS);
	assert_true(s.complete > STACKS * 9 / 10);
	assert_true(s.cgo == (s.in_callbacks > STACKS / 3));
	subject_close(&s);
}

static void test_agrees_with_frame_pointers_and_callers(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (int variant = 0; variant < 3; variant++)
			variant_check(&releases[i], &go_variants[variant]);
}

static void test_passes_through_c(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < sizeof(cgo_variants) / sizeof(cgo_variants[0]); k++)
			variant_check(&releases[i], &cgo_variants[k]);
}

/* ---- damage -------------------------------------------------------------------------- */

static uint64_t dice_state = 1;

static uint64_t dice(void)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return dice_state >> 33;
}

static uint64_t damage_word(const struct sample *sample)
{
	static const uint64_t edges[] = {0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63};

	switch (dice() % 4) {
	case 0:
		return edges[dice() % 5];
	case 1: /* into the stack */
		return sample->stack.sp + dice() % (sample->stack.size + 64);
	case 2: /* into the code */
		return sample->stack.pc + dice() % 65536 - 32768;
	default:
		return dice() << 33 ^ dice();
	}
}

static void sample_damage(struct sample *sample)
{
	uint64_t word;

	for (uint64_t times = dice() % 8; times > 0; times--) {
		word = damage_word(sample);
		if (sample->stack.size >= sizeof(word))
			memcpy(sample->bytes + dice() % (sample->stack.size - sizeof(word) + 1),
			       &word, sizeof(word));
	}
	if (dice() % 4 == 0)
		sample->stack.size = dice() % (sample->stack.size + 1);
	if (dice() % 8 == 0)
		sample->stack.pc = damage_word(sample);
	if (dice() % 8 == 0)
		sample->stack.sp = damage_word(sample);
}

static void damage_check(struct subject *s, const struct sample *sample)
{
	struct sample *damaged = malloc(sizeof(*damaged));
	uint64_t chain[STACK_DEPTH_MAX];
	struct go_function function;
	unsigned char *bytes;
	bool complete;

	assert_non_null(damaged);
	*damaged = *sample;
	sample_damage(damaged);
	/* In memory of its very size, so that a read beyond it is noticed. */
	bytes = malloc(damaged->stack.size + 1);
	assert_non_null(bytes);
	memcpy(bytes, damaged->bytes, damaged->stack.size);
	damaged->stack.bytes = bytes;
	int max = 1 + (int)(dice() % STACK_DEPTH_MAX);
	int count =
	        unwind_walk(s->unwind, s->binary, s->bias, &damaged->stack, chain, max, &complete);
	assert_in_range(count, 1, max);
	for (int i = 1; i < count; i++)
		assert_true(!go_binary_function_at(s->binary, chain[i] - s->bias, &function) ||
		            !go_binary_function_at(s->binary, chain[i] - 1 - s->bias, &function));
	free(bytes);
	free(damaged);
}

static void test_damaged_stacks_end(void **state)
{
	static struct sample samples[20];
	struct subject s;
	int count = 0;

	(void)state;
	subject_open(&s, &releases[release_count - 1], &cgo_variants[0], 20, 7);
	while (count < 20 && sample_read(s.in, &samples[count])) {
		if (!count)
			subject_place(&s, &samples[count]);
		samples[count].stack.bytes = samples[count].bytes;
		count++;
	}
	assert_int_equal(count, 20);
	for (int i = 0; i < DAMAGES; i++)
		damage_check(&s, &samples[i % count]);
	subject_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_agrees_with_frame_pointers_and_callers),
	        cmocka_unit_test(test_passes_through_c),
	        cmocka_unit_test(test_damaged_stacks_end),
	};
	release_count = go_releases(releases);
	if (release_count < 2) {
		fprintf(stderr, "needs two Go releases; run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

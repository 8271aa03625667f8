/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* secure_getenv() */
#include "core/base/test_knob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *word; /* NULL: a number of bytes */
	const char *effect;
} TABLE[TEST_KNOB_COUNT] = {
        [TEST_KNOB_QUEUE_BYTES] = {"GOMAPTOP_QUEUE_BYTES", NULL,
                                   "the queue of events between collector and model has this size"},
        [TEST_KNOB_RING_BYTES] = {"GOMAPTOP_RING_BYTES", NULL,
                                  "the ring buffer between kernel and collector has this size"},
        [TEST_KNOB_PERF_ONLY] = {"GOMAPTOP_ATTACH", "perf_event",
                                 "probes are attached as if the kernel had no uprobe_multi"},
        [TEST_KNOB_STACK_COPY] = {"GOMAPTOP_STACK_COPY", "always",
                                  "stacks are copied from the target even where frame pointers "
                                  "would do"},
};

size_t test_knob_number(enum test_knob knob)
{
	const char *text = secure_getenv(TABLE[knob].name);

	return text && !TABLE[knob].word ? strtoul(text, NULL, 0) : 0;
}

bool test_knob_is_on(enum test_knob knob)
{
	const char *text = secure_getenv(TABLE[knob].name);

	return text && TABLE[knob].word && strcmp(text, TABLE[knob].word) == 0;
}

void test_knobs_announce(FILE *out)
{
	for (int i = 0; i < TEST_KNOB_COUNT; i++)
		if (test_knob_number(i) || test_knob_is_on(i))
			fprintf(out,
			        "gomaptop: %s is set, which is meant for tests: %s; unset it for "
			        "real work\n",
			        TABLE[i].name, TABLE[i].effect);
}

int test_knobs_write_manual(FILE *out)
{
	for (int i = 0; i < TEST_KNOB_COUNT; i++)
		fprintf(out, ".TP\n\\fB%s\\fR=\\fI%s\\fR\nFor tests: %s.\n", TABLE[i].name,
		        TABLE[i].word ? TABLE[i].word : "BYTES", TABLE[i].effect);
	return ferror(out) ? -EIO : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * test_knob: environment variables that make gomaptop smaller or older than it is, for tests.
 *
 * The tests run on the binary that is installed, so the variables work there. They are listed in
 * one table, in the manual page too; one that is set is announced on standard error; and a program
 * that runs with more privileges than its caller (set-user-ID, file capabilities) ignores them.
 */
#ifndef GOMAPTOP_CORE_TEST_KNOB_H
#define GOMAPTOP_CORE_TEST_KNOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum test_knob {
	TEST_KNOB_QUEUE_BYTES,
	TEST_KNOB_RING_BYTES,
	TEST_KNOB_PERF_ONLY,
	TEST_KNOB_STACK_COPY,
	TEST_KNOB_COUNT,
};

/* The value as a number; 0: not set, or not a number. Any thread. */
size_t test_knob_number(enum test_knob knob);
/* Whether it is set to the word that it knows. Any thread. */
bool test_knob_is_on(enum test_knob knob);

/* One line for each that has an effect now. */
void test_knobs_announce(FILE *out);
/* .TP entries of the manual page, man(7). 0 or -EIO. */
int test_knobs_write_manual(FILE *out);

#endif

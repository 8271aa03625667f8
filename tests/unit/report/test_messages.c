/* SPDX-License-Identifier: MIT */
/* What is said of the rows, and that it is said once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tui/words/messages.h"

#define NOW 5000000000ULL

struct fixture {
	struct messages messages;
	struct rows rows;
	struct target_row targets[2];
	struct crash_row crash;
	struct map_row map;
	struct conflict_row conflicts[2], *conflict_rows[2];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->rows.now_ns = NOW;
	for (int i = 0; i < 2; i++) {
		f->targets[i] = (struct target_row){.tgid = 40 + i, .state = PROCESS_RUNNING};
		f->rows.targets[i] = &f->targets[i];
		f->conflicts[i].map = &f->map;
		f->conflict_rows[i] = &f->conflicts[i];
	}
	f->map.number = 3;
	f->rows.crashes[0] = &f->crash;
	f->rows.conflicts = f->conflict_rows;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

/* Looks at the rows; what is said of them by that, oldest first, has to be as listed. */
static void says(struct fixture *f, int count, ...)
{
	uint64_t before = f->messages.made;
	va_list ap;

	messages_watch(&f->messages, &f->rows);
	assert_int_equal(f->messages.made - before, count);
	va_start(ap, count);
	for (int i = count; i-- > 0;) {
		const struct message *m = messages_at(&f->messages, (size_t)i);

		assert_int_equal(m->level, va_arg(ap, enum message_level));
		assert_non_null(strstr(m->text, va_arg(ap, const char *)));
	}
	va_end(ap);
}

static void test_nothing_new_is_said(void **state)
{
	says(*state, 0);
	assert_int_equal(messages_count(&((struct fixture *)*state)->messages), 0);
}

static void test_windows_are_said_once(void **state)
{
	struct fixture *f = *state;

	says(f, 0);
	f->rows.coverage.rates_estimated = true;
	says(f, 1, MESSAGE_NOTE, "short windows");
	assert_null(strstr(messages_at(&f->messages, 0)->text, "--max-overhead"));
	assert_int_equal(messages_at(&f->messages, 0)->time_ns, NOW);
	says(f, 0);
	f->rows.coverage.rates_estimated = false;
	says(f, 0);
	f->rows.coverage.rates_estimated = true;
	says(f, 0);
}

/* Without a limit, none is to be raised. */
static void test_windows_under_a_limit(void **state)
{
	struct fixture *f = *state;

	f->rows.coverage.rates_estimated = true;
	f->rows.coverage.planned = 0.03;
	says(f, 1, MESSAGE_NOTE, "--max-overhead allows more");
}

static void test_targets_come_and_go(void **state)
{
	struct fixture *f = *state;

	f->rows.target_count = 1;
	says(f, 1, MESSAGE_NOTE, "watching process 40");
	f->rows.target_count = 2;
	says(f, 1, MESSAGE_NOTE, "watching process 41");
	f->targets[0].state = PROCESS_EXITED;
	says(f, 1, MESSAGE_WARNING, "process 40 has exited");
	says(f, 0);
}

static void test_sampling_is_said_once(void **state)
{
	struct fixture *f = *state;

	f->rows.coverage.value[COVERAGE_MAPS_UNTRACKED] = 7;
	says(f, 1, MESSAGE_NOTE, "faster than each can be told of");
	f->rows.coverage.value[COVERAGE_MAPS_UNTRACKED] = 12;
	says(f, 0);
}

static void test_losses_are_those_since_the_look_before(void **state)
{
	struct fixture *f = *state;

	f->rows.coverage.value[COVERAGE_RING_FULL] = 7;
	says(f, 1, MESSAGE_WARNING, "7 events lost: the kernel's ring buffer");
	says(f, 0);
	f->rows.coverage.value[COVERAGE_RING_FULL] = 12;
	f->rows.coverage.value[COVERAGE_STACK_FAILED] = 1;
	f->rows.dropped = 2;
	says(f, 3, MESSAGE_WARNING, "5 events lost: the kernel's ring buffer", MESSAGE_WARNING,
	     "1 event lost: a call chain", MESSAGE_WARNING, "2 events lost: more rows");
	says(f, 0);
}

/* Rows come most frequent first; they are told of in the order in which they were seen. */
static void test_conflicts_in_order(void **state)
{
	struct fixture *f = *state;

	f->conflicts[0].number = 2;
	f->conflicts[0].first_ns = NOW - 1;
	f->conflicts[0].kind = CONFLICT_WRITE_WRITE;
	f->conflicts[1].number = 1;
	f->conflicts[1].first_ns = NOW - 2;
	f->conflicts[1].kind = CONFLICT_READ_WRITE;
	f->rows.conflict_count = 2;
	says(f, 2, MESSAGE_ALARM, "first read-write conflict on m3", MESSAGE_ALARM,
	     "first write-write conflict on m3");
	assert_int_equal(messages_at(&f->messages, 0)->time_ns, NOW - 1);
	f->conflicts[0].count++;
	says(f, 0);
}

static void test_crash(void **state)
{
	struct fixture *f = *state;

	f->crash.tgid = 40;
	strcpy(f->crash.message, "concurrent map writes");
	f->rows.crash_count = 1;
	says(f, 1, MESSAGE_ALARM, "process 40 died: fatal error: concurrent map writes");
	says(f, 0);
}

/* A frozen screen shows what was; what comes meanwhile is said when it is live again. */
static void test_frozen_says_nothing(void **state)
{
	struct fixture *f = *state;

	f->rows.target_count = 1;
	f->rows.frozen = (struct frozen *)f;
	says(f, 0);
	f->rows.frozen = NULL;
	says(f, 1, MESSAGE_NOTE, "watching process 40");
}

static void test_the_latest_are_kept(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < MESSAGES_MAX + 3; i++)
		messages_add(&f->messages, (uint64_t)i, MESSAGE_NOTE, "%d", i);
	assert_int_equal(messages_count(&f->messages), MESSAGES_MAX);
	assert_string_equal(messages_at(&f->messages, 0)->text, "502");
	assert_string_equal(messages_at(&f->messages, MESSAGES_MAX - 1)->text, "3");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(test_nothing_new_is_said),   T(test_windows_are_said_once),
	        T(test_windows_under_a_limit), T(test_sampling_is_said_once),
	        T(test_targets_come_and_go),   T(test_losses_are_those_since_the_look_before),
	        T(test_conflicts_in_order),    T(test_crash),
	        T(test_frozen_says_nothing),   T(test_the_latest_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

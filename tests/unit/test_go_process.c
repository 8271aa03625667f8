/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/go_process.h"

/* Looking is itself a call or two. */
static void test_calls(void **state)
{
	uint64_t before, after;
	int fd = open("/dev/null", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(go_process_calls(getpid(), &before), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(go_process_calls(getpid(), &after), 0);
	assert_in_range(after - before, 100, 104);
	close(fd);
}

#define NOBODY 4194304 /* one more than the kernel's largest process id */

static void test_no_process(void **state)
{
	uint64_t calls = 7, cpu_ns = 7;

	(void)state;
	assert_int_equal(go_process_calls(NOBODY, &calls), -ESRCH);
	assert_int_equal(go_process_cpu(NOBODY, &cpu_ns), -ESRCH);
	assert_true(calls == 7 && cpu_ns == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_calls),
	        cmocka_unit_test(test_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "core/process/process_unit.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_names(void **state)
{
	static const struct {
		const char *cgroups, *unit;
	} rows[] = {
	        {"", ""},
	        {"0::/\n", ""},
	        {"0::/system.slice/ledgerd.service\n", "ledgerd"},
	        {"0::/user.slice/user-0.slice/session-3.scope", "session-3"},
	        {"0::/system.slice/docker-" ID ".scope\n", "0123456789ab"},
	        {"0::/docker/" ID "\n", "0123456789ab"},
	        {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n",
	         "0123456789ab"},
	        {"12:cpu,cpuacct:/system.slice/a.service\n1:name=systemd:/b\n", "a"},
	        {"12:cpu:/a.service\n0::/x.slice/b.service\n3:pids:/c\n", "b"},
	        {"12:cpu:/a.service\n0::/\n", "a"},
	        {"0::/a-name-of-more-than-thirty-two-bytes.service\n", ""},
	        {"no line of that kind\n:\n::\n0::", ""},
	        {"0::/.service\n", ".service"},
	};
	char unit[PROCESS_UNIT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		process_unit_of(rows[i].cgroups, unit);
		assert_string_equal(unit, rows[i].unit);
	}
}

static void test_no_process(void **state)
{
	char unit[PROCESS_UNIT_MAX] = "before";

	(void)state;
	process_unit_read(-1, unit);
	assert_string_equal(unit, "");
	process_unit_read(getpid(), unit);
	assert_true(strlen(unit) < sizeof(unit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_names),
	        cmocka_unit_test(test_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

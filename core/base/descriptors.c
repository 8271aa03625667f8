/* SPDX-License-Identifier: MIT */
#include "core/base/descriptors.h"

#include <stdbool.h>
#include <sys/resource.h>

static struct rlimit before;
static bool raised;

void descriptors_raise(void)
{
	struct rlimit more;

	if (raised || getrlimit(RLIMIT_NOFILE, &before) || before.rlim_cur >= before.rlim_max)
		return;
	more = (struct rlimit){.rlim_cur = before.rlim_max, .rlim_max = before.rlim_max};
	raised = !setrlimit(RLIMIT_NOFILE, &more);
}

void descriptors_restore(void)
{
	if (raised)
		setrlimit(RLIMIT_NOFILE, &before);
}

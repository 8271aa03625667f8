/* SPDX-License-Identifier: MIT */
#include "core/base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

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

#define SPARE  4
#define NEEDED 48 /* by gomaptop, for one target without a log or a recording */

int descriptors_cause(int rc)
{
	struct rlimit limit;
	int fds[SPARE], cause = rc;

	/* Some are free again by now. */
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < NEEDED)
		cause = -EMFILE;

	for (size_t i = 0; i < SPARE; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0 && errno == EMFILE)
			cause = -EMFILE;
	}
	for (size_t i = 0; i < SPARE; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return cause;
}

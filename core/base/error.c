/* SPDX-License-Identifier: MIT */
#include "core/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

int error_set(struct error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return -code;
}

int error_no_memory(struct error *err)
{
	return error_set(err, ENOMEM, "out of memory: free some and try again");
}

const char *error_remedy(int code, const char *otherwise)
{
	static const struct {
		int code;
		const char *text;
	} remedies[] = {
	        {ENOMEM, "free memory and try again"},
	        {EMFILE, "raise the number of file descriptors with `ulimit -n`"},
	        {ENFILE, "raise `sysctl fs.file-max`, or close programs that hold many files"},
	        {EAGAIN, "raise the number of threads with `ulimit -u`, or of this cgroup"},
	        {EPIPE, "gomaptop's process that owns the probes has ended; start gomaptop again"},
	        {ENOSPC,
	         "raise the limit that was reached (`sysctl fs.inotify`, `sysctl fs.epoll`)"},
	};

	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
		if (remedies[i].code == code)
			return remedies[i].text;
	return otherwise;
}

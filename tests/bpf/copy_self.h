/* SPDX-License-Identifier: MIT */
/*
 * copy_self: this test program under another name, a file to put probes into.
 */
#ifndef GOMAPTOP_TESTS_COPY_SELF_H
#define GOMAPTOP_TESTS_COPY_SELF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void copy_self(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0755);
	struct stat st = {0};
	off_t at = 0;

	assert_true(in >= 0 && out >= 0 && !fstat(in, &st));
	while (at < st.st_size)
		assert_true(sendfile(out, in, &at, (size_t)(st.st_size - at)) > 0);
	close(in);
	close(out);
}

#endif

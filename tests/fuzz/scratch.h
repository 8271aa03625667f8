/* SPDX-License-Identifier: MIT */
/*
 * scratch: the one file that a test program writes again and again, sparse and of any size.
 *
 * scratch_make() and scratch_remove() are the set-up and the tear-down of a group of tests.
 */
#ifndef GOMAPTOP_TESTS_FUZZ_SCRATCH_H
#define GOMAPTOP_TESTS_FUZZ_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/gomaptop-scratch-XXXXXX";
static int fd;

static inline int scratch_make(void **state)
{
	(void)state;
	fd = mkstemp(path);
	return fd < 0;
}

static inline int scratch_remove(void **state)
{
	(void)state;
	close(fd);
	return unlink(path);
}

static inline void put(uint64_t at, const void *bytes, size_t len)
{
	assert_int_equal(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
}

/* Nothing but zeros, and no room taken. */
static inline void sparse_make(uint64_t size)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

#endif

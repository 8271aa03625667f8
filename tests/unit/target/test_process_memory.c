/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/process/process_memory.h"

static uint64_t addr_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static void test_reads_what_is_there(void **state)
{
	const char text[] = "a map of maps";
	char copy[sizeof(text)] = "";

	(void)state;
	assert_int_equal(process_memory_read(getpid(), addr_of(text), copy, sizeof(copy)), 0);
	assert_string_equal(copy, text);
	assert_int_equal(process_memory_read(getpid(), 0, NULL, 0), 0);
}

static void test_of_another_process(void **state)
{
	static volatile uint64_t value = 1;
	int ready[2], go_on[2];
	uint64_t seen = 0;
	char byte = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready) | pipe(go_on), 0);
	pid = fork();
	if (pid == 0) {
		value = 4711;
		_exit(write(ready[1], &byte, 1) != 1 || read(go_on[0], &byte, 1) != 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(process_memory_read(pid, addr_of((void *)&value), &seen, sizeof(seen)), 0);
	assert_int_equal(seen, 4711);
	assert_int_equal(write(go_on[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_memory_read(pid, addr_of((void *)&value), &seen, sizeof(seen)),
	                 -ESRCH);
	assert_int_equal(seen, 0);
	close(ready[0]);
	close(ready[1]);
	close(go_on[0]);
	close(go_on[1]);
}

/* Two pages, the second one not readable. */
static char *edge_make(size_t *page)
{
	*page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages =
	        mmap(NULL, 2 * *page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(pages, MAP_FAILED);
	memset(pages, 'x', 2 * *page);
	assert_int_equal(munmap(pages + *page, *page), 0);
	return pages;
}

static void test_half_there_is_not_there(void **state)
{
	size_t page;
	char *pages = edge_make(&page);
	char buf[16];

	(void)state;
	memset(buf, 1, sizeof(buf));
	assert_int_equal(process_memory_read(getpid(), addr_of(pages + page - 8), buf, sizeof(buf)),
	                 -EFAULT);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(
	        process_memory_read(getpid(), addr_of(pages + page - 16), buf, sizeof(buf)), 0);
	assert_int_equal(process_memory_read(getpid(), UINT64_MAX - 3, buf, sizeof(buf)), -EFAULT);
	munmap(pages, page);
}

#define PIECES 1500

/* Every third piece is not there; the others arrive, each its own value. */
static void test_pieces(void **state)
{
	static uint64_t values[PIECES], copies[PIECES];
	struct process_piece *pieces = calloc(PIECES, sizeof(*pieces));
	size_t page;
	char *pages = edge_make(&page);

	(void)state;
	for (size_t i = 0; i < PIECES; i++) {
		values[i] = i + 1;
		copies[i] = UINT64_MAX;
		pieces[i] = (struct process_piece){i % 3 ? addr_of(&values[i])
		                                         : addr_of(pages + page - 4 * (i % 2)),
		                                   &copies[i], sizeof(copies[i]), true};
	}
	assert_int_equal(process_memory_read_pieces(getpid(), pieces, PIECES), 0);
	for (size_t i = 0; i < PIECES; i++) {
		assert_int_equal(pieces[i].read, i % 3 != 0);
		assert_int_equal(copies[i], i % 3 ? i + 1 : 0);
	}
	/* Above any pid that the kernel gives. */
	assert_int_equal(process_memory_read_pieces(1 << 30, pieces, PIECES), -ESRCH);
	assert_false(pieces[1].read);
	assert_int_equal(copies[1], 0);
	munmap(pages, page);
	free(pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_reads_what_is_there),
	        cmocka_unit_test(test_of_another_process),
	        cmocka_unit_test(test_half_there_is_not_there),
	        cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

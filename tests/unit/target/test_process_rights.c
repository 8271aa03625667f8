/* SPDX-License-Identifier: MIT */
/* Files that are opened with the rights of another process's user. */
#define _GNU_SOURCE /* setresuid() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/process/process_rights.h"

#define USER  65534
#define GROUP 54321

static char folder[] = "/tmp/process-rights-XXXXXX";
static int root = -1;

static void file_make(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, uid, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"secret", "open", "group", "link", "pipe"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(root, names[i], 0);
	close(root);
	rmdir(folder);
	return 0;
}

/* A process of an ordinary user with one more group. */
static pid_t user_process(void)
{
	gid_t group = GROUP;
	pid_t child = fork();

	if (child)
		return child;
	if (setgroups(1, &group) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		_exit(1);
	for (;;)
		pause();
}

static void rights_await(pid_t pid, struct process_rights *rights)
{
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(process_rights_read(pid, rights), 0);
		if (rights->uid == USER)
			return;
		usleep(1000);
	}
	fail();
}

static int try(const struct process_rights *rights, const char *path)
{
	int fd = process_rights_open(rights, root, path);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void test_another_user(void **state)
{
	struct process_rights rights;
	pid_t pid;
	int fd;

	(void)state;
	if (geteuid())
		skip();
	file_make("secret", 0, 0, 0600);
	file_make("open", 0, 0, 0644);
	file_make("group", 0, GROUP, 0640);
	assert_int_equal(symlinkat("/secret", root, "link"), 0);
	pid = user_process();
	rights_await(pid, &rights);
	assert_int_equal(rights.group_count, 1);
	assert_int_equal(rights.groups[0], GROUP);
	assert_int_equal(try(&rights, "/secret"), -EACCES);
	assert_int_equal(try(&rights, "/link"), -EACCES); /* of that root, not of ours */
	assert_int_equal(try(&rights, "/open"), 0);
	assert_int_equal(try(&rights, "/group"), 0);
	assert_int_equal(try(&rights, "/nothing"), -ENOENT);
	/* This thread has its own rights again. */
	fd = openat(root, "secret", O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_own(void **state)
{
	struct process_rights rights;

	(void)state;
	assert_int_equal(process_rights_read(getpid(), &rights), 0);
	assert_int_equal(rights.uid, geteuid());
	assert_int_equal(process_rights_read(0x7ffffff0, &rights), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_another_user),
	        cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

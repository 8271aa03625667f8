/* SPDX-License-Identifier: MIT */
/* Files that are written: links of others, modes, full disks, and what is left behind. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/output_file.h"

#define STRANGER 12345 /* a user that is neither the caller nor the owner of the folder */

static char folder[64], tried[64];

static int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_output_file.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static const char *in(const char *name)
{
	static char paths[4][256];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", folder, name);
	return paths[turn];
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_holds(const char *path, const char *text)
{
	char got[256] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode;
}

static int count(const char *path)
{
	DIR *dir = opendir(path);
	int found = 0;

	assert_non_null(dir);
	while (readdir(dir))
		found++;
	closedir(dir);
	return found - 2;
}

static int write_to(const char *path, const char *text)
{
	struct error err = {0};
	int rc = output_file_write(path, text, strlen(text), &err);

	snprintf(tried, sizeof(tried), "%.60s", err.text);
	assert_true(!rc == !err.text[0]);
	return rc;
}

/* ---- regular files ------------------------------------------------------------------- */

static void test_modes(void **state)
{
	struct stat st;

	(void)state;
	umask(0);
	assert_int_equal(write_to(in("new"), "1"), 0);
	assert_int_equal(mode_of(in("new")) & 07777, 0600);
	assert_int_equal(chmod(in("new"), 0666), 0);
	assert_int_equal(chown(in("new"), STRANGER, STRANGER), 0);
	assert_int_equal(write_to(in("new"), "2"), 0);
	assert_int_equal(stat(in("new"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, geteuid());
	umask(0777);
	assert_int_equal(write_to(in("other"), "3"), 0);
	umask(022);
	assert_int_equal(mode_of(in("other")) & 07777, 0600);
	assert_holds(in("new"), "2");
	assert_holds(in("other"), "3");
	assert_int_equal(count(folder), 2);
}

static void test_relative(void **state)
{
	char before[256];

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(mkdir(in("sub"), 0700), 0);
	assert_int_equal(chdir(in("sub")), 0);
	assert_int_equal(write_to("here", "a"), 0);
	assert_int_equal(write_to("../up", "b"), 0);
	assert_int_equal(write_to(".././/sub/there", "c"), 0);
	assert_int_equal(chdir(before), 0);
	assert_holds(in("sub/here"), "a");
	assert_holds(in("up"), "b");
	assert_holds(in("sub/there"), "c");
}

static void test_own_links(void **state)
{
	char target[256];

	(void)state;
	put(in("real"), "old");
	assert_int_equal(symlink("real", in("link")), 0);
	assert_int_equal(write_to(in("link"), "new"), 0);
	assert_holds(in("real"), "new");
	assert_true(S_ISLNK(mode_of(in("link"))));
	/* To a file that is not there yet, by way of an absolute path and a linked folder. */
	assert_int_equal(mkdir(in("d"), 0700), 0);
	assert_int_equal(symlink("d", in("dlink")), 0);
	snprintf(target, sizeof(target), "%s/dlink/fresh", folder);
	assert_int_equal(symlink(target, in("far")), 0);
	assert_int_equal(write_to(in("far"), "made"), 0);
	assert_holds(in("d/fresh"), "made");
	assert_int_equal(symlink("loop", in("loop")), 0);
	assert_int_equal(write_to(in("loop"), "x"), -ELOOP);
}

/* ---- what others planted ------------------------------------------------------------- */

/* In a folder that everybody may write to, sticky or not, and in one of a third party. */
static void test_planted_links(void **state)
{
	static const mode_t modes[] = {01777, 0777, 0775, 0755};
	struct error err;

	(void)state;
	put(in("precious"), "precious");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(mkdir(in("open"), 0700), 0);
		assert_int_equal(chmod(in("open"), modes[i]), 0);
		assert_int_equal(symlink("../precious", in("open/out")), 0);
		assert_int_equal(lchown(in("open/out"), STRANGER, STRANGER), 0);
		assert_int_equal(write_to(in("open/out"), "x"), -ELOOP);
		assert_int_equal(output_file_check(in("open/out"), &err), -ELOOP);
		assert_non_null(strstr(err.text, "belongs to another user"));
		/* The same as a folder on the way. */
		assert_int_equal(symlink("..", in("open/way")), 0);
		assert_int_equal(lchown(in("open/way"), STRANGER, STRANGER), 0);
		assert_int_equal(write_to(in("open/way/precious"), "x"), -ELOOP);
		/* Behind a link of the caller's own. */
		assert_int_equal(symlink("open/out", in("mine")), 0);
		assert_int_equal(write_to(in("mine"), "x"), -ELOOP);
		assert_holds(in("precious"), "precious");
		assert_int_equal(count(in("open")), 2);
		unlink(in("mine"));
		unlink(in("open/way"));
		unlink(in("open/out"));
		rmdir(in("open"));
	}
}

/* Who owns the folder may lead elsewhere: he could move the folder as well. */
static void test_owner_of_folder(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("his"), 0755), 0);
	assert_int_equal(symlink("../there", in("his/out")), 0);
	assert_int_equal(lchown(in("his/out"), STRANGER, STRANGER), 0);
	assert_int_equal(chown(in("his"), STRANGER, STRANGER), 0);
	assert_int_equal(write_to(in("his/out"), "x"), 0);
	assert_holds(in("there"), "x");
}

static void test_planted_pipe(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("open"), 0700), 0);
	assert_int_equal(chmod(in("open"), 01777), 0);
	assert_int_equal(mkfifo(in("open/out"), 0666), 0);
	assert_int_equal(chown(in("open/out"), STRANGER, STRANGER), 0);
	assert_int_equal(write_to(in("open/out"), "x"), -ELOOP);
}

/* ---- what goes wrong ----------------------------------------------------------------- */

static void test_errors(void **state)
{
	static const struct {
		const char *path;
		int code;
		const char *words;
	} cases[] = {
	        {"none/file", ENOENT, "make the folder first"},
	        {"file/x", ENOTDIR, "folders are folders"},
	        {"", EISDIR, "name a file in it"},
	        {"sub", EISDIR, "name a file in it"},
	        {"sub/", EISDIR, "name a file in it"},
	        {"file/", ENOTDIR, "folders are folders"},
	        {"ro/file", EROFS, "not read-only"},
	};
	struct error err;

	(void)state;
	put(in("file"), "f");
	assert_int_equal(mkdir(in("sub"), 0700), 0);
	assert_int_equal(mkdir(in("ro"), 0700), 0);
	if (mount("none", in("ro"), "tmpfs", MS_RDONLY, NULL))
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = output_file_check(in(cases[i].path), &err);

		if (rc != -cases[i].code || !strstr(err.text, cases[i].words) ||
		    !strstr(err.text, folder))
			fail_msg("check %s: %d, %s", cases[i].path, rc, err.text);
		rc = output_file_write(in(cases[i].path), "x", 1, &err);
		if (rc != -cases[i].code || !strstr(err.text, cases[i].words))
			fail_msg("write %s: %d, %s", cases[i].path, rc, err.text);
	}
	umount(in("ro"));
	assert_int_equal(output_file_check("", &err), -ENOENT);
	assert_int_equal(output_file_check(in("file"), &err), 0);
	assert_int_equal(output_file_check(in("fresh"), &err), 0);
	assert_int_equal(count(folder), 3);
	assert_false(output_file_is_regular("/dev/null"));
	assert_false(output_file_is_regular(in("none/file")));
	assert_true(output_file_is_regular(in("file")) && output_file_is_regular(in("fresh")));
}

/* A disk with 64 KB: the old file stays whole, and nothing else is left. */
static void test_full_disk(void **state)
{
	char *large = malloc(1 << 20);

	(void)state;
	memset(large, 'x', (1 << 20) - 1);
	large[(1 << 20) - 1] = '\0';
	assert_int_equal(mkdir(in("small"), 0700), 0);
	if (mount("none", in("small"), "tmpfs", 0, "size=64k"))
		skip();
	assert_int_equal(write_to(in("small/out"), "old"), 0);
	assert_int_equal(write_to(in("small/out"), large), -ENOSPC);
	assert_holds(in("small/out"), "old");
	assert_int_equal(count(in("small")), 1);
	umount(in("small"));
	free(large);
}

static void test_size_limit(void **state)
{
	struct rlimit before, small;
	char *large = calloc(1, 30000);

	(void)state;
	memset(large, 'x', 29999);
	put(in("out"), "old");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){20000, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(write_to(in("out"), large), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_holds(in("out"), "old");
	assert_int_equal(count(folder), 1);
	free(large);
}

/* Ended by SIGTERM at some moment while it writes again and again: one whole file, no other. */
static void test_ended_in_the_middle(void **state)
{
	static char text[200000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(write_to(in("out"), text), 0);
	for (int i = 0; i < 40; i++) {
		pid_t child = fork();
		struct stat st;

		if (child == 0)
			for (;;)
				output_file_write(in("out"), text, sizeof(text) - 1, NULL);
		usleep(5000 + i * 300);
		kill(child, SIGTERM);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_int_equal(stat(in("out"), &st), 0);
		assert_int_equal(st.st_size, sizeof(text) - 1);
		assert_int_equal(count(folder), 1);
	}
}

/* ---- pipes and terminals ------------------------------------------------------------- */

struct reader {
	char path[256], got[64];
	int wait_ms;
};

static void *reader_run(void *ctx)
{
	struct reader *reader = ctx;
	ssize_t n;
	int fd;

	usleep(reader->wait_ms * 1000);
	fd = open(reader->path, O_RDONLY);
	n = read(fd, reader->got, sizeof(reader->got) - 1);
	reader->got[n > 0 ? n : 0] = '\0';
	close(fd);
	return NULL;
}

/* The reader may come a little later than the writer. */
static void test_pipe(void **state)
{
	for (int wait = 0; wait <= 300; wait += 300) {
		struct reader reader = {.wait_ms = wait};
		pthread_t thread;

		(void)state;
		snprintf(reader.path, sizeof(reader.path), "%s", in("pipe"));
		unlink(reader.path);
		assert_int_equal(mkfifo(reader.path, 0600), 0);
		assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
		assert_int_equal(write_to(reader.path, "through"), 0);
		pthread_join(thread, NULL);
		assert_string_equal(reader.got, "through");
		assert_true(S_ISFIFO(mode_of(reader.path)));
	}
}

/* Opened for reading and not read: given up after a while, with words. */
static void test_pipe_not_read(void **state)
{
	static char text[1 << 20];
	struct timespec before, after;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(mkfifo(in("pipe"), 0600), 0);
	fd = open(in("pipe"), O_RDWR);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(write_to(in("pipe"), text), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec <= OUTPUT_FILE_PATIENCE_SECONDS + 2);
	close(fd);
}

/* /dev/stdout and its like: a pipe, and a file that has something in it. */
static void test_own_descriptors(void **state)
{
	char path[64], got[16] = "";
	int fds[2], file;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	assert_int_equal(write_to(path, "x"), 0);
	assert_int_equal(read(fds[0], got, sizeof(got)), 1);
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	put(in("f"), "before ");
	file = open(in("f"), O_WRONLY | O_APPEND);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	assert_int_equal(write_to(path, "after"), 0);
	assert_holds(in("f"), "before after");
	assert_int_equal(write_to("/dev/null", "x"), 0);
	assert_int_equal(write_to("/dev/full", "x"), -ENOSPC);
	assert_non_null(strstr(tried, "/dev/full"));
	close(file);
	close(fds[0]);
	close(fds[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_modes),
	        TEST(test_relative),
	        TEST(test_own_links),
	        TEST(test_planted_links),
	        TEST(test_owner_of_folder),
	        TEST(test_planted_pipe),
	        TEST(test_errors),
	        TEST(test_full_disk),
	        TEST(test_size_limit),
	        TEST(test_ended_in_the_middle),
	        TEST(test_pipe),
	        TEST(test_pipe_not_read),
	        TEST(test_own_descriptors),
	};

	if (geteuid() != 0) /* files of other users are made here */
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

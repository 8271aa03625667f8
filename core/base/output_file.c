/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/base/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX       40 /* as in the kernel */
#define TEMPORARY_TRIES 100
#define MODE            0600
#define WAIT_STEP_MS    20

/* ---- the way to the file ------------------------------------------------------------- */

/* Where a path leads: a folder, open, and a name in it. */
struct place {
	int folder; /* O_PATH; -1: none */
	char name[NAME_MAX + 1];
	bool exists, linked; /* linked: a link of /proc, which only the kernel can follow */
	struct stat st;      /* of what is there, when it exists */
};

struct walk {
	int folder;
	char rest[2 * PATH_MAX]; /* still to go */
	int links;
};

/* A folder where every user may lay something, and may not take away what others laid. */
static bool is_shared(const struct stat *folder)
{
	return (folder->st_mode & (S_ISVTX | S_IWOTH)) == (S_ISVTX | S_IWOTH);
}

static bool is_trusted(const struct stat *folder, const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == folder->st_uid;
}

static bool is_in_proc(int folder)
{
	struct statfs fs;

	return fstatfs(folder, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static int walk_enter(struct walk *walk, int fd)
{
	if (fd < 0)
		return -errno;
	if (walk->folder >= 0)
		close(walk->folder);
	walk->folder = fd;
	return 0;
}

static int walk_root(struct walk *walk)
{
	return walk_enter(walk,
	                  open(walk->rest[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* The next name of what is still to go; its length. 0: there is none. */
static size_t walk_name(struct walk *walk, char name[NAME_MAX + 1], int *rc)
{
	size_t skip = strspn(walk->rest, "/"), length = strcspn(walk->rest + skip, "/");

	*rc = length > NAME_MAX ? -ENAMETOOLONG : 0;
	if (*rc)
		return 0;
	memcpy(name, walk->rest + skip, length);
	name[length] = '\0';
	memmove(walk->rest, walk->rest + skip + length, strlen(walk->rest + skip + length) + 1);
	return length;
}

/* Put the text of a link before what is still to go. */
static int walk_link(struct walk *walk, const char *name, const struct stat *st)
{
	char text[2 * PATH_MAX];
	struct stat folder;
	ssize_t length;

	if (fstat(walk->folder, &folder))
		return -errno;
	if (!is_trusted(&folder, st))
		return -ELOOP;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	length = readlinkat(walk->folder, name, text, PATH_MAX);
	if (length < 0)
		return -errno;
	if (length == 0 || length >= PATH_MAX ||
	    (size_t)length + strlen(walk->rest) >= sizeof(text))
		return length ? -ENAMETOOLONG : -ENOENT;
	memcpy(text + length, walk->rest, strlen(walk->rest) + 1);
	memcpy(walk->rest, text, sizeof(text));
	return walk->rest[0] == '/' ? walk_root(walk) : 0;
}

/* A folder on the way. */
static int walk_step(struct walk *walk, const char *name)
{
	struct stat st, folder;
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	if (fstatat(walk->folder, name, &st, AT_SYMLINK_NOFOLLOW) || fstat(walk->folder, &folder))
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return walk_enter(walk, openat(walk->folder, name, flags | O_NOFOLLOW));
	if (!is_in_proc(walk->folder))
		return walk_link(walk, name, &st);
	/* /proc/PID/root and its like lead where their text does not. */
	return is_trusted(&folder, &st) ? walk_enter(walk, openat(walk->folder, name, flags))
	                                : -ELOOP;
}

/* The last name. -EAGAIN: it was a link, whose text is to go now. */
static int walk_end(struct walk *walk, const char *name, struct place *place)
{
	bool folder_meant = walk->rest[0] != '\0'; /* "name/" */
	int rc;

	if (fstatat(walk->folder, name, &place->st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT || folder_meant)
			return errno == ENOENT ? -EISDIR : -errno;
	} else if (S_ISLNK(place->st.st_mode) && !is_in_proc(walk->folder)) {
		rc = walk_link(walk, name, &place->st);
		return rc ? rc : -EAGAIN;
	} else {
		place->exists = true;
		place->linked = S_ISLNK(place->st.st_mode);
	}
	if (place->exists && (folder_meant || S_ISDIR(place->st.st_mode)))
		return S_ISDIR(place->st.st_mode) ? -EISDIR : -ENOTDIR;
	snprintf(place->name, sizeof(place->name), "%s", name);
	place->folder = walk->folder;
	walk->folder = -1;
	return 0;
}

static int place_find(const char *path, struct place *place)
{
	struct walk walk = {.folder = -1};
	char name[NAME_MAX + 1];
	int rc;

	*place = (struct place){.folder = -1};
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(walk.rest, path, strlen(path) + 1);
	rc = *path ? walk_root(&walk) : -ENOENT;
	while (!rc) {
		if (!walk_name(&walk, name, &rc)) {
			rc = rc ? rc : -EISDIR; /* "/" */
		} else if (walk.rest[strspn(walk.rest, "/")]) {
			rc = walk_step(&walk, name);
		} else {
			rc = walk_end(&walk, name, place);
			if (rc != -EAGAIN)
				break;
			rc = 0;
		}
	}
	if (walk.folder >= 0)
		close(walk.folder);
	return rc;
}

static void place_leave(struct place *place)
{
	if (place->folder >= 0)
		close(place->folder);
}

static bool place_is_regular(const struct place *place)
{
	return !place->exists || S_ISREG(place->st.st_mode);
}

/* May the caller write what is there, or make a file there? */
static int place_permits(const struct place *place)
{
	struct stat folder;

	if (place->exists && faccessat(place->folder, place->name, W_OK, AT_EACCESS))
		return -errno;
	if (place_is_regular(place))
		return faccessat(place->folder, ".", W_OK | X_OK, AT_EACCESS) ? -errno : 0;
	if (S_ISFIFO(place->st.st_mode)) {
		if (fstat(place->folder, &folder))
			return -errno;
		if (is_shared(&folder) && !is_trusted(&folder, &place->st))
			return -ELOOP;
	}
	return 0;
}

/* ---- a regular file ------------------------------------------------------------------ */

static int bytes_write(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int file_fill(int fd, const char *text, size_t size)
{
	int rc = bytes_write(fd, text, size);

	/* A umask can only have taken bits away. */
	if (!rc && fchmod(fd, MODE))
		rc = -errno;
	if (!rc && fsync(fd))
		rc = -errno;
	return rc;
}

/* Try names until make() no longer finds one taken. What it returned; -EEXIST: all were taken. */
static int temporary_make(int folder, int (*make)(int folder, const char *name, int fd), int fd,
                          char name[32])
{
	uint64_t random;
	int rc = -EEXIST;

	for (int i = 0; i < TEMPORARY_TRIES && rc == -EEXIST; i++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -errno;
		snprintf(name, 32, ".gomaptop-%016llx", (unsigned long long)random);
		rc = make(folder, name, fd);
	}
	return rc;
}

static int name_link(int folder, const char *name, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static int name_open(int folder, const char *name, int fd)
{
	(void)fd;
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	return fd < 0 ? -errno : fd;
}

/* From a temporary name to the one that is wanted. */
static int name_settle(const struct place *place, const char *temporary)
{
	int rc;

	if (renameat(place->folder, temporary, place->folder, place->name) == 0)
		return 0;
	rc = -errno;
	unlinkat(place->folder, temporary, 0);
	return rc;
}

/* A file without a name disappears with its descriptor, however the program ends. */
static int file_replace_unnamed(const struct place *place, const char *text, size_t size)
{
	char temporary[32];
	int fd = openat(place->folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, MODE), rc;

	if (fd < 0)
		return errno == EOPNOTSUPP || errno == EISDIR ? -EOPNOTSUPP : -errno;
	rc = file_fill(fd, text, size);
	if (!rc) {
		rc = temporary_make(place->folder, name_link, fd, temporary);
		if (rc == -ENOENT) /* no /proc here */
			rc = -EOPNOTSUPP;
		else if (!rc)
			rc = name_settle(place, temporary);
	}
	close(fd);
	return rc;
}

static int file_replace_named(const struct place *place, const char *text, size_t size)
{
	char temporary[32];
	int fd = temporary_make(place->folder, name_open, -1, temporary), rc;

	if (fd < 0)
		return fd;
	rc = file_fill(fd, text, size);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc)
		return name_settle(place, temporary);
	unlinkat(place->folder, temporary, 0);
	return rc;
}

/* The rename reaches the disk with the folder, where the file system can sync one. */
static void folder_sync(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* With all signals blocked: one that ends the program comes before or after, not between a
 * temporary name and its removal. */
static int file_replace(const struct place *place, const char *text, size_t size)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = file_replace_unnamed(place, text, size);
	if (rc == -EOPNOTSUPP)
		rc = file_replace_named(place, text, size);
	if (!rc)
		folder_sync(place->folder);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* ---- a pipe, a terminal, a device ---------------------------------------------------- */

struct patience {
	struct timespec until;
};

static void patience_renew(struct patience *patience)
{
	clock_gettime(CLOCK_MONOTONIC, &patience->until);
	patience->until.tv_sec += OUTPUT_FILE_PATIENCE_SECONDS;
}

static bool patience_is_over(const struct patience *patience)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > patience->until.tv_sec ||
	       (now.tv_sec == patience->until.tv_sec && now.tv_nsec >= patience->until.tv_nsec);
}

/* A description of our own: O_NONBLOCK is not seen by processes that share the terminal or pipe. A
 * link of /proc (/dev/stdout) may stand for a regular file that has something in it already:
 * append. A pipe that is not read yet may be in a moment. */
static int special_open(const struct place *place)
{
	int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
	            (place->linked ? O_APPEND : O_NOFOLLOW);
	struct patience patience;
	int fd;

	patience_renew(&patience);
	do {
		fd = openat(place->folder, place->name, flags);
		if (fd >= 0 || errno != ENXIO || !S_ISFIFO(place->st.st_mode))
			break;
		poll(NULL, 0, WAIT_STEP_MS);
	} while (!patience_is_over(&patience));
	return fd < 0 ? -errno : fd;
}

static int special_write(const struct place *place, const char *text, size_t size)
{
	struct patience patience;
	int fd = special_open(place), rc = 0;

	if (fd < 0)
		return fd;
	patience_renew(&patience);
	while (size && !rc) {
		struct pollfd ready = {.fd = fd, .events = POLLOUT};
		ssize_t n = write(fd, text, size);

		if (n > 0) {
			text += n;
			size -= (size_t)n;
			patience_renew(&patience);
		} else if (n < 0 && errno == EAGAIN) {
			rc = patience_is_over(&patience) ? -ETIMEDOUT : 0;
			if (!rc)
				poll(&ready, 1, WAIT_STEP_MS);
		} else if (n < 0 && errno != EINTR) {
			rc = -errno;
		}
	}
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

/* ---- words --------------------------------------------------------------------------- */

static const struct {
	int code;
	const char *what; /* NULL: strerror(3) says it well */
	const char *advice;
} WORDS[] = {
        {ENOENT, NULL, "make the folder first, or choose another path"},
        {ENOTDIR, NULL, "choose a path whose folders are folders"},
        {EISDIR, "it is a folder", "name a file in it"},
        {ELOOP, "a symbolic link or pipe there belongs to another user", "choose another path"},
        {EACCES, NULL, "choose a path that you may write to"},
        {EPERM, NULL, "choose a path that you may write to"},
        {EROFS, NULL, "choose a path on a file system that is not read-only"},
        {ENOSPC, NULL, "make room there, or choose another file system"},
        {EDQUOT, NULL, "make room there, or choose another file system"},
        {EFBIG, NULL, "raise the file size limit (ulimit -f), or choose another path"},
        {ENOMEM, NULL, "close something that uses much memory, and try again"},
        {ENAMETOOLONG, NULL, "give a shorter one"},
        {ENXIO, "no process has opened it for reading", "start the reader first"},
        {ETIMEDOUT, "it has taken no data for 10 s", "see what keeps its reader"},
};
_Static_assert(OUTPUT_FILE_PATIENCE_SECONDS == 10, "as the words say");

static int fail(const char *path, int rc, struct error *err)
{
	const char *what = strerror(-rc), *advice = "choose another path";

	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		if (WORDS[i].code != -rc)
			continue;
		what = WORDS[i].what ? WORDS[i].what : what;
		advice = WORDS[i].advice;
	}
	return error_set(err, -rc, "cannot write %.512s: %s; %s", path, what, advice);
}

/* ---- public -------------------------------------------------------------------------- */

int output_file_check(const char *path, struct error *err)
{
	struct place place;
	int rc = place_find(path, &place);

	if (!rc)
		rc = place_permits(&place);
	place_leave(&place);
	return rc ? fail(path, rc, err) : 0;
}

bool output_file_is_regular(const char *path)
{
	struct place place;
	bool regular = place_find(path, &place) == 0 && place_is_regular(&place);

	place_leave(&place);
	return regular;
}

int output_file_write(const char *path, const char *text, size_t size, struct error *err)
{
	struct place place;
	int rc = place_find(path, &place);

	if (!rc)
		rc = place_permits(&place);
	if (!rc)
		rc = place_is_regular(&place) ? file_replace(&place, text, size)
		                              : special_write(&place, text, size);
	place_leave(&place);
	return rc ? fail(path, rc, err) : 0;
}

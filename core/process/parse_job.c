/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/process/parse_job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/elf/elf_image.h"
#include "core/go/go_binary.h"
#include "core/process/confine.h"
#include "core/process/go_process.h"

#define MEMORY_MAX  (UINT64_C(160) << 20)
#define CPU_SECONDS 2
#define SPARE_FILES 2 /* descriptors that the readers may make: a duplicate of the file's */
#define NS_MS       UINT64_C(1000000)

struct parse_job {
	pid_t pid;
	int answer; /* read end */
	uint64_t until_ns;
	bool ended; /* and reaped */
};

/* ---- the child's side ---------------------------------------------------------------------------
 */

/* The file is read into a reservation of its own size, which holds no more than
 * ELF_IMAGE_LOADED_MAX: the limit is for what comes on top. */
static uint64_t address_space(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_size <= 0 || (uint64_t)st.st_size > ELF_IMAGE_SIZE_MAX)
		return MEMORY_MAX;
	return MEMORY_MAX + (uint64_t)st.st_size;
}

static void child_parse(int fd, int out, const char *name, struct parse_answer *answer)
{
	int keep[2] = {fd < out ? fd : out, fd < out ? out : fd};
	struct confine_limits limits = {.memory = address_space(fd),
	                                .seconds = CPU_SECONDS,
	                                .files = (uint64_t)keep[1] + 1 + SPARE_FILES};
	struct go_binary *binary;

	confine_descriptors(keep, 2);
	answer->status = confine_self(&limits);
	if (answer->status)
		return;
	answer->status = go_binary_open_fd(fd, name, &binary, &answer->err);
	if (answer->status)
		return;
	snprintf(answer->go_version, sizeof(answer->go_version), "%s", go_binary_version(binary));
}

/* What a child is to look at. */
struct question {
	pid_t pid;        /* what this process runs, or 0 */
	int fd;           /* what is open here, or -1 */
	const char *path; /* only open this, and see that it can be done; or NULL */
	const char *name; /* for words */
};

static void streams_leave(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd <= 2; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
}

static int question_open(const struct question *q)
{
	int fd;

	if (q->pid)
		return go_process_open_executable(q->pid);
	fd = q->path ? open(q->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
	             : fcntl(q->fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

/* Memory is left to the kernel: there is nothing to be had from freeing it. */
__attribute__((noreturn)) static void child_run(const struct question *q, int out, pid_t parent)
{
	int fd;
	struct parse_answer answer = {.status = -EIO};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	/* Numbers above 2, so that the standard streams can be put aside. */
	out = fcntl(out, F_DUPFD_CLOEXEC, 3);
	/* If opening hangs for ever, then without the pipes and terminals of others. */
	streams_leave();
	fd = question_open(q);
	if (getppid() != parent || out < 0)
		_exit(1);
	if (fd < 0 || q->path)
		answer.status = fd < 0 ? fd : 0;
	else
		child_parse(fd, out, q->name, &answer);
	_exit(write(out, &answer, sizeof(answer)) != (ssize_t)sizeof(answer));
}

/* ---- this side ----------------------------------------------------------------------------------
 */

static int job_start(const struct question *question, struct parse_job **out)
{
	struct parse_job *job = calloc(1, sizeof(*job));
	pid_t parent = getpid();
	int ends[2];

	*out = NULL;
	if (!job)
		return -ENOMEM;
	if (pipe2(ends, O_CLOEXEC)) {
		int failed = errno ? -errno : -EMFILE;

		free(job);
		return failed;
	}
	job->pid = fork();
	if (job->pid == 0)
		child_run(question, ends[1], parent);
	int rc = job->pid < 0 ? -errno : 0;
	close(ends[1]);
	job->answer = ends[0];
	job->ended = rc != 0;
	job->until_ns = clock_now() + PARSE_JOB_MS * NS_MS;
	if (rc) {
		parse_job_destroy(job);
		return rc;
	}
	fcntl(job->answer, F_SETFL, O_NONBLOCK);
	*out = job;
	return 0;
}

int parse_job_start(pid_t pid, int fd, const char *name, struct parse_job **out)
{
	const struct question question = {.pid = pid, .fd = fd, .name = name};

	return job_start(&question, out);
}

int parse_job_fd(const struct parse_job *job)
{
	return job->answer;
}

int parse_job_left_ms(const struct parse_job *job)
{
	uint64_t now = clock_now();

	return now < job->until_ns ? (int)((job->until_ns - now) / NS_MS) + 1 : 0;
}

bool parse_job_done(struct parse_job *job, struct parse_answer *answer)
{
	ssize_t got = read(job->answer, answer, sizeof(*answer));

	if (got == (ssize_t)sizeof(*answer)) {
		/* It has read a hostile file: what it says is no more to be trusted than that. */
		answer->go_version[sizeof(answer->go_version) - 1] = '\0';
		answer->err.text[sizeof(answer->err.text) - 1] = '\0';
		if (answer->status > 0)
			answer->status = -EIO;
		return true;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR) && parse_job_left_ms(job) > 0)
		return false;
	*answer = (struct parse_answer){.status = got < 0 && errno == EAGAIN ? -ETIMEDOUT : -EIO};
	return true;
}

/* A process that waits for a dead file system cannot be ended before it is answered: it is left
 * behind, and reaped when another job is destroyed, or by the system when this process ends. */
static void job_reap(struct parse_job *job)
{
	static pid_t left[64];

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (left[i] && waitpid(left[i], NULL, WNOHANG) != 0)
			left[i] = 0;
	kill(job->pid, SIGKILL);
	for (int i = 0; i < 100; i++) {
		struct timespec moment = {.tv_nsec = 100000};
		if (waitpid(job->pid, NULL, WNOHANG) != 0)
			return;
		nanosleep(&moment, NULL);
	}
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (!left[i]) {
			left[i] = job->pid;
			return;
		}
}

void parse_job_destroy(struct parse_job *job)
{
	if (!job)
		return;
	if (!job->ended)
		job_reap(job);
	close(job->answer);
	free(job);
}

/* Waits for the answer. 0: *answer is one; else what kept the question from being asked. */
static int question_answer(const struct question *question, struct parse_answer *answer,
                           struct error *err)
{
	struct parse_job *job;
	int rc = job_start(question, &job);

	if (rc || !job)
		return error_set(err, -rc, "cannot look into %s: %s; free some and try again",
		                 question->name, strerror(-rc));
	while (!parse_job_done(job, answer)) {
		struct pollfd answered = {.fd = parse_job_fd(job), .events = POLLIN};
		poll(&answered, 1, parse_job_left_ms(job));
	}
	parse_job_destroy(job);
	return answer->status == -ETIMEDOUT
	               ? error_set(err, ETIMEDOUT,
	                           "%s: not readable within %d s; check where the file lies, and "
	                           "try again when the host is less busy",
	                           question->name, PARSE_JOB_MS / 1000)
	               : 0;
}

int parse_job_reach(const char *path, struct error *err)
{
	const struct question question = {.path = path, .fd = -1, .name = path};
	struct parse_answer answer = {0};

	return question_answer(&question, &answer, err);
}

int parse_job_vet(int fd, const char *name, struct error *err)
{
	const struct question question = {.fd = fd, .name = name};
	struct parse_answer answer = {0};
	int rc = question_answer(&question, &answer, err);

	if (rc)
		return rc;
	if (answer.status == -EIO)
		return error_set(err, EIO,
		                 "%s: reading it takes more than %d MB or %d s of CPU time; it is "
		                 "damaged or made to harm, choose another program",
		                 name, (int)(MEMORY_MAX >> 20), CPU_SECONDS);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/order/order_job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/elf/elf_image.h"
#include "core/go/go_binary.h"
#include "core/process/confine.h"
#include "core/process/process_apart.h"

#define MEMORY_MAX   (UINT64_C(512) << 20) /* on top of the file; 100 MB of code take 60 MB */
#define CPU_SECONDS  30
#define SPARE_FILES  2  /* descriptors that the readers may make: a duplicate of the file's */
#define HASTENED     10 /* nice value of a process that got no idle CPU */
#define REAP_TRIES   100
#define REAP_WAIT_NS 1000000

/* Followed by the plan's sites. The words in the plan are static ones: the process is a copy of
 * this one, so they are at the same addresses. */
struct answer {
	int rc;
	struct error err;
	struct order_plan plan;
};

/* ---- the process --------------------------------------------------------------------------------
 */

static int write_all(int fd, const void *from, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, (const char *)from + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int find(int fd, const char *name, struct answer *answer)
{
	struct go_binary *binary;
	struct go_function plugin;
	int rc = go_binary_open_fd(fd, name, &binary, &answer->err);

	if (rc)
		return rc;
	if (go_binary_function_find(binary, "plugin.open", &plugin) == 0)
		return error_set(&answer->err, ENOTSUP,
		                 "it loads plugins, whose code is in other files");
	return order_plan_make(binary, &answer->plan, &answer->err);
}

static uint64_t address_space(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_size <= 0 || (uint64_t)st.st_size > ELF_IMAGE_SIZE_MAX)
		return MEMORY_MAX;
	return MEMORY_MAX + (uint64_t)st.st_size;
}

/* Memory is left to the kernel. */
__attribute__((noreturn)) static void run(int fd, int out, const char *name, pid_t parent)
{
	struct answer answer = {.rc = -EIO};
	int keep[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	process_apart_idle();
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	out = fcntl(out, F_DUPFD_CLOEXEC, fd);
	if (getppid() != parent || fd < 0 || out < 0)
		_exit(1);
	keep[0] = fd;
	keep[1] = out;
	confine_descriptors(keep, 2);
	answer.rc =
	        confine_self(&(struct confine_limits){.memory = address_space(fd),
	                                              .seconds = CPU_SECONDS,
	                                              .files = (uint64_t)out + 1 + SPARE_FILES});
	if (answer.rc)
		error_set(&answer.err, -answer.rc, "%s", strerror(-answer.rc));
	else
		answer.rc = find(fd, name, &answer);
	if (write_all(out, &answer, sizeof(answer)))
		_exit(1);
	_exit(!answer.rc &&
	      write_all(out, answer.plan.sites, answer.plan.count * sizeof(*answer.plan.sites)));
}

/* ---- this side ----------------------------------------------------------------------------------
 */

struct job {
	pid_t pid;
	int from; /* its answer */
	int stop;
	bool hastened;
};

static void hasten(struct job *job)
{
	struct sched_param none = {0};

	job->hastened = true;
	/* As another user it may be beyond the rights of this one: then it stays as it is. */
	if (!sched_setscheduler(job->pid, SCHED_OTHER, &none) &&
	    setpriority(PRIO_PROCESS, (id_t)job->pid, HASTENED))
		return;
}

static int read_all(struct job *job, void *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		struct pollfd fds[2] = {{.fd = job->from, .events = POLLIN},
		                        {.fd = job->stop, .events = POLLIN}};
		int ready = poll(fds, 2, job->hastened ? -1 : ORDER_JOB_PATIENCE_MS);
		ssize_t n;

		if (ready == 0)
			hasten(job);
		if (fds[1].revents && ready > 0)
			return -ECANCELED;
		if (ready <= 0 || !fds[0].revents)
			continue;
		n = read(job->from, (char *)to + done, size - done);
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return -EIO;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int answer_read(struct job *job, struct order_plan *plan, struct error *err)
{
	struct answer answer;
	int rc = read_all(job, &answer, sizeof(answer));

	if (!rc && answer.rc) {
		*err = answer.err;
		return answer.rc;
	}
	if (!rc) {
		*plan = answer.plan;
		plan->capacity = plan->count;
		plan->sites = calloc(plan->count + 1, sizeof(*plan->sites));
		rc = plan->sites ? read_all(job, plan->sites, plan->count * sizeof(*plan->sites))
		                 : -ENOMEM;
	}
	if (rc)
		order_plan_free(plan);
	return rc ? error_set(err, -rc, "%s",
	                      rc == -EIO ? "the process that looked for them ended" : strerror(-rc))
	          : 0;
}

/* A process that waits for a dead file system cannot be ended: it is left to the system. */
static void end(const struct job *job)
{
	const struct timespec moment = {.tv_nsec = REAP_WAIT_NS};

	kill(job->pid, SIGKILL);
	for (int i = 0; i < REAP_TRIES && waitpid(job->pid, NULL, WNOHANG) == 0; i++)
		nanosleep(&moment, NULL);
}

int order_job_run(int fd, const char *name, int stop, struct order_plan *plan, struct error *err)
{
	struct job job = {.stop = stop};
	pid_t parent = getpid();
	int ends[2], rc;

	*plan = (struct order_plan){0};
	if (pipe2(ends, O_CLOEXEC))
		return error_set(err, errno, "%s", strerror(errno));
	job.from = ends[0];
	job.pid = fork();
	if (job.pid == 0)
		run(fd, ends[1], name, parent);
	rc = job.pid < 0 ? error_set(err, errno, "%s", strerror(errno)) : 0;
	close(ends[1]);
	if (!rc) {
		rc = answer_read(&job, plan, err);
		end(&job);
	}
	close(ends[0]);
	return rc;
}

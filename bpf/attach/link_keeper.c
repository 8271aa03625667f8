/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "bpf/attach/link_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/attach/keeper_wire.h"
#include "bpf/attach/link_keeper_internal.h"
#include "core/base/clock.h"

#define ANSWER_LOOK_MS 50            /* how often a caller that waits looks around */
#define OPENING_NS     2000000000ULL /* after this wait for probes the governor counts as silent */
#define ENDING_MS      2000          /* a keeper that is told to end has ended by then */
#define REVIVE_NS      1000000000ULL /* a keeper is replaced no more often than this */

/* ---- the process ----------------------------------------------------------------------- */

static void sockets_close(int sockets[KEEPER_LANES])
{
	for (int i = 0; i < KEEPER_LANES; i++) {
		if (sockets[i] >= 0)
			close(sockets[i]);
		sockets[i] = -1;
	}
}

/* ours[i] and theirs[i] are the ends of a lane. */
static int sockets_open(int ours[KEEPER_LANES], int theirs[KEEPER_LANES])
{
	for (int i = 0; i < KEEPER_LANES; i++)
		ours[i] = theirs[i] = -1;
	for (int i = 0; i < KEEPER_LANES; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
			int rc = -errno;

			sockets_close(ours);
			sockets_close(theirs);
			return rc;
		}
		ours[i] = ends[0];
		theirs[i] = ends[1];
	}
	return 0;
}

static int process_start(struct link_keeper *k)
{
	int theirs[KEEPER_LANES];
	int rc = sockets_open(k->sockets, theirs);

	if (rc)
		return rc;
	atomic_store(&k->shared->kept_ns, clock_now());
	k->pid = fork();
	if (k->pid == 0)
		keeper_process_run(k->shared, theirs);
	rc = k->pid < 0 ? -errno : 0;
	sockets_close(theirs);
	if (rc)
		sockets_close(k->sockets);
	else
		k->pidfd = (int)syscall(SYS_pidfd_open, k->pid, 0);
	return rc;
}

static void process_kill(const struct link_keeper *k)
{
	if (k->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, k->pidfd, SIGKILL, NULL, 0);
}

/* Wait for its end, which is near; not for ever, since it may be stopped. */
static void process_reap(struct link_keeper *k)
{
	struct pollfd end = {.fd = k->pidfd, .events = POLLIN};

	if (k->pid <= 0)
		return;
	if (k->pidfd >= 0 && poll(&end, 1, ENDING_MS) <= 0)
		process_kill(k);
	while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (k->pidfd >= 0)
		close(k->pidfd);
	k->pidfd = -1;
	k->pid = 0;
}

int link_keeper_start(struct link_keeper **out)
{
	struct link_keeper *k = calloc(1, sizeof(*k));
	int rc;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	k->program_fd = k->pidfd = -1;
	for (int i = 0; i < LINK_KEEPER_FILES; i++)
		k->files[i].fd = -1;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->idle, NULL);
	k->shared = mmap(NULL, sizeof(*k->shared), PROT_READ | PROT_WRITE,
	                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = k->shared == MAP_FAILED ? -errno : process_start(k);
	if (rc) {
		if (k->shared != MAP_FAILED)
			munmap(k->shared, sizeof(*k->shared));
		free(k);
		return rc;
	}
	*out = k;
	return 0;
}

static void file_forget(struct known_file *f)
{
	link_keeper_runners_forget(f);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct known_file){.fd = -1};
}

void link_keeper_destroy(struct link_keeper *k)
{
	if (!k)
		return;
	sockets_close(k->sockets);
	if (!k->abandoned)
		process_reap(k);
	if (k->pidfd >= 0)
		close(k->pidfd);
	for (int i = 0; i < LINK_KEEPER_FILES; i++)
		file_forget(&k->files[i]);
	if (k->program_fd >= 0)
		close(k->program_fd);
	munmap(k->shared, sizeof(*k->shared));
	pthread_cond_destroy(&k->idle);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* ---- lanes ----------------------------------------------------------------------------- */

/* A lane that is free for the calling thread, or KEEPER_LANES. The lock is held. */
static int lane_find(const struct link_keeper *k)
{
	int lane = 0;

	if (k->reviving && !pthread_equal(pthread_self(), k->reviver))
		return KEEPER_LANES;
	while (lane < KEEPER_LANES && k->busy[lane])
		lane++;
	return lane;
}

static int lane_take(struct link_keeper *k)
{
	int lane;

	pthread_mutex_lock(&k->lock);
	while ((lane = lane_find(k)) == KEEPER_LANES)
		pthread_cond_wait(&k->idle, &k->lock);
	k->busy[lane] = true;
	pthread_mutex_unlock(&k->lock);
	return lane;
}

static void lane_give(struct link_keeper *k, int lane)
{
	pthread_mutex_lock(&k->lock);
	k->busy[lane] = false;
	pthread_cond_broadcast(&k->idle);
	pthread_mutex_unlock(&k->lock);
}

static struct keeper_request *request_of(struct link_keeper *k, int lane)
{
	return &k->shared->lanes[lane];
}

/* Before the governor's first sign no probe is in place: on a busy host it may take its time. */
static bool is_silent(const struct link_keeper *k, uint64_t now)
{
	uint64_t kept = atomic_load(&k->shared->kept_ns);
	bool governed = atomic_load(&k->shared->beat_ns) != 0;

	return now > kept && now - kept > (governed ? KEEPER_SILENT_NS : KEEPER_STARTING_NS);
}

/* A governor that waits for probes to go does all it can; while they come it is not governing. */
static void beat_while_waiting(struct link_keeper *k, enum keeper_op op, uint64_t waited_ns)
{
	if (!k->governed || !pthread_equal(pthread_self(), k->governor))
		return;
	if (op != KEEPER_OPEN || waited_ns < OPENING_NS)
		atomic_store(&k->shared->beat_ns, clock_now());
}

/* The answer of the keeper, or -EPIPE: it died, or was killed for its silence. */
static int answer_await(struct link_keeper *k, int lane)
{
	struct pollfd answer = {.fd = k->sockets[lane], .events = POLLIN};
	struct keeper_request *r = request_of(k, lane);
	uint64_t begun = clock_now();
	int fd, rc;

	while ((rc = poll(&answer, 1, ANSWER_LOOK_MS)) <= 0) {
		if (rc < 0 && errno != EINTR)
			return -errno;
		beat_while_waiting(k, r->op, clock_now() - begun);
		if (is_silent(k, clock_now()))
			process_kill(k);
	}
	rc = keeper_wire_receive(k->sockets[lane], &fd);
	if (fd >= 0)
		close(fd);
	return rc ? -EPIPE : r->answer;
}

/* The lane's request is written. */
static int ask(struct link_keeper *k, int lane, int fd)
{
	int rc = k->sockets[lane] < 0 ? -EPIPE : keeper_wire_send(k->sockets[lane], fd);

	return rc ? -EPIPE : answer_await(k, lane);
}

int link_keeper_ask(struct link_keeper *k, enum keeper_op op, int file, pid_t pid, int fd)
{
	int lane = lane_take(k), rc;
	struct keeper_request *r = request_of(k, lane);

	r->op = op;
	r->file = file;
	r->pid = pid;
	r->count = 0;
	rc = ask(k, lane, fd);
	lane_give(k, lane);
	return rc;
}

/* ---- program and files ----------------------------------------------------------------- */

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return copy < 0 ? -errno : copy;
}

int link_keeper_program_set(struct link_keeper *k, int program_fd)
{
	int copy = duplicate(program_fd);

	if (copy < 0)
		return copy;
	if (k->program_fd >= 0)
		close(k->program_fd);
	k->program_fd = copy;
	return link_keeper_ask(k, KEEPER_PROGRAM, -1, 0, program_fd);
}

/* wanted: the index that the file is to have, -1: any. */
static int file_tell(struct link_keeper *k, int wanted, int fd,
                     const struct file_identity *identity)
{
	int lane = lane_take(k), rc;
	struct keeper_request *r = request_of(k, lane);

	r->op = KEEPER_FILE_ADD;
	r->file = wanted;
	r->identity = *identity;
	r->count = 0;
	rc = ask(k, lane, fd);
	lane_give(k, lane);
	return rc;
}

int link_keeper_file_add(struct link_keeper *k, int fd, const struct file_identity *identity)
{
	int file = file_tell(k, -1, fd, identity);
	int copy = file < 0 ? file : duplicate(fd);

	if (copy < 0) {
		if (file >= 0)
			link_keeper_file_remove(k, file);
		return copy;
	}
	pthread_mutex_lock(&k->lock);
	file_forget(&k->files[file]);
	k->files[file].fd = copy;
	k->files[file].identity = *identity;
	pthread_mutex_unlock(&k->lock);
	return file;
}

static bool is_file(int file)
{
	return file >= 0 && file < LINK_KEEPER_FILES;
}

void link_keeper_file_remove(struct link_keeper *k, int file)
{
	if (!is_file(file))
		return;
	link_keeper_ask(k, KEEPER_FILE_REMOVE, file, 0, -1);
	pthread_mutex_lock(&k->lock);
	file_forget(&k->files[file]);
	pthread_mutex_unlock(&k->lock);
}

enum link_file_state link_keeper_file_state(const struct link_keeper *k, int file)
{
	return is_file(file) ? atomic_load(&k->shared->files[file]) : LINK_FILE_NONE;
}

/* ---- probes ---------------------------------------------------------------------------- */

int link_keeper_open(struct link_keeper *k, enum probe_link_mode mode, int file, pid_t pid,
                     struct probe_point *points, size_t count, link_handle *handle)
{
	struct keeper_request *r;
	int lane, rc;

	*handle = 0;
	if (count > KEEPER_POINTS_MAX)
		return -E2BIG;
	lane = lane_take(k);
	r = request_of(k, lane);
	r->op = KEEPER_OPEN;
	r->file = file;
	r->pid = pid;
	r->mode = mode;
	r->count = (uint32_t)count;
	r->handle = 0;
	memcpy(r->points, points, count * sizeof(*points));
	rc = ask(k, lane, -1);
	if (rc != -EPIPE)
		memcpy(points, r->points, count * sizeof(*points));
	if (rc > 0)
		*handle = r->handle;
	lane_give(k, lane);
	return rc;
}

bool link_keeper_may_take_later(int rc)
{
	return rc == -ENOENT || rc == -ETXTBSY || rc == -ECANCELED || rc == -ESTALE ||
	       rc == -EUSERS;
}

void link_keeper_close(struct link_keeper *k, const link_handle *handles, size_t count)
{
	for (size_t done = 0; done < count;) {
		size_t now = count - done < KEEPER_POINTS_MAX ? count - done : KEEPER_POINTS_MAX;
		int lane = lane_take(k);
		struct keeper_request *r = request_of(k, lane);

		r->op = KEEPER_CLOSE;
		r->count = (uint32_t)now;
		memcpy(r->handles, handles + done, now * sizeof(*handles));
		ask(k, lane, -1);
		lane_give(k, lane);
		done += now;
	}
}

/* ---- signs of life --------------------------------------------------------------------- */

void link_keeper_beat(struct link_keeper *k, uint64_t now_ns)
{
	k->governor = pthread_self();
	k->governed = true;
	atomic_store(&k->shared->beat_ns, now_ns);
}

unsigned int link_keeper_drops(const struct link_keeper *k)
{
	return atomic_load(&k->shared->drops);
}

unsigned int link_keeper_era(const struct link_keeper *k, int file)
{
	return link_keeper_drops(k) + (is_file(file) ? atomic_load(&k->shared->gone[file]) : 0);
}

void link_keeper_confines_set(struct link_keeper *k, bool confines)
{
	atomic_store(&k->shared->confines, confines);
}

bool link_keeper_holds(const struct link_keeper *k, link_handle handle, int file, unsigned int era)
{
	enum link_file_state state = link_keeper_file_state(k, file);

	return handle && era == link_keeper_era(k, file) &&
	       (state == LINK_FILE_LEASED || state == LINK_FILE_RUNNING);
}

void link_keeper_pause(struct link_keeper *k, bool on)
{
	atomic_store(&k->shared->paused, on);
	if (on)
		link_keeper_ask(k, KEEPER_DROP, -1, 0, -1);
}

/* The other end sees the end of each lane; callers that wait here do as well. */
void link_keeper_abandon(struct link_keeper *k)
{
	atomic_store(&k->abandoned, true);
	for (int i = 0; i < KEEPER_LANES; i++)
		if (k->sockets[i] >= 0)
			shutdown(k->sockets[i], SHUT_RDWR);
}

/* ---- another keeper --------------------------------------------------------------------- */

static bool is_dead(const struct link_keeper *k)
{
	struct pollfd end = {.fd = k->sockets[0], .events = POLLIN};

	return k->sockets[0] < 0 || (poll(&end, 1, 0) > 0 && end.revents & (POLLHUP | POLLERR));
}

/* All that the former one knew. What has changed meanwhile is stale, and says so when probes are to
 * go in. */
static int tell_all(struct link_keeper *k)
{
	int rc = k->program_fd >= 0 ? link_keeper_ask(k, KEEPER_PROGRAM, -1, 0, k->program_fd) : 0;

	for (int i = 0; !rc && i < LINK_KEEPER_FILES; i++) {
		struct known_file *f = &k->files[i];
		bool stale = link_keeper_file_state(k, i) == LINK_FILE_STALE;
		int file = f->fd < 0 || stale ? -1 : file_tell(k, i, f->fd, &f->identity);

		if (file == -EPIPE)
			return file;
		if (file < 0)
			atomic_store(&k->shared->files[i],
			             f->fd < 0 ? LINK_FILE_NONE : LINK_FILE_STALE);
		if (file == i)
			link_keeper_runners_tell(k, i);
	}
	return rc;
}

/* Callers that wait for an answer get none from a dead keeper, and leave their lanes. */
static void lanes_await(struct link_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->reviving = true;
	k->reviver = pthread_self();
	for (int i = 0; i < KEEPER_LANES; i++)
		while (k->busy[i])
			pthread_cond_wait(&k->idle, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

static void lanes_open(struct link_keeper *k)
{
	pthread_mutex_lock(&k->lock);
	k->reviving = false;
	pthread_cond_broadcast(&k->idle);
	pthread_mutex_unlock(&k->lock);
}

static int revive(struct link_keeper *k)
{
	int rc;

	process_kill(k);
	process_reap(k);
	lanes_await(k);
	sockets_close(k->sockets);
	atomic_fetch_add(&k->shared->drops, 1);
	rc = process_start(k);
	if (!rc)
		rc = tell_all(k);
	lanes_open(k);
	return rc;
}

int link_keeper_look(struct link_keeper *k, uint64_t now_ns)
{
	int rc;

	link_keeper_runners_look(k, now_ns);
	if (atomic_load(&k->abandoned) || (!is_dead(k) && !is_silent(k, now_ns)))
		return 0;
	if (k->revived_ns && now_ns - k->revived_ns < REVIVE_NS)
		return -EAGAIN;
	k->revived_ns = now_ns;
	rc = revive(k);
	return rc ? rc : 1;
}

/* SPDX-License-Identifier: MIT */
#include "bpf/watch/watch_family.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/watch/watch_internal.h"
#include "core/base/clock.h"
#include "core/process/go_process.h"

#include "gomaptop.skel.h"

#define LOOK_MS    500
#define IDLE_NS    10000000000ULL /* probes stay so long where no member runs the file */
#define SETTLE_NS  1000000000ULL  /* in which what CMD leaves behind executes its program */
#define OTHERS_MAX 256            /* files that are known not to be watched */
#define RAN_MAX    12             /* names that are told */
#define TRACES     3

/* A file of Go that members run. */
struct family_file {
	struct watch_binary *binary;
	pid_t *pids; /* members that run it */
	size_t count;
	size_t attached;  /* functions probed */
	uint64_t idle_ns; /* since when none does; 0: some do */
};

struct watch_family {
	struct watch *w;
	struct bpf_link *traces[TRACES];
	struct ring_buffer *ring;
	struct family_file files[FIELD_ROWS];
	size_t file_count;
	struct file_identity others[OTHERS_MAX]; /* a ring */
	size_t other_count;
	bool full_said;
	pthread_t thread;
	int wake_fd;
	bool running;
	pthread_mutex_t lock;    /* for what follows */
	size_t watched;          /* processes */
	size_t wanted, attached; /* functions, of all files */
	uint64_t quiet_ns;       /* since when no program was executed, or it was asked for */
	char ran[RAN_MAX][NAME_MAX + 1];
	size_t ran_count; /* different names, at most RAN_MAX + 1 */
};

/* ---- which programs ------------------------------------------------------------------ */

static bool function_file(struct go_binary *binary, const char *name, char *out, size_t size)
{
	struct go_function function;
	struct frame frame = {0};

	if (go_binary_function_find(binary, name, &function) ||
	    go_binary_frames(binary, function.entry, 0, false, &frame, 1) != 1 || !frame.file)
		return false;
	snprintf(out, size, "%s", frame.file);
	return true;
}

bool watch_family_is_tool(struct go_binary *binary)
{
	char runtime[PATH_MAX], main_file[PATH_MAX], *end;

	if (!function_file(binary, "runtime.main", runtime, sizeof(runtime)) ||
	    !function_file(binary, "main.main", main_file, sizeof(main_file)))
		return false;
	end = strstr(runtime, "runtime/proc.go");
	return end && strncmp(main_file, runtime, (size_t)(end - runtime)) == 0 &&
	       strncmp(main_file + (end - runtime), "cmd/", 4) == 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void ran_note(struct watch_family *f, const char *path)
{
	const char *name = base_name(path);
	bool known = f->ran_count > RAN_MAX || !*name;

	for (size_t i = 0; !known && i < f->ran_count; i++)
		known = strcmp(f->ran[i], name) == 0;
	if (known)
		return;
	pthread_mutex_lock(&f->lock);
	if (f->ran_count < RAN_MAX)
		snprintf(f->ran[f->ran_count], sizeof(f->ran[0]), "%s", name);
	f->ran_count++;
	pthread_mutex_unlock(&f->lock);
}

static bool other_is_known(const struct watch_family *f, const struct file_identity *seen)
{
	for (size_t i = 0; i < f->other_count && i < OTHERS_MAX; i++)
		if (file_identity_unwritten(&f->others[i], seen))
			return true;
	return false;
}

/* ---- files --------------------------------------------------------------------------- */

static bool file_is_written(const struct watch_family *f, const struct watch_binary *b)
{
	struct file_identity now;

	return link_keeper_file_state(f->w->keeper, b->file.guard) == LINK_FILE_STALE ||
	       file_identity_read(b->file.fd, &now) ||
	       !file_identity_unwritten(&now, &b->file.seen);
}

static void probes_count(struct watch_family *f, const struct family_file *file, int sign)
{
	pthread_mutex_lock(&f->lock);
	f->wanted += sign * file->binary->plan.site_count;
	f->attached += sign * file->attached;
	pthread_mutex_unlock(&f->lock);
}

static void file_drop(struct watch_family *f, struct family_file *file)
{
	watch_attach_remove(f->w, file->binary);
	probes_count(f, file, -1);
	free(file->pids);
	*file = f->files[--f->file_count];
}

static struct family_file *file_find(struct watch_family *f, const struct file_identity *seen)
{
	for (size_t i = 0; i < f->file_count; i++) {
		struct family_file *file = &f->files[i];

		if (!file_identity_inode(&file->binary->file.seen, seen))
			continue;
		if (!file_is_written(f, file->binary))
			return file;
		file_drop(f, file);
		break;
	}
	return NULL;
}

static void file_join(struct watch_family *f, struct family_file *file, pid_t pid)
{
	pid_t *more;

	for (size_t i = 0; i < file->count; i++)
		if (file->pids[i] == pid)
			return;
	more = reallocarray(file->pids, file->count + 1, sizeof(*more));
	if (!more)
		return;
	file->pids = more;
	more[file->count++] = pid;
	file->idle_ns = 0;
	link_keeper_runner_add(f->w->keeper, file->binary->file.guard, pid);
	collector_process_add(f->w->collector, pid, file->binary->row);
	pthread_mutex_lock(&f->lock);
	f->watched++;
	pthread_mutex_unlock(&f->lock);
}

static void files_look(struct watch_family *f, uint64_t now)
{
	for (size_t i = f->file_count; i > 0; i--) {
		struct family_file *file = &f->files[i - 1];
		size_t kept = 0;

		for (size_t j = 0; j < file->count; j++)
			if (go_process_runs(file->pids[j], &file->binary->file.seen))
				file->pids[kept++] = file->pids[j];
		file->count = kept;
		if (!kept && !file->idle_ns)
			file->idle_ns = now;
		if (file_is_written(f, file->binary) || (!kept && now - file->idle_ns > IDLE_NS))
			file_drop(f, file);
	}
}

/* ---- programs that are executed ------------------------------------------------------ */

static void say_watched(struct watch_family *f, const struct watch_binary *b, pid_t pid,
                        size_t attached)
{
	const char *build_id = go_binary_build_id(b->binary);
	char lacks[96] = "";

	if (attached < b->plan.site_count)
		snprintf(lacks, sizeof(lacks), "; %zu of its %zu functions cannot be probed",
		         b->plan.site_count - attached, b->plan.site_count);
	watch_say(f->w, "%s, started by CMD as process %d, is watched (%s%s%.24s)%s", b->path,
	          (int)pid, go_binary_version(b->binary), build_id ? ", build id " : "",
	          build_id ? build_id : "", lacks);
}

static void file_bring(struct watch_family *f, struct watch_binary *b, pid_t pid)
{
	struct family_file *file = &f->files[f->file_count++];
	size_t attached = 0;

	*file = (struct family_file){.binary = b, .idle_ns = clock_now()};
	watch_binary_bring(f->w, b, &attached);
	file->attached = attached;
	probes_count(f, file, 1);
	if (go_process_runs(pid, &b->file.seen)) {
		file_join(f, file, pid);
		say_watched(f, b, pid, attached);
	} else {
		watch_say(f->w,
		          "%s, started by CMD as process %d, ended before it could be watched",
		          b->path, (int)pid);
	}
}

/* Read what is open at fd; it belongs to the watch from then on, or is closed. */
static void file_read(struct watch_family *f, int fd, const char *path, pid_t pid,
                      const struct file_identity *seen)
{
	struct watch_binary *b;
	struct error err = {""};
	int rc = -E2BIG;

	if (f->file_count < FIELD_ROWS)
		rc = watch_binary_make(f->w, fd, path, &b, &err);
	else
		error_set(&err, E2BIG, "more than %d programs at a time", FIELD_ROWS);

	if (!rc && !watch_family_is_tool(b->binary)) {
		file_bring(f, b, pid);
		return;
	}
	if (!rc)
		watch_binary_free(f->w, b);
	else if (!watch_binary_is_not_go(fd, rc, &err))
		watch_say(f->w, "%s, started by CMD as process %d, cannot be watched (%s)", path,
		          (int)pid, err.text);
	close(fd);
	if (rc != -ESTALE && rc != -E2BIG)
		f->others[f->other_count++ % OTHERS_MAX] = *seen;
}

static void quiet_begin(struct watch_family *f)
{
	pthread_mutex_lock(&f->lock);
	f->quiet_ns = clock_now();
	pthread_mutex_unlock(&f->lock);
}

static void program_look(struct watch_family *f, const struct family_event *event)
{
	struct file_identity seen;
	struct family_file *file;
	char path[PATH_MAX];
	pid_t pid;
	int fd;

	ran_note(f, event->name);
	pid = (pid_t)event->tgid;
	fd = go_process_open_executable(pid);
	if (fd < 0)
		return; /* ended already */
	file = file_identity_read(fd, &seen) || other_is_known(f, &seen) ? NULL
	                                                                 : file_find(f, &seen);
	if (file) {
		file_join(f, file, pid);
	} else if (!other_is_known(f, &seen)) {
		if (go_process_executable(pid, path, sizeof(path)))
			snprintf(path, sizeof(path), "%s", event->name);
		file_read(f, fd, path, pid, &seen);
		return;
	}
	close(fd);
}

static int on_exec(void *ctx, void *data, size_t size)
{
	if (size >= sizeof(struct family_event)) {
		program_look(ctx, data);
		quiet_begin(ctx);
	}
	return 0;
}

static void limits_look(struct watch_family *f)
{
	const struct gomaptop *s = f->w->program.skeleton;

	if (f->full_said || (!s->bss->family_lost && !s->bss->family_execs_lost))
		return;
	f->full_said = true;
	watch_say(f->w,
	          "CMD started more processes than can be followed (%d at a time): not all of them "
	          "are watched",
	          FAMILY_MAX);
}

/* ---- the thread ---------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct watch_family *f = arg;
	struct pollfd fds[] = {
	        {.fd = f->wake_fd, .events = POLLIN},
	        {.fd = ring_buffer__epoll_fd(f->ring), .events = POLLIN},
	};

	do {
		ring_buffer__consume(f->ring);
		files_look(f, clock_now());
		limits_look(f);
		poll(fds, 2, LOOK_MS);
	} while (!fds[0].revents);
	/* What was executed last is named, too. */
	ring_buffer__consume(f->ring);
	return NULL;
}

static int traces_attach(struct watch_family *f)
{
	const struct gomaptop *s = f->w->program.skeleton;
	struct bpf_program *programs[TRACES] = {s->progs.on_fork, s->progs.on_exec,
	                                        s->progs.on_exit};

	for (int i = 0; i < TRACES; i++) {
		f->traces[i] = bpf_program__attach(programs[i]);
		if (!f->traces[i])
			return -errno;
	}
	return 0;
}

int watch_family_start(struct watch *w, pid_t root, struct watch_family **out)
{
	struct watch_family *f = calloc(1, sizeof(*f));
	const struct gomaptop *s = w->program.skeleton;
	__u32 key = (__u32)root, one = 1;
	int rc = -ENOMEM;

	*out = NULL;
	if (!f)
		return rc;
	f->w = w;
	pthread_mutex_init(&f->lock, NULL);
	f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = f->wake_fd < 0 ? -errno : traces_attach(f);
	if (!rc)
		rc = bpf_map_update_elem(bpf_map__fd(s->maps.family), &key, &one, BPF_ANY);
	if (!rc) {
		f->ring = ring_buffer__new(bpf_map__fd(s->maps.family_events), on_exec, f, NULL);
		rc = f->ring ? -pthread_create(&f->thread, NULL, run, f) : -errno;
	}
	f->running = !rc;
	if (rc)
		watch_family_destroy(f);
	else
		*out = f;
	return rc;
}

void watch_family_stop(struct watch_family *f)
{
	if (!f || !f->running)
		return;
	eventfd_write(f->wake_fd, 1);
	pthread_join(f->thread, NULL);
	f->running = false;
}

void watch_family_destroy(struct watch_family *f)
{
	if (!f)
		return;
	watch_family_stop(f);
	for (int i = 0; i < TRACES; i++)
		bpf_link__destroy(f->traces[i]);
	ring_buffer__free(f->ring);
	for (size_t i = 0; i < f->file_count; i++)
		free(f->files[i].pids);
	if (f->wake_fd >= 0)
		close(f->wake_fd);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* ---- reading it ---------------------------------------------------------------------- */

bool watch_family_over(struct watch_family *f)
{
	pid_t any;
	bool quiet;

	if (!watch_family_members(f, &any, 1))
		return true;
	pthread_mutex_lock(&f->lock);
	if (!f->quiet_ns)
		f->quiet_ns = clock_now();
	quiet = clock_now() - f->quiet_ns > SETTLE_NS;
	pthread_mutex_unlock(&f->lock);
	return quiet && !targets_alive(f->w->processes);
}

bool watch_family_found(struct watch_family *f, char *ran, size_t size)
{
	size_t at = 0;
	bool found;

	pthread_mutex_lock(&f->lock);
	found = f->watched > 0;
	snprintf(ran, size, "%s", f->ran_count ? "" : "nothing yet");
	for (size_t i = 0; i < f->ran_count && i < RAN_MAX && at < size; i++)
		at += (size_t)snprintf(ran + at, size - at, "%s%s", i ? ", " : "", f->ran[i]);
	if (f->ran_count > RAN_MAX && at < size)
		snprintf(ran + at, size - at, " and others");
	pthread_mutex_unlock(&f->lock);
	return found;
}

void watch_family_probes(struct watch_family *f, size_t *wanted, size_t *attached)
{
	pthread_mutex_lock(&f->lock);
	*wanted = f->wanted;
	*attached = f->attached;
	pthread_mutex_unlock(&f->lock);
}

size_t watch_family_members(struct watch_family *f, pid_t *pids, size_t max)
{
	int fd = bpf_map__fd(f->w->program.skeleton->maps.family);
	__u32 key, *before = NULL;
	size_t count = 0;

	while (count < max && !bpf_map_get_next_key(fd, before, &key)) {
		pids[count++] = (pid_t)key;
		before = &key;
	}
	return count;
}

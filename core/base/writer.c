/* SPDX-License-Identifier: MIT */
#include "core/base/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define END_MS 200 /* for the thread to end where its descriptor takes what is written */

struct block {
	struct block *next;
	size_t size;
	char text[];
};

struct writer {
	int fd, news; /* news: an eventfd */
	size_t room, step;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;  /* something to write, or over */
	pthread_cond_t less;  /* something was written, or failed */
	struct block *first, **end;
	size_t waiting; /* bytes, those that are being written included */
	uint64_t written;
	int error;        /* 0 or -errno */
	bool over, ended; /* to end; the thread has ended */
	int users;        /* the owner and the thread: the last one frees */
};

static void blocks_free(struct writer *w)
{
	struct block *block;

	while ((block = w->first)) {
		w->first = block->next;
		free(block);
	}
	w->end = &w->first;
	w->waiting = 0;
}

static void parts_free(struct writer *w)
{
	blocks_free(w);
	if (w->news >= 0)
		close(w->news);
	pthread_cond_destroy(&w->more);
	pthread_cond_destroy(&w->less);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* With the lock, which is gone afterwards. */
static void leave(struct writer *w)
{
	bool last = --w->users == 0;

	pthread_mutex_unlock(&w->lock);
	if (last)
		parts_free(w);
}

/* ---- the thread ---------------------------------------------------------------------- */

static ssize_t piece_write(int fd, const char *text, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	ssize_t n;

	do {
		n = write(fd, text, size);
		/* Another process that shares the description has set O_NONBLOCK. */
		if (n < 0 && errno == EAGAIN)
			poll(&ready, 1, -1);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	return n < 0 ? -errno : n;
}

/* Write the first block; returns with the lock, as it is called. */
static void block_write(struct writer *w)
{
	struct block *block = w->first;
	size_t done = 0;

	while (done < block->size && !w->error && !w->over) {
		size_t size = block->size - done < w->step ? block->size - done : w->step;
		ssize_t n;

		pthread_mutex_unlock(&w->lock);
		n = piece_write(w->fd, block->text + done, size);
		pthread_mutex_lock(&w->lock);
		if (n < 0) {
			w->error = (int)n;
			break;
		}
		done += (size_t)n;
		w->waiting -= (size_t)n;
		w->written += (uint64_t)n;
		pthread_cond_broadcast(&w->less);
	}
	w->first = block->next;
	if (!w->first)
		w->end = &w->first;
	free(block);
}

static void *writer_run(void *ctx)
{
	struct writer *w = ctx;

	pthread_mutex_lock(&w->lock);
	while (!w->over) {
		if (!w->first) {
			pthread_cond_wait(&w->more, &w->lock);
			continue;
		}
		block_write(w);
		if (w->error)
			blocks_free(w);
		if (!w->first) {
			eventfd_write(w->news, 1);
			pthread_cond_broadcast(&w->less);
		}
	}
	w->ended = true;
	pthread_cond_broadcast(&w->less);
	leave(w);
	return NULL;
}

/* ---- public -------------------------------------------------------------------------- */

/* Detached: one that is kept waiting by its descriptor is not waited for. */
static int thread_start(struct writer *w)
{
	sigset_t all, before;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = pthread_create(&thread, NULL, writer_run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!rc)
		pthread_detach(thread);
	return -rc;
}

int writer_create(int fd, size_t room, size_t step, struct writer **out)
{
	struct writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attributes;
	int rc;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->room = room;
	w->step = step;
	w->end = &w->first;
	w->users = 2;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->less, &attributes);
	pthread_condattr_destroy(&attributes);
	w->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = w->news < 0 ? -errno : thread_start(w);
	if (rc) {
		parts_free(w);
		return rc;
	}
	*out = w;
	return 0;
}

int writer_put(struct writer *w, const char *text, size_t size)
{
	struct block *block;
	int rc;

	if (!size)
		return 0;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return -ENOMEM;
	block->next = NULL;
	block->size = size;
	memcpy(block->text, text, size);
	pthread_mutex_lock(&w->lock);
	rc = w->error;
	if (!rc && w->waiting && size > w->room - (w->waiting < w->room ? w->waiting : w->room))
		rc = -ENOBUFS;
	if (!rc) {
		*w->end = block;
		w->end = &block->next;
		w->waiting += size;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	if (rc)
		free(block);
	return rc;
}

int writer_state(struct writer *w)
{
	eventfd_t value;
	int state;

	eventfd_read(w->news, &value);
	pthread_mutex_lock(&w->lock);
	state = w->error ? w->error : w->first != NULL;
	pthread_mutex_unlock(&w->lock);
	return state;
}

int writer_fd(const struct writer *w)
{
	return w->news;
}

static struct timespec time_after(unsigned int ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

int writer_drain(struct writer *w, unsigned int patience_ms)
{
	struct timespec until = time_after(patience_ms);
	uint64_t written;
	int rc = 0;

	pthread_mutex_lock(&w->lock);
	written = w->written;
	while (w->first && !w->error && !rc) {
		rc = -pthread_cond_timedwait(&w->less, &w->lock, &until);
		if (w->written == written)
			continue;
		written = w->written;
		until = time_after(patience_ms);
		rc = 0;
	}
	rc = w->error ? w->error : w->first ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

void writer_destroy(struct writer *w)
{
	struct timespec until = time_after(END_MS);

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->over = true;
	pthread_cond_signal(&w->more);
	while (!w->ended && pthread_cond_timedwait(&w->less, &w->lock, &until) == 0)
		;
	leave(w);
}

/* SPDX-License-Identifier: MIT */
/*
 * thread_call: have a thread that owns something do a thing to it, and wait until that is done.
 *
 * The owner sleeps on a condition with a mutex of its own. Another thread leaves a function there
 * and wakes the owner, which runs it between two rounds of its work, with the mutex released. So
 * what the owner alone may touch needs no lock.
 */
#ifndef GOMAPTOP_CORE_THREAD_CALL_H
#define GOMAPTOP_CORE_THREAD_CALL_H

#include <pthread.h>

struct thread_call {
	void (*run)(void *ctx); /* NULL: nothing is asked for */
	void *ctx;
	pthread_cond_t done;
};

void thread_call_open(struct thread_call *call);
void thread_call_close(struct thread_call *call); /* no thread waits in it any more */

/* With lock held, which is released while it waits: run(ctx) in the owner's thread, which sleeps on
 * wake. By threads other than the owner's, while that runs. */
void thread_call_ask(struct thread_call *call, pthread_mutex_t *lock, pthread_cond_t *wake,
                     void (*run)(void *ctx), void *ctx);

/* By the owner, with lock held, before it sleeps: do what is asked for, if anything is. */
void thread_call_serve(struct thread_call *call, pthread_mutex_t *lock);

#endif

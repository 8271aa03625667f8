/* SPDX-License-Identifier: MIT */
#include "core/base/thread_call.h"

#include <stddef.h>

void thread_call_open(struct thread_call *call)
{
	*call = (struct thread_call){0};
	pthread_cond_init(&call->done, NULL);
}

void thread_call_close(struct thread_call *call)
{
	pthread_cond_destroy(&call->done);
}

void thread_call_ask(struct thread_call *call, pthread_mutex_t *lock, pthread_cond_t *wake,
                     void (*run)(void *ctx), void *ctx)
{
	while (call->run) /* of another thread */
		pthread_cond_wait(&call->done, lock);
	call->run = run;
	call->ctx = ctx;
	pthread_cond_signal(wake);
	while (call->run == run && call->ctx == ctx)
		pthread_cond_wait(&call->done, lock);
}

void thread_call_serve(struct thread_call *call, pthread_mutex_t *lock)
{
	if (!call->run)
		return;
	pthread_mutex_unlock(lock);
	call->run(call->ctx);
	pthread_mutex_lock(lock);
	call->run = NULL;
	pthread_cond_broadcast(&call->done);
}

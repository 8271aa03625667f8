/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/thread_call.h"

#define ASKERS 4
#define CALLS  500

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static struct thread_call call;
static pthread_t owner;
static bool stopping;
static int sum, elsewhere; /* no lock: the owner's alone */

static void add(void *ctx)
{
	sum += *(int *)ctx;
	elsewhere += !pthread_equal(pthread_self(), owner);
	*(int *)ctx = 0;
}

static void *own(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!stopping) {
		thread_call_serve(&call, &lock);
		if (!call.run && !stopping)
			pthread_cond_wait(&wake, &lock);
	}
	pthread_mutex_unlock(&lock);
	return arg;
}

static void *ask(void *arg)
{
	for (int i = 0; i < CALLS; i++) {
		int n = 3;

		pthread_mutex_lock(&lock);
		thread_call_ask(&call, &lock, &wake, add, &n);
		pthread_mutex_unlock(&lock);
		if (n) /* not done when it returned */
			return arg;
	}
	return NULL;
}

static void test_each_is_done_by_the_owner(void **state)
{
	pthread_t askers[ASKERS];
	void *failed;

	(void)state;
	thread_call_open(&call);
	assert_int_equal(pthread_create(&owner, NULL, own, NULL), 0);
	for (int i = 0; i < ASKERS; i++)
		assert_int_equal(pthread_create(&askers[i], NULL, ask, &sum), 0);
	for (int i = 0; i < ASKERS; i++) {
		pthread_join(askers[i], &failed);
		assert_null(failed);
	}
	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_signal(&wake);
	pthread_mutex_unlock(&lock);
	pthread_join(owner, NULL);
	thread_call_close(&call);
	assert_int_equal(sum, 3 * ASKERS * CALLS);
	assert_int_equal(elsewhere, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_is_done_by_the_owner)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

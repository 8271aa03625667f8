/* SPDX-License-Identifier: MIT */
#include "core/order/order_names.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static bool is_among(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

/* With the dot or the slash: packages like runtime/pprof lock like any other, and modules may begin
 * with "go.". */
bool order_name_left_out(const char *function)
{
	static const char *const runtime[] = {
	        "runtime.",
	        "runtime/internal/",
	        "internal/runtime/",
	        "runtime/cgo.",
	        "go:buildid",
	        "go.buildid",
	        "_cgo_",
	        "x_cgo_",
	        "crosscall",
	};
	static const char *const functions[] = {
	        "sync.(*Mutex).lockSlow",
	        "sync.(*Mutex).unlockSlow",
	        "internal/sync.(*Mutex).lockSlow",
	        "internal/sync.(*Mutex).unlockSlow",
	        "sync.(*RWMutex).Lock",
	        "sync.(*RWMutex).Unlock",
	        "sync.(*RWMutex).rUnlockSlow",
	        "sync/atomic.StoreUintptr",
	        "sync/atomic.SwapUintptr",
	        "sync/atomic.CompareAndSwapUintptr",
	};

	for (size_t i = 0; i < COUNT(runtime); i++)
		if (begins(function, runtime[i]))
			return true;
	return is_among(function, functions, COUNT(functions));
}

/* Methods and functions whose atomics are part of what a function of the table tells: waiting and
 * waking themselves, and what they keep in step with. */
static bool is_part(const char *name)
{
	static const char *const parts[] = {
	        "sync.runtime_",
	        "internal/sync.runtime_",
	        "sync.(*Mutex).",
	        "internal/sync.(*Mutex).",
	        "sync.(*RWMutex).",
	        "sync.(*WaitGroup).",
	        "sync.(*Pool).",
	        "sync.(*copyChecker).",
	        "sync.(*Cond).",
	        "sync.(*notifyList).",
	        "sync.(*poolDequeue).",
	        "sync.(*poolChain).",
	        "sync.init",
	        "sync.poolCleanup",
	        "internal/poll.(*fdMutex).",
	};

	for (size_t i = 0; i < COUNT(parts); i++)
		if (begins(name, parts[i]))
			return true;
	return false;
}

enum order_meaning order_names_meaning(const char *const *names, size_t count)
{
	static const char *const mutex[] = {"sync.(*Mutex).TryLock",
	                                    "internal/sync.(*Mutex).TryLock"};
	static const char *const readers[] = {"sync.(*RWMutex).TryRLock"};
	static const char *const writers[] = {"sync.(*RWMutex).TryLock"};
	bool of_mutex = false, of_readers = false, of_writers = false, part = false;

	for (size_t i = 0; i < count; i++) {
		of_mutex |= is_among(names[i], mutex, COUNT(mutex));
		of_readers |= is_among(names[i], readers, COUNT(readers));
		of_writers |= is_among(names[i], writers, COUNT(writers));
		part |= is_part(names[i]);
	}
	if (of_writers) /* the Mutex in an RWMutex is only the way to it */
		return of_mutex ? ORDER_MEANS_NOTHING : ORDER_MEANS_RW_TRYLOCK;
	if (of_mutex)
		return ORDER_MEANS_TRYLOCK;
	if (of_readers)
		return ORDER_MEANS_TRYRLOCK;
	return part ? ORDER_MEANS_NOTHING : ORDER_MEANS_ATOMIC;
}

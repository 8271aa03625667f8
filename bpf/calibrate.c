/* SPDX-License-Identifier: MIT */
#include "bpf/calibrate.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BATCHES     20
#define BATCH_CALLS 100

/* The probed instruction is one that the kernel emulates, as in a Go function: `push` on amd64, the
 * `b.ls` behind the look at the stack pointer on arm64 (never taken: none is zero). */
#if defined(__aarch64__)
#define ENTRY_CODE            \
	"	cmp sp, #0\n"       \
	"calibrate_probed:\n" \
	"	b.ls 1f\n"          \
	"1:	ret\n"
#else
#define ENTRY_CODE            \
	"calibrate_probed:\n" \
	"	push %rbp\n"        \
	"	mov %rsp, %rbp\n"   \
	"	pop %rbp\n"         \
	"	ret\n"
#endif

__asm__(".text\n"
        ".p2align 4\n"
        ".local calibrate_entry\n"
        ".local calibrate_probed\n"
        ".type calibrate_entry, %function\n"
        "calibrate_entry:\n" ENTRY_CODE ".size calibrate_entry, . - calibrate_entry\n");

extern const char calibrate_probed[];

int calibrate_point(uint64_t *file_offset)
{
	uint64_t addr = (uint64_t)(uintptr_t)calibrate_probed;
	char line[512];
	int rc = -ENOENT;
	FILE *f = fopen("/proc/self/maps", "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		uint64_t start, end, offset;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64, &start, &end, &offset) ==
		            3 &&
		    addr >= start && addr < end) {
			*file_offset = addr - start + offset;
			rc = 0;
			break;
		}
	}
	fclose(f);
	return rc;
}

#if defined(__aarch64__)

/* A call as Go makes it: g in R28, *maptype in R0, map in R1. */
static inline void call_entry(const void *g, const void *type, const void *map)
{
	register const void *x28 __asm__("x28") = g;
	register const void *x0 __asm__("x0") = type;
	register const void *x1 __asm__("x1") = map;

	__asm__ volatile("bl calibrate_entry"
	                 : "+r"(x0), "+r"(x1), "+r"(x28)
	                 :
	                 : "x30", "memory", "cc");
}

#else

/* A call as Go makes it: g in R14, *maptype in RAX, map in RBX. The red zone is stepped over since
 * the call writes below the stack pointer. */
static inline void call_entry(const void *g, const void *type, const void *map)
{
	register const void *r14 __asm__("r14") = g;
	const void *a = type, *b = map;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
	                 "call calibrate_entry\n\t"
	                 "lea 128(%%rsp), %%rsp"
	                 : "+a"(a), "+b"(b), "+r"(r14)
	                 :
	                 : "memory", "cc");
}

#endif

void calibrate_calls(uint64_t goid, void *map, int calls)
{
	uint64_t g[8] = {goid};
	uint64_t type[16] = {0};

	for (int i = 0; i < calls; i++)
		call_entry(g, type, map);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

struct batches {
	uint64_t best_ns;
};

static void *batches_run(void *arg)
{
	struct batches *b = arg;
	uint64_t map[16] = {0};

	for (int i = 0; i < BATCHES; i++) {
		uint64_t begin = now_ns(), took;

		calibrate_calls(1, map, BATCH_CALLS);
		took = (now_ns() - begin) / BATCH_CALLS;
		if (!b->best_ns || took < b->best_ns)
			b->best_ns = took;
	}
	return NULL;
}

int calibrate_run(uint64_t (*count)(void *ctx), void *ctx, struct calibration *out)
{
	struct batches b = {0};
	uint64_t before = count(ctx);
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, batches_run, &b);

	if (rc)
		return -rc;
	pthread_join(thread, NULL);
	out->hits_seen = count(ctx) > before;
	out->ns_per_hit = b.best_ns;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "bpf/attach/calibrate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"

/* The probed instruction is one that the kernel emulates, as in a Go function: `push` on amd64, the
 * `b.ls` behind the look at the stack pointer on arm64 (never taken: none is zero). */
#if defined(__aarch64__)
#define ENTRY_CODE(probed) \
	"	cmp sp, #0\n"    \
	"" probed ":\n"    \
	"	b.ls 1f\n"       \
	"1:	ret\n"
#else
#define ENTRY_CODE(probed)  \
	"" probed ":\n"     \
	"	push %rbp\n"      \
	"	mov %rsp, %rbp\n" \
	"	pop %rbp\n"       \
	"	ret\n"
#endif

__asm__(".text\n"
        ".p2align 4\n"
        ".local calibrate_entry\n"
        ".local calibrate_probed\n"
        ".type calibrate_entry, %function\n"
        "calibrate_entry:\n" ENTRY_CODE(
                "calibrate_probed") ".size calibrate_entry, . - calibrate_entry\n"
                                    ".p2align 4\n"
                                    ".local calibrate_order\n"
                                    ".local calibrate_ordered\n"
                                    ".type calibrate_order, %function\n"
                                    "calibrate_order:\n" ENTRY_CODE(
                                            "calibrate_ordered") ".size calibrate_order, . - "
                                                                 "calibrate_order\n"
                                                                 ".p2align 4\n"
                                                                 ".local calibrate_return\n"
                                                                 ".type calibrate_return, "
                                                                 "%function\n"
                                                                 "calibrate_return:\n"
                                                                 "	ret\n"
                                                                 ".size calibrate_return, . - "
                                                                 "calibrate_return\n"
                                                                 ".p2align 6\n"
                                                                 ".local calibrate_plain\n"
                                                                 ".type calibrate_plain, "
                                                                 "%function\n"
                                                                 "calibrate_plain:\n"
                                                                 "	ret\n"
                                                                 ".size calibrate_plain, . - "
                                                                 "calibrate_plain\n");

extern const char calibrate_entry[], calibrate_probed[], calibrate_return[], calibrate_plain[];
extern const char calibrate_order[], calibrate_ordered[];

/* The function, and the instruction of it that is probed. */
static const struct {
	const char *function, *probed;
} places[CALIBRATE_PLACES] = {
        [CALIBRATE_ENTRY] = {calibrate_entry, calibrate_probed},
        [CALIBRATE_RETURN] = {calibrate_return, calibrate_return},
        [CALIBRATE_ORDER] = {calibrate_order, calibrate_ordered},
};

int calibrate_point(enum calibrate_place place, uint64_t *file_offset)
{
	uint64_t addr = (uint64_t)(uintptr_t)places[place].probed;
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

/* The callers of a goroutine as the frame pointers lead to them: a chain of middling depth that
 * ends as Go's do. What calls this here was built without frame pointers perhaps, and a walk that
 * ends in a fault costs as much as all the rest. */
#define FRAMES      12
#define FRAMES_CODE 0x401000 /* where they would return to */

struct frame {
	const struct frame *next;
	uint64_t return_address;
};

static struct frame frames[FRAMES];

static void frames_fill(void)
{
	for (int i = FRAMES - 1; i >= 0; i--) {
		frames[i].next = i + 1 < FRAMES ? &frames[i + 1] : NULL;
		frames[i].return_address = FRAMES_CODE + (uint64_t)i * 0x100;
	}
}

uint64_t calibrate_goexit(void)
{
	return FRAMES_CODE + (FRAMES - 1) * 0x100;
}

#if defined(__aarch64__)

/* A call as Go makes it: g in R28, *maptype (or the map, where that is the only one) in R0, map in
 * R1. */
static inline void go_call(const char *function, const void *g, const void *first,
                           const void *second)
{
	register const void *x28 __asm__("x28") = g;
	register const void *x0 __asm__("x0") = first;
	register const void *x1 __asm__("x1") = second;

	__asm__ volatile("mov x19, x29\n\t"
	                 "mov x29, %4\n\t"
	                 "blr %3\n\t"
	                 "mov x29, x19"
	                 : "+r"(x0), "+r"(x1), "+r"(x28)
	                 : "r"(function), "r"(frames)
	                 : "x19", "x30", "memory", "cc");
}

#else

/* A call as Go makes it: g in R14, *maptype (or the map, where that is the only one) in RAX, map in
 * RBX. The red zone is stepped over since the call writes below the stack pointer. */
static inline void go_call(const char *function, const void *g, const void *first,
                           const void *second)
{
	register const void *r14 __asm__("r14") = g;
	const void *a = first, *b = second;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
	                 "push %%rbp\n\t"
	                 "mov %4, %%rbp\n\t"
	                 "call *%3\n\t"
	                 "pop %%rbp\n\t"
	                 "lea 128(%%rsp), %%rsp"
	                 : "+a"(a), "+b"(b), "+r"(r14)
	                 : "c"(function), "d"(frames)
	                 : "memory", "cc");
}

#endif

void calibrate_calls(enum calibrate_place place, uint64_t goid, void *map, int calls)
{
	static _Thread_local uint64_t gs[64]
	                                [8]; /* a g each, or one would look like its successor */
	uint64_t *g = gs[goid % 64];
	uint64_t type[16] = {0};
	const void *first = place == CALIBRATE_RETURN ? map : type;

	if (!frames[0].return_address)
		frames_fill();
	g[0] = goid;
	for (int i = 0; i < calls; i++)
		go_call(places[place].function, g, first, map);
}

uint64_t calibrate_time(enum calibrate_place place, void *map, int batches, int calls)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < batches; i++) {
		uint64_t begin = clock_now(), took;

		calibrate_calls(place, 1, map, calls);
		took = (clock_now() - begin) / (uint64_t)calls;
		if (took < best)
			best = took;
	}
	return best;
}

/* ---- cold ---------------------------------------------------------------------------- */

#define LINE 64

uint64_t calibrate_time_cold(enum calibrate_place place, volatile char *memory,
                             volatile uint64_t *map, bool probed)
{
	volatile uint64_t g[8] = {0};
	uint64_t type[16] = {0}, begin;

	if (!frames[0].return_address)
		frames_fill();
	for (size_t i = 0; i < CALIBRATE_MEMORY; i += LINE)
		memory[i]++;
	g[0] = 1;
	map[0] = map[0];
	begin = clock_now();
	go_call(probed ? places[place].function : calibrate_plain, (const void *)g, type,
	        (const void *)map);
	return clock_now() - begin;
}

/* SPDX-License-Identifier: MIT */
/*
 * symbolizer: run-time addresses of all watched processes -> frames, cached.
 *
 * One symbolizer serves a whole session. Processes are added with their binary and load bias;
 * several processes may share one go_binary. Used by one thread (the model's).
 */
#ifndef GOMAPTOP_CORE_SYMBOLIZER_H
#define GOMAPTOP_CORE_SYMBOLIZER_H

#include "core/event/event.h"
#include "core/go/frame.h"
#include "core/go/go_binary.h"

struct symbolizer;

int symbolizer_create(struct symbolizer **out);
void symbolizer_destroy(struct symbolizer *symbolizer); /* accepts NULL; binaries stay open */

/* The binary is borrowed and must outlive the symbolizer. A second call for the same tgid replaces
 * the first (the process executed another program). 0 or -ENOMEM. */
int symbolizer_process_add(struct symbolizer *symbolizer, uint32_t tgid, struct go_binary *binary,
                           uint64_t bias);

/* Frames of one run-time address; see go_binary_frames. The pointer stays valid as long as the
 * symbolizer. *count >= 1. Never NULL. Beyond 262,144 addresses, or 4,096 that lie in no function
 * of the program, and when out of memory, it is one frame without a function or a line. */
const struct frame *symbolizer_frames(struct symbolizer *symbolizer, uint32_t tgid, uint64_t pc,
                                      bool is_return_address, int *count);

/* How many look-ups got that frame. */
uint64_t symbolizer_refused(const struct symbolizer *symbolizer);

/* Name of the first function of a goroutine, from g.startpc; see go_binary_first_function. NULL:
 * not known. Not cached: a few microseconds. */
const char *symbolizer_first_function(const struct symbolizer *symbolizer, uint32_t tgid,
                                      uint64_t startpc);

/* The whole chain of one access as people read it: the immediate caller put in where the kernel's
 * walk missed it (struct access.caller), runtime frames above the operation dropped (functions of
 * packages runtime, reflect, internal/..., maps: out[0] is the function whose source line holds
 * the map operation), runtime.goexit at the bottom dropped. Returns the number of frames written,
 * at most max; 0 when the access has no chain at all. */
int symbolizer_call_chain(struct symbolizer *symbolizer, const struct access *access,
                          struct frame *out, int max);

#endif

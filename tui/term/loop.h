/* SPDX-License-Identifier: MIT */
/*
 * loop: waits for keys, news, signals and the clock, and draws when one of them calls for it.
 *
 * A key is answered at once; news is drawn soon, but many news a second make few frames; the clock
 * draws once an interval at the latest. Nothing changed: nothing is drawn.
 */
#ifndef GOMAPTOP_TUI_LOOP_H
#define GOMAPTOP_TUI_LOOP_H

#include <stdbool.h>
#include <stdint.h>

enum loop_answer { LOOP_IDLE, LOOP_DRAW, LOOP_QUIT };

struct loop {
	int event_fd; /* -1: none */
	uint64_t interval_ns;
	uint64_t duration_ns; /* 0: no end */
	/* A key came (code of wgetch). */
	enum loop_answer (*key)(void *ctx, int code);
	/* event_fd is readable or (clock) an interval has passed. */
	enum loop_answer (*news)(void *ctx, bool clock);
	void (*draw)(void *ctx);
	void *ctx;
};

/* On an open screen, until a callback or a signal says quit, the duration is over, or the
 * terminal is gone. 0 or -errno of poll(2). */
int loop_run(const struct loop *loop);

#endif

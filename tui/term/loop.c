/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/term/loop.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tui/term/screen.h"

#define NS_MS        UINT64_C(1000000)
#define FRAME_GAP_NS (200 * NS_MS) /* news alone draws no more often than this */
/* A frame that took longer was held up by the terminal. Then there is a pause so many times as
 * long: what was sent is on its way meanwhile, and a key does not have to wait behind it. While a
 * frame is being sent, none is drawn; keys, signals and the clock are served all the same. */
#define SLOW_NS     (50 * NS_MS)
#define SLOW_PAUSES 2

struct state {
	uint64_t now, end, next_clock, next_frame; /* next_frame: no news is drawn before */
	uint64_t sent; /* when the frame that is on its way was; 0: none */
	bool dirty;    /* something to draw */
	bool at_once;  /* and it must not wait */
	bool slow;     /* the terminal is slower than what is drawn */
	bool quit;
	bool deaf; /* the event descriptor stays readable with nothing behind it: leave it */
};

static void take(struct state *state, enum loop_answer answer, bool at_once)
{
	if (answer == LOOP_IDLE)
		return;
	state->dirty = true;
	state->at_once |= at_once;
	state->quit |= answer == LOOP_QUIT;
}

static void keys_handle(const struct loop *loop, struct state *state)
{
	for (int code; !state->quit && (code = screen_key()) >= 0;)
		take(state, loop->key(loop->ctx, code), true);
}

static int timeout_ms(const struct state *state)
{
	uint64_t until = state->next_clock;

	if (state->end && state->end < until)
		until = state->end;
	if (state->dirty && !state->sent && state->next_frame < until)
		until = state->next_frame;
	return until > state->now ? (int)((until - state->now) / NS_MS) + 1 : 0;
}

/* The last frame has reached the terminal: how long did it take? */
static void sent_note(const struct loop *loop, struct state *state)
{
	uint64_t gap = loop->interval_ns < FRAME_GAP_NS ? loop->interval_ns : FRAME_GAP_NS;
	uint64_t now, took;

	if (!state->sent || screen_is_sending())
		return;
	now = clock_now();
	took = now - state->sent;
	state->slow = took > SLOW_NS;
	state->next_frame = state->slow ? now + SLOW_PAUSES * took : state->sent + gap;
	state->sent = 0;
}

static void draw_if_due(const struct loop *loop, struct state *state)
{
	sent_note(loop, state);
	if (!state->dirty || state->sent || (!state->at_once && state->now < state->next_frame))
		return;
	screen_begin();
	loop->draw(loop->ctx);
	state->sent = clock_now();
	screen_show();
	state->dirty = state->at_once = false;
}

static void signals_take(struct state *state)
{
	int request = screen_signals_handle();

	state->quit |= (request & SCREEN_QUIT) != 0;
	state->dirty |= (request & SCREEN_REDRAW) != 0;
	state->at_once |= (request & SCREEN_REDRAW) != 0;
}

/* A source that is over may leave its descriptor readable for good: then the clock has to do,
 * rather than all of a core. */
static void news_take(const struct loop *loop, struct state *state)
{
	enum loop_answer answer = loop->news(loop->ctx, false);

	state->deaf = answer == LOOP_IDLE;
	take(state, answer, false);
}

/* One round: wait, then serve what is readable or due. */
static int round_run(const struct loop *loop, struct state *state)
{
	struct pollfd fds[] = {
	        {.fd = STDIN_FILENO, .events = POLLIN},
	        {.fd = screen_signal_fd(), .events = POLLIN},
	        {.fd = state->deaf ? -1 : loop->event_fd, .events = POLLIN},
	        {.fd = screen_sent_fd(), .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms(state)) < 0 && errno != EINTR)
		return -errno;
	state->now = clock_now();
	if (fds[1].revents)
		signals_take(state);
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		state->quit = true; /* the terminal is gone */
	if (fds[2].revents)
		news_take(loop, state);
	if (state->now >= state->next_clock) {
		state->deaf = false;
		take(state, loop->news(loop->ctx, true), !state->slow && !state->sent);
		state->next_clock = state->now + loop->interval_ns;
	}
	keys_handle(loop, state); /* also those curses read ahead */
	return 0;
}

int loop_run(const struct loop *loop)
{
	struct state state = {.dirty = true, .at_once = true, .now = clock_now()};
	int rc = 0;

	state.end = loop->duration_ns ? state.now + loop->duration_ns : 0;
	state.next_clock = state.now;
	while (!state.quit && !rc) {
		rc = round_run(loop, &state);
		if (state.end && state.now >= state.end)
			break;
		if (!state.quit && !rc)
			draw_if_due(loop, &state);
	}
	return rc;
}

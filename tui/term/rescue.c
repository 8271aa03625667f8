/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE_EXTENDED 1
#include "tui/term/rescue.h"

#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

static char bytes[512];
static size_t byte_count;
static struct termios before;
static atomic_int prepared;

static int append(int c)
{
	if (byte_count < sizeof(bytes))
		bytes[byte_count++] = (char)c;
	return c;
}

void rescue_prepare(const struct termios *saved)
{
	/* Colours and attributes off, cursor keys as they were, cursor visible, and last the screen
	 * that was there before: names of terminfo(5). */
	static const char *const capabilities[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};

	before = *saved;
	byte_count = 0;
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		char *sequence = tigetstr((char *)capabilities[i]);

		if (sequence && sequence != (char *)-1)
			tputs(sequence, 1, append);
	}
	atomic_store(&prepared, 1);
}

void rescue_terminal(void)
{
	size_t done = 0;

	if (!atomic_exchange(&prepared, 0))
		return;
	while (done < byte_count) {
		/* A stopped terminal must not keep a crash from its end. */
		struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
		ssize_t n = poll(&ready, 1, 0) <= 0
		                    ? 0
		                    : write(STDOUT_FILENO, bytes + done, byte_count - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	tcsetattr(STDOUT_FILENO, TCSANOW, &before);
}

void rescue_forget(void)
{
	atomic_store(&prepared, 0);
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define _XOPEN_SOURCE_EXTENDED 1
#include "tui/term/screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tui/term/escape.h"
#include "tui/term/rescue.h"
#include "tui/term/screen_output.h"
#include "tui/term/text.h"

/* What a signal means to the screen; the handler only passes the letter on through a pipe. */
static const struct {
	int signal;
	char letter; /* 0: fatal, restored from the handler */
} signals[] = {
        {SIGWINCH, 'w'}, {SIGTSTP, 'z'}, {SIGCONT, 'c'}, {SIGINT, 'q'},
        {SIGTERM, 'q'},  {SIGHUP, 'q'},  {SIGQUIT, 'q'}, {SIGSEGV, 0},
        {SIGBUS, 0},     {SIGABRT, 0},   {SIGFPE, 0},    {SIGILL, 0},
};

#define SIGNALS   (sizeof(signals) / sizeof(signals[0]))
#define ALT_STACK 65536
#define KEY_ESC   0x1b

/* How long a terminal may take nothing: as the screen opens, and as it is given back. A pseudo
 * terminal whose reader is slow takes nothing for some 2 s, then 4 KB at once. */
#define OPEN_MS  5000
#define CLOSE_MS 3000

static struct {
	bool open;
	SCREEN *terminal;
	struct termios before, ours;
	int pipe[2];
	struct sigaction old[SIGNALS];
	stack_t old_stack;
	void *alt_stack;
	void (*pause)(void *ctx, bool on); /* see screen_pause_set() */
	void *pause_ctx;
	struct escape escape;
	int next_key; /* comes behind the Esc that was handed out last; 0: none */
} screen = {.pipe = {-1, -1}};

/* ---- signals ----------------------------------------------------------------------------------
 */

static void on_request(int signal)
{
	int saved = errno;

	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i].signal == signal) {
			ssize_t n = write(screen.pipe[1], &signals[i].letter, 1);
			(void)n; /* full: enough letters are waiting already */
		}
	errno = saved;
}

/* Restore the terminal, then let the signal do what it would have done without us. */
static void on_fatal(int signal)
{
	rescue_terminal();
	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i].signal == signal)
			sigaction(signal, &screen.old[i], NULL);
	raise(signal); /* blocked until the handler returns */
}

static void signals_install(void)
{
	stack_t stack = {.ss_sp = malloc(ALT_STACK), .ss_size = ALT_STACK};

	/* A stack overflow leaves no stack to run the handler on. */
	screen.alt_stack = stack.ss_sp;
	if (stack.ss_sp)
		sigaltstack(&stack, &screen.old_stack);
	for (size_t i = 0; i < SIGNALS; i++) {
		struct sigaction action = {.sa_handler = signals[i].letter ? on_request : on_fatal};

		action.sa_flags = signals[i].letter ? SA_RESTART : SA_ONSTACK;
		sigaction(signals[i].signal, &action, &screen.old[i]);
	}
}

static void signals_remove(void)
{
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i].signal, &screen.old[i], NULL);
	if (screen.alt_stack) {
		if (screen.old_stack.ss_sp == NULL)
			screen.old_stack.ss_flags = SS_DISABLE;
		sigaltstack(&screen.old_stack, NULL);
		free(screen.alt_stack);
		screen.alt_stack = NULL;
	}
}

static void resize(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	screen_invalidate();
}

/* As far as it takes what is sent. */
static void terminal_return(unsigned int patience_ms)
{
	endwin();
	screen_output_send();
	screen_output_drain(patience_ms);
	tcsetattr(STDOUT_FILENO, TCSANOW, &screen.before);
}

/* The terminal is ours again, whatever happened to it meanwhile. */
static void resume(void)
{
	if (!isendwin())
		endwin(); /* stopped without notice: take the terminal anew all the same */
	tcsetattr(STDOUT_FILENO, TCSANOW, &screen.ours);
	refresh();
	resize();
}

/* Stop as the shell expects it, with the terminal given back. Returns when continued, or at once
 * where no shell could continue it: the kernel does not stop a process without a shell. */
static void suspend(void)
{
	struct sigaction ours, usual = {.sa_handler = SIG_DFL};
	sigset_t unblock;

	terminal_return(CLOSE_MS);
	if (screen.pause)
		screen.pause(screen.pause_ctx, true);
	sigaction(SIGTSTP, &usual, &ours);
	sigemptyset(&unblock);
	sigaddset(&unblock, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &unblock, NULL);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
	if (screen.pause)
		screen.pause(screen.pause_ctx, false);
	resume();
}

void screen_pause_set(void (*pause)(void *ctx, bool on), void *ctx)
{
	screen.pause = pause;
	screen.pause_ctx = ctx;
}

int screen_signal_fd(void)
{
	return screen.pipe[0];
}

int screen_signals_handle(void)
{
	int request = SCREEN_NOTHING;
	char letters[64];
	ssize_t n;

	while ((n = read(screen.pipe[0], letters, sizeof(letters))) > 0) {
		request |= SCREEN_REDRAW;
		if (memchr(letters, 'q', (size_t)n))
			request |= SCREEN_QUIT;
		if (memchr(letters, 'z', (size_t)n))
			suspend();
		if (memchr(letters, 'c', (size_t)n))
			resume();
		else if (memchr(letters, 'w', (size_t)n))
			resize();
	}
	return request;
}

/* ---- life cycle -------------------------------------------------------------------------------
 */

static int check_terminal(struct error *err)
{
	const char *term = getenv("TERM");
	const char *move;
	bool can_move;
	int status;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, ENOTTY,
		                 "standard input or output is no terminal: use --batch for a "
		                 "report");
	if (!term || !*term || setupterm(term, STDOUT_FILENO, &status) == ERR)
		return error_set(err, EINVAL,
		                 "terminal type '%.60s' is unknown: set TERM (TERM=xterm fits "
		                 "most), or use --batch",
		                 term ? term : "");
	move = tigetstr("cup");
	can_move = move && move != (char *)-1;
	del_curterm(cur_term); /* newterm() makes its own */
	if (!can_move)
		return error_set(err, EINVAL,
		                 "terminal type '%.60s' cannot place its cursor: set TERM "
		                 "(TERM=xterm fits most), or use --batch",
		                 term);
	return 0;
}

/* All that curses sets in the terminal's modes. It waits for earlier output to be sent, and on a
 * stopped terminal that is never: so the caller has looked whether it takes any. */
static int modes_set(void)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	tcgetattr(STDOUT_FILENO, &screen.ours);
	return screen_output_redirect();
}

/* Home and End as PuTTY, rxvt and others send them, whatever TERM says of them. */
static void keys_define(void)
{
	static const struct {
		const char *sequence;
		int code;
	} keys[] = {
	        {"\033[1~", KEY_HOME}, {"\033[4~", KEY_END}, {"\033[7~", KEY_HOME},
	        {"\033[8~", KEY_END},  {"\033[H", KEY_HOME}, {"\033[F", KEY_END},
	        {"\033OH", KEY_HOME},  {"\033OF", KEY_END},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (key_defined(keys[i].sequence) == 0)
			define_key(keys[i].sequence, keys[i].code);
}

static void features_set(void)
{
	keypad(stdscr, TRUE);
	keys_define();
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	/* Presses only: a click that waits for a second one would make every click late. The wheel
	 * comes as buttons 4 and 5. */
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
}

static int pipe_open(void)
{
	return pipe2(screen.pipe, O_CLOEXEC | O_NONBLOCK) ? -errno : 0;
}

static void pipe_close(void)
{
	for (int i = 0; i < 2; i++) {
		if (screen.pipe[i] >= 0)
			close(screen.pipe[i]);
		screen.pipe[i] = -1;
	}
}

static int check_takes_output(struct error *err)
{
	struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (poll(&ready, 1, OPEN_MS) > 0)
		return 0;
	return error_set(err, ETIMEDOUT,
	                 "the terminal takes no output: press Ctrl-Q if it was stopped with Ctrl-S "
	                 "and start again, or use --batch");
}

static int terminal_take(struct error *err)
{
	FILE *out;
	int rc = pipe_open();

	if (!rc)
		rc = screen_output_open(&out);
	if (rc)
		return error_set(err, -rc,
		                 "the screen cannot be opened: %s; raise the limits (ulimit -n, "
		                 "ulimit -u)",
		                 strerror(-rc));
	screen.terminal = newterm(NULL, out, stdin);
	if (!screen.terminal)
		return error_set(err, EINVAL, "the terminal cannot be set up: use --batch");
	rc = modes_set();
	if (rc) {
		endwin();
		delscreen(screen.terminal);
		return error_set(err, -rc,
		                 "no memory for the screen's output: %s; free some, or use --batch",
		                 strerror(-rc));
	}
	return 0;
}

int screen_open(enum ui_color color, struct error *err)
{
	static bool at_exit;
	int rc;

	setlocale(LC_ALL, "");
	text_set_utf8(strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
	rc = check_terminal(err);
	if (!rc)
		rc = check_takes_output(err);
	if (rc)
		return rc;
	tcgetattr(STDOUT_FILENO, &screen.before);
	rc = terminal_take(err);
	if (rc) {
		screen_output_close();
		pipe_close();
		return rc;
	}
	features_set();
	style_setup(color != UI_COLOR_NEVER);
	rescue_prepare(&screen.before);
	signals_install(); /* after newterm(), which installs handlers of its own */
	screen.open = true;
	if (!at_exit)
		at_exit = atexit(screen_close) == 0;
	return 0;
}

void screen_close(void)
{
	if (!screen.open)
		return;
	screen.open = false;
	terminal_return(CLOSE_MS);
	rescue_forget();
	signals_remove();
	delscreen(screen.terminal);
	screen.terminal = NULL;
	screen_output_close();
	pipe_close();
}

/* ---- frames and keys ---------------------------------------------------------------------------
 */

int screen_height(void)
{
	return LINES;
}

int screen_width(void)
{
	return COLS;
}

void screen_begin(void)
{
	erase();
}

void screen_show(void)
{
	wnoutrefresh(stdscr);
	doupdate();
	screen_output_send();
}

bool screen_is_sending(void)
{
	return screen_output_waits();
}

int screen_sent_fd(void)
{
	return screen_output_fd();
}

void screen_invalidate(void)
{
	clearok(curscr, TRUE);
}

int screen_key(void)
{
	int code = screen.next_key;
	bool esc_first;

	screen.next_key = 0;
	if (code)
		return code;
	for (;;) {
		code = getch();
		if (code == ERR)
			return escape_is_over(&screen.escape) ? KEY_ESC : -1;
		if (code == KEY_RESIZE) /* not pressed by anybody; the signal has told of it */
			continue;
		switch (escape_take(&screen.escape, code, clock_now(), &esc_first)) {
		case ESCAPE_IS_KEY:
			if (!esc_first)
				return code;
			screen.next_key = code;
			return KEY_ESC;
		case ESCAPE_IS_PENDING:
			if (esc_first)
				return KEY_ESC;
			break;
		case ESCAPE_IS_PART:
			break;
		}
	}
}

_Static_assert(SCREEN_KEY_MOUSE == KEY_MOUSE, "as curses has it");

struct mouse screen_mouse(void)
{
	static const struct {
		mmask_t mask;
		enum mouse_what what;
	} kinds[] = {
	        {BUTTON1_PRESSED, MOUSE_CLICK},
	        {BUTTON4_PRESSED, MOUSE_WHEEL_UP},
	        {BUTTON5_PRESSED, MOUSE_WHEEL_DOWN},
	};
	struct mouse mouse = {MOUSE_NOTHING, 0, 0};
	MEVENT event;

	if (getmouse(&event) == ERR)
		return mouse;
	mouse.y = event.y;
	mouse.x = event.x;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (event.bstate & kinds[i].mask)
			mouse.what = kinds[i].what;
	return mouse;
}

void screen_send(const char *text, const char *end)
{
	screen_output_text(text);
	screen_output_text(end);
}

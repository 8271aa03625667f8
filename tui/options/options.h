/* SPDX-License-Identifier: MIT */
/*
 * options: the command line, from one table to argp, --help, manual page and the
 * completions of shells.
 *
 * Rows live in options_table.c: long name, letter, argument, default, where it has a meaning,
 * help, and the function that reads it. Nothing else in the project knows how an option is spelt.
 */
#ifndef GOMAPTOP_TUI_OPTIONS_H
#define GOMAPTOP_TUI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/report/snapshot.h"
#include "tui/term/color.h"

/* Exit statuses of the program: a contract with scripts. */
enum exit_status {
	EXIT_RAN = 0,      /* it ran; nothing was found, and with -b enough was seen to say so */
	EXIT_FAILED = 1,   /* it could not do its work */
	EXIT_USAGE = 2,    /* the command line is wrong */
	EXIT_CONFLICT = 3, /* -b: it ran, and at least one conflict was seen */
	EXIT_INCONCLUSIVE = 4, /* -b: nothing was found, and too little was seen to say more */
	EXIT_GAPS = 5,         /* -b: nothing was found, and something was lost or not watched */
	EXIT_UNORDERED = 6,    /* -b: unordered pairs were seen, no conflict */
};

enum command { COMMAND_WATCH, COMMAND_CHECK };

/* Where metrics are served. */
struct listen_address {
	struct sockaddr_storage at; /* ss_family AF_UNSPEC (zero): nowhere */
	socklen_t size;
	bool any_port; /* the kernel chooses one */
	mode_t mode;   /* of a unix socket */
};

struct options {
	enum command command_word; /* `gomaptop check ...`; without a word: watch */
	pid_t *pids;               /* -p, in the order given, each once */
	size_t pid_count;
	char **names; /* of processes, -p too: target_names_resolve() makes pids of them */
	size_t name_count;
	char *executable;     /* -e, or NULL */
	char **command;       /* -- CMD ARG..., NULL-terminated, part of argv; or NULL */
	bool batch;           /* -b, or standard output is no terminal */
	uint64_t duration_ns; /* 0: no limit */
	uint64_t interval_ns;
	char *output;                /* -o, or NULL */
	enum snapshot_format format; /* what -b prints: text unless --format says otherwise */
	enum snapshot_format
	        output_format; /* what -o writes: json unless --format says otherwise */
	bool until_conflict;
	bool until_finding; /* a conflict or an unordered pair */
	bool until_sure;    /* a finding, or enough was seen to say that there is none */
	bool inconclusive_ok;
	bool bell;  /* at the first finding */
	char *exec; /* --exec, run by sh -c at each new one; or NULL */
	uint64_t stall_min_ns, stall_max_ns;
	int stack_depth;
	double overhead_limit;        /* part of the target's CPU time; 1: no limit */
	struct listen_address listen; /* --listen */
	enum ui_color color;          /* NO_COLOR has been looked at: never AUTO because of it */
	bool show_keys;
	struct source_dir { /* --source-dir, in the order given */
		char *from, *to;
	} * source_dirs;
	size_t source_dir_count;
	bool verbose;
};

enum options_answer {
	OPTIONS_RUN,    /* *options says what to do */
	OPTIONS_DONE,   /* --help or --version has been printed: exit with EXIT_RAN */
	OPTIONS_WRONG,  /* said so on standard error: exit with EXIT_USAGE */
	OPTIONS_FAILED, /* there was no memory to read it, said so: exit with EXIT_FAILED */
};

/* Read the command line. stdout_is_terminal decides about batch mode where -b does not. Messages
 * go to standard error, each as `gomaptop: what, on what, what to do next`. Whatever the answer,
 * the caller frees *options with options_free(). Not thread-safe (argp is not). */
enum options_answer options_parse(int argc, char **argv, bool stdout_is_terminal,
                                  struct options *options);
void options_free(struct options *options); /* accepts a zeroed struct */

/* Add a process to those of -p. 0, or -ENOMEM with words. */
int options_pid_add(struct options *options, pid_t pid, struct error *err);

/* The command word that this one may be meant for; NULL: none is like it. */
const char *options_word_like(const char *word);

/* A process must be chosen from the list: no -p, no -e, no CMD. */
bool options_name_no_target(const struct options *options);

/* ---- readers of values, 0 or -EINVAL with words ------------------------------------------------
 */

/* `10s`, `500ms`, `20us`, `5m`, `1h`, `1.5s`; a bare number is seconds. At most 1000 days. */
int time_parse(const char *text, uint64_t *ns, struct error *err);
/* `MIN..MAX`, two times; a single time means both. */
int time_range_parse(const char *text, uint64_t *min_ns, uint64_t *max_ns, struct error *err);
/* `unix:PATH` or `unix:PATH,mode=0660` (default 0600), or `9464` (loopback), `127.0.0.1:9464`,
 * `[::1]:9464`; port 0: the kernel chooses. No names, and no port without an address before its
 * colon: which hosts can read the metrics is then always said. */
int listen_parse(const char *text, struct listen_address *out, struct error *err);

/* ---- documents made from the same table --------------------------------------------------------
 */

int options_write_manual(FILE *out);     /* .TP entries, man(7) */
int options_write_commands(FILE *out);   /* .TP entries of the command words */
int options_write_completion(FILE *out); /* one line an option: "name letter argument-word" */
int options_write_fish(FILE *out);       /* one line a command or option: complete(1) of fish */
int options_write_zsh(FILE *out);        /* one line an option: a word of _arguments of zsh */
int options_write_zsh_words(FILE *out);  /* one line a command: a word of _describe of zsh */
int options_write_words(FILE *out);      /* the command words, one a line */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * check_report: what `gomaptop check` found, as facts; the text and the JSON are two ways to write
 * the same ones.
 *
 * A fact is declared once, where it is found (check_program.c, check_host.c): a key for programs, a
 * title for people, a value, a state, and what it means for the user. No curses here. One thread.
 */
#ifndef GOMAPTOP_TUI_CHECK_REPORT_H
#define GOMAPTOP_TUI_CHECK_REPORT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "core/order/order_site.h"
#include "core/probe/probe_site.h"

#define CHECK_SCHEMA "gomaptop.check/1"

enum check_section {
	CHECK_PROGRAM,
	CHECK_PRIVILEGES,
	CHECK_KERNEL,
	CHECK_MACHINE,
	CHECK_SECTION_COUNT,
};

enum check_state {
	CHECK_OK,      /* as it should be */
	CHECK_NOTE,    /* good to know, changes nothing */
	CHECK_LIMIT,   /* watching works, with less */
	CHECK_UNKNOWN, /* could not be found out */
	CHECK_PROBLEM, /* watching will not work; the meaning ends with what to do */
	CHECK_STATE_COUNT,
};

enum check_kind { CHECK_NULL, CHECK_BOOL, CHECK_NUMBER, CHECK_TEXT };

struct check_value {
	enum check_kind kind;
	int64_t number;   /* also of a bool */
	const char *text; /* copied by check_fact_add() */
};

#define CHECK_VALUE_NULL      ((struct check_value){.kind = CHECK_NULL})
#define CHECK_VALUE_BOOL(b)   ((struct check_value){.kind = CHECK_BOOL, .number = (b)})
#define CHECK_VALUE_NUMBER(n) ((struct check_value){.kind = CHECK_NUMBER, .number = (n)})
/* NULL is "unknown". */
static inline struct check_value check_value_text(const char *text)
{
	return (struct check_value){.kind = text ? CHECK_TEXT : CHECK_NULL, .text = text};
}

struct check_fact {
	enum check_section section;
	enum check_state state;
	const char *key, *title; /* static */
	struct check_value value;
	char text[512];    /* storage of value.text */
	char meaning[512]; /* may be empty */
};

enum check_probe_kind {
	CHECK_EMULATED, /* the kernel emulates the probed instruction */
	CHECK_STEPPED,  /* it steps it in a copy: ten times the cost */
	CHECK_COVERED,  /* not probed: what it calls is */
	CHECK_DROPPED,  /* not in this binary */
	CHECK_MISSING,  /* should be probed and cannot be */
	CHECK_PROBE_KIND_COUNT,
};

struct check_probe {
	char function[128];
	const char *operation; /* "read", ..., "crash"; static */
	enum check_probe_kind kind;
	const char *instruction;    /* "push"; NULL: none */
	uint64_t addr, file_offset; /* of the instruction, in the file's terms; 0 where none */
	char reason[160];           /* empty for those that are probed */
};

/* An operation that goes through no function that could be probed. */
struct check_unseen {
	char operation[96], reason[160];
};

/* A return instruction at which it is seen that a map was made. */
struct check_birth {
	char function[128];
	uint64_t addr, file_offset;
};

struct check_report {
	pid_t pid;             /* 0: a file was asked for */
	char target[PATH_MAX]; /* the file; empty: unknown */
	struct check_fact *facts;
	size_t fact_count;
	bool probes_known;
	struct check_probe *probes;
	size_t probe_count;
	struct check_unseen *unseen;
	size_t unseen_count;
	struct check_birth *births;
	size_t birth_count;
	bool order_known;
	struct order_plan order; /* what orders goroutines; of its sites the addresses are told */
	bool failed;             /* out of memory somewhere */
	/* check_report_judge(): */
	bool works;
	char verdict[1024];
};

/* Append; running out of memory is remembered in report->failed. */
void check_fact_add(struct check_report *report, enum check_section section, enum check_state state,
                    const char *key, const char *title, struct check_value value,
                    const char *meaning, ...) __attribute__((format(printf, 7, 8)));
struct check_probe *check_probe_add(struct check_report *report, const char *function);
void check_unseen_add(struct check_report *report, const char *operation, const char *reason);
void check_birth_add(struct check_report *report, const char *function, uint64_t addr,
                     uint64_t file_offset);
const struct check_fact *check_fact_find(const struct check_report *report, const char *key);

size_t check_probe_count(const struct check_report *report, enum check_probe_kind kind);
/* Stepped ones that are hit once, by a crash. */
size_t check_probes_stepped_once(const struct check_report *report);
/* Those that ought to be probed, and those of them that can be. */
size_t check_probes_wanted(const struct check_report *report);
size_t check_probes_placed(const struct check_report *report);

/* Would watching work? One sentence, from the facts: the first problem, or what there is. */
void check_report_judge(struct check_report *report);

/* 0, or -errno of the stream (or -ENOMEM). Text is at most 80 columns wide. */
int check_text_write(const struct check_report *report, bool color, FILE *out);
int check_json_write(const struct check_report *report, FILE *out);

void check_report_free(struct check_report *report); /* accepts a zeroed one */

extern const char *const check_section_keys[CHECK_SECTION_COUNT]; /* "program", ... */
extern const char *const check_state_keys[CHECK_STATE_COUNT];     /* "ok", "note", ... */
extern const char *const check_probe_keys[CHECK_PROBE_KIND_COUNT];

#endif

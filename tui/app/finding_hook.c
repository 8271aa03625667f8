/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/app/finding_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/sanitize.h"

#define VARIABLES_MAX 16
#define VARIABLE_MAX  512

/* One run: what is added to the environment. */
struct run {
	int count;
	char variables[VARIABLES_MAX][VARIABLE_MAX];
};

struct finding_hook {
	struct finding_hook_config config;
	struct run queue[FINDING_HOOK_QUEUE]; /* a ring */
	size_t first, waiting;
	pid_t running; /* 0: none */
	unsigned int left_out;
	unsigned int told;    /* number of the latest conflict row that was queued */
	size_t rows, crashes; /* of the model, as seen last */
	bool rung;
};

int finding_hook_create(const struct finding_hook_config *config, struct finding_hook **out)
{
	struct finding_hook *hook = calloc(1, sizeof(*hook));

	if (!hook)
		return -ENOMEM;
	hook->config = *config;
	*out = hook;
	return 0;
}

void finding_hook_destroy(struct finding_hook *hook)
{
	free(hook);
}

unsigned int finding_hook_left_out(const struct finding_hook *hook)
{
	return hook->left_out + (unsigned int)hook->waiting;
}

/* ---- what a run is told -------------------------------------------------------------- */

/* Names are the target's: no control characters, which a log or a terminal might obey. */
static void add(struct run *run, const char *name, const char *value)
{
	char *variable = run->variables[run->count];
	int used;

	if (!value || !*value || run->count == VARIABLES_MAX)
		return;
	used = snprintf(variable, VARIABLE_MAX, "GOMAPTOP_%s=", name);
	sanitize(value, variable + used, VARIABLE_MAX - (size_t)used);
	run->count++;
}

static void add_number(struct run *run, const char *name, const char *before, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%" PRIu64, before, number);
	add(run, name, text);
}

/* LINE_A, FUNCTION_A, GOROUTINE_A; of b likewise. */
static void add_side(struct run *run, char letter, const struct side *side)
{
	const struct frame *frame = side->chain_length ? &side->chain[0] : NULL;
	char name[32], line[VARIABLE_MAX];

	if (frame && frame->file) {
		snprintf(name, sizeof(name), "LINE_%c", letter);
		snprintf(line, sizeof(line), "%s:%d", frame->file, frame->line);
		add(run, name, line);
	}
	snprintf(name, sizeof(name), "FUNCTION_%c", letter);
	add(run, name, frame ? frame->function : NULL);
	snprintf(name, sizeof(name), "GOROUTINE_%c", letter);
	if (side->access.goid)
		add_number(run, name, "", side->access.goid);
}

static void add_process(struct run *run, const struct model *model, uint32_t tgid)
{
	const struct target_row *target = model_target(model, tgid);

	add_number(run, "PID", "", tgid);
	add(run, "EXECUTABLE", target ? target->exe : NULL);
}

static void add_map(struct run *run, const struct map_row *map)
{
	if (!map)
		return;
	add_number(run, "MAP", "m", map->number);
	add(run, "MAP_TYPE", map->type);
}

/* Room for another run, zeroed; NULL: it is left out. */
static struct run *run_new(struct finding_hook *hook)
{
	struct run *run = &hook->queue[(hook->first + hook->waiting) % FINDING_HOOK_QUEUE];

	if (!hook->config.command)
		return NULL;
	if (hook->waiting == FINDING_HOOK_QUEUE) {
		hook->left_out++;
		return NULL;
	}
	hook->waiting++;
	run->count = 0;
	return run;
}

static void note_conflict(struct finding_hook *hook, const struct model *model,
                          const struct conflict_row *row)
{
	struct run *run = run_new(hook);

	if (!run)
		return;
	add(run, "FINDING", row->evidence == EVIDENCE_UNORDERED ? "unordered" : "conflict");
	add(run, "KIND", conflict_kind_name(row->kind));
	add_process(run, model, row->a.access.tgid ? row->a.access.tgid : row->b.access.tgid);
	add_map(run, row->map);
	add_side(run, 'A', &row->a);
	add_side(run, 'B', &row->b);
}

static void note_crash(struct finding_hook *hook, const struct model *model,
                       const struct crash_row *row)
{
	struct run *run = run_new(hook);

	if (!run)
		return;
	add(run, "FINDING", "crash");
	add(run, "MESSAGE", row->message);
	add_process(run, model, row->tgid);
	add_map(run, row->map);
	add_side(run, 'A', &row->side);
}

/* ---- running ------------------------------------------------------------------------- */

/* The environment of this process and the run's; NULL: no memory. Its strings are borrowed. */
static char **environment_make(struct run *run)
{
	size_t count = 0;
	char **environment;

	while (environ[count])
		count++;
	environment = calloc(count + (size_t)run->count + 1, sizeof(*environment));
	if (!environment)
		return NULL;
	memcpy(environment, environ, count * sizeof(*environment));
	for (int i = 0; i < run->count; i++)
		environment[count + (size_t)i] = run->variables[i];
	return environment;
}

/* A process group of its own: Ctrl-C and Ctrl-Z of the terminal are for gomaptop. */
static int spawn(const struct finding_hook *hook, char **environment, pid_t *pid)
{
	char *const words[] = {"sh", "-c", (char *)hook->config.command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (hook->config.quiet)
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
	                                              POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	rc = posix_spawn(pid, "/bin/sh", &files, &attributes, words, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static void begin_next(struct finding_hook *hook)
{
	struct run *run = &hook->queue[hook->first];
	char **environment;

	if (hook->running && waitpid(hook->running, NULL, WNOHANG) == 0)
		return;
	hook->running = 0;
	if (!hook->waiting)
		return;
	hook->first = (hook->first + 1) % FINDING_HOOK_QUEUE;
	hook->waiting--;
	environment = environment_make(run);
	if (!environment || spawn(hook, environment, &hook->running)) {
		hook->running = 0;
		hook->left_out++;
	}
	free(environment);
}

/* ---- looking ------------------------------------------------------------------------- */

static int compare_numbers(const void *x, const void *y)
{
	const struct conflict_row *a = *(struct conflict_row *const *)x;
	const struct conflict_row *b = *(struct conflict_row *const *)y;

	return (a->number > b->number) - (a->number < b->number);
}

static void conflicts_note(struct finding_hook *hook, const struct model *model)
{
	size_t count = model_conflict_count(model), kept, told;
	struct conflict_row **rows = calloc(count + 1, sizeof(*rows));

	if (!rows)
		return;
	kept = model_findings(model, NULL, rows, count, &told);
	qsort(rows, kept, sizeof(*rows), compare_numbers);
	for (size_t i = 0; i < kept; i++) {
		if (rows[i]->number <= hook->told)
			continue;
		hook->told = rows[i]->number;
		note_conflict(hook, model, rows[i]);
	}
	free(rows);
}

static void crashes_note(struct finding_hook *hook, const struct model *model)
{
	size_t count = model_crash_count(model);
	struct crash_row **rows = calloc(count + 1, sizeof(*rows));

	count = rows ? model_crashes(model, rows, count) : 0;
	for (size_t i = hook->crashes; i < count; i++)
		note_crash(hook, model, rows[i]);
	hook->crashes = count > hook->crashes ? count : hook->crashes;
	free(rows);
}

static void ring(struct finding_hook *hook)
{
	if (hook->config.bell && !hook->rung && isatty(STDERR_FILENO))
		fputc('\a', stderr);
	hook->rung = true;
}

void finding_hook_look(struct finding_hook *hook, const struct model *model)
{
	size_t rows = model_conflict_count(model);

	if (rows != hook->rows || model_crash_count(model) > hook->crashes) {
		hook->rows = rows;
		conflicts_note(hook, model);
		crashes_note(hook, model);
		ring(hook);
	}
	begin_next(hook);
}

/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file_identity.h"
#include "core/model/model.h"
#include "core/probe/birth_site.h"
#include "core/process/parse_job.h"
#include "tui/check/check_parts.h"

#ifdef __aarch64__
#define HOST_MACHINE EM_AARCH64
#else
#define HOST_MACHINE EM_X86_64
#endif

/* ---- the process ----------------------------------------------------------------------- */

static void fact_process(struct check_report *report, enum check_state state, const char *meaning)
{
	check_fact_add(report, CHECK_PROGRAM, state, "process", "process",
	               CHECK_VALUE_NUMBER(report->pid), "%s", meaning);
}

static void fact_may_look(struct check_report *report, bool may)
{
	if (may)
		check_fact_add(report, CHECK_PRIVILEGES, CHECK_OK, "target", "look at the process",
		               CHECK_VALUE_BOOL(true), "which file it runs, where it is loaded");
	else
		check_fact_add(report, CHECK_PRIVILEGES, CHECK_PROBLEM, "target",
		               "look at the process", CHECK_VALUE_BOOL(false),
		               "process %d belongs to another user or has more rights; %s",
		               (int)report->pid,
		               geteuid() == 0 ? "root has lost CAP_SYS_PTRACE here: give it this"
		                              : "run gomaptop as root, or with CAP_SYS_PTRACE");
}

/* Whether the file can be looked at: what it runs is behind /proc/PID/exe, deleted or not. */
static bool process_open(struct check_report *report, struct check_target *target)
{
	static const char gone[] = " (deleted)";
	char words[160];
	struct error err;
	size_t length;
	int rc;

	target->pidfd = go_process_open(target->pid, &err);
	if (target->pidfd < 0) {
		fact_process(report, CHECK_PROBLEM, err.text);
		return false;
	}
	rc = go_process_executable(target->pid, report->target, sizeof(report->target));
	if (rc == -EACCES || rc == -EPERM) {
		fact_may_look(report, false);
		return false;
	}
	if (rc) {
		snprintf(words, sizeof(words),
		         "process %d runs no file: a kernel thread, or it has ended; `gomaptop` "
		         "without -p lists the Go processes that run",
		         (int)target->pid);
		fact_process(report, CHECK_PROBLEM, words);
		return false;
	}
	fact_may_look(report, true);
	length = strlen(report->target);
	if (length > sizeof(gone) && !strcmp(report->target + length - sizeof(gone) + 1, gone))
		fact_process(report, CHECK_NOTE,
		             "its file was deleted or replaced since it started; what runs is what "
		             "is looked at and watched");
	else
		fact_process(report, CHECK_OK, "runs");
	return true;
}

void check_process_recheck(struct check_report *report, const struct check_target *target)
{
	struct pollfd end = {.fd = target->pidfd, .events = POLLIN};

	if (target->pid && target->pidfd >= 0 && poll(&end, 1, 0) > 0)
		check_fact_add(report, CHECK_PROGRAM, CHECK_PROBLEM, "ended", "ended",
		               CHECK_VALUE_BOOL(true),
		               "process %d ended while it was looked at; `gomaptop` without -p "
		               "lists the Go processes that run",
		               (int)target->pid);
}

/* ---- the executable -------------------------------------------------------------------- */

static void fact_machine(struct check_report *report, const struct go_binary *binary)
{
	int machine = go_binary_machine(binary);
	const char *name = machine == EM_AARCH64 ? "arm64" : "amd64";

	if (machine == HOST_MACHINE)
		check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "machine", "made for",
		               check_value_text(name), "as this machine");
	else
		check_fact_add(report, CHECK_PROGRAM, CHECK_PROBLEM, "machine", "made for",
		               check_value_text(name),
		               "the program is made for %s and this machine is another; check it "
		               "where it runs",
		               name);
}

static const struct {
	enum check_state state;
	const char *meaning;
} layout_rows[] = {
        [GO_LAYOUT_VERIFIED] = {CHECK_OK, "goroutine ids and creation sites are read where this "
                                          "release has them"},
        [GO_LAYOUT_FROM_DWARF] = {CHECK_NOTE,
                                  "this release is newer than gomaptop: goroutine ids and "
                                  "creation sites are read where the program's own debug "
                                  "information says"},
        [GO_LAYOUT_UNVERIFIED] = {CHECK_LIMIT,
                                  "this release is newer than gomaptop, and the program carries "
                                  "no debug information: goroutine ids and creation sites may be "
                                  "missing or wrong"},
};

static void fact_layout(struct check_report *report, const struct go_binary *binary)
{
	enum go_layout_trust trust = go_binary_layout_trust(binary);
	char row[16];

	check_fact_add(report, CHECK_PROGRAM, layout_rows[trust].state, "layout", "layout",
	               check_value_text(go_layout_trust_name(trust)), "%s",
	               layout_rows[trust].meaning);
	if (trust == GO_LAYOUT_FROM_DWARF)
		return; /* no row of the table is used */
	snprintf(row, sizeof(row), "1.%d", go_binary_layout(binary)->minor);
	check_fact_add(report, CHECK_PROGRAM, CHECK_NOTE, "layout_row", "layout row",
	               check_value_text(row), "the row of the table of offsets that is used");
}

static void fact_position(struct check_report *report, const struct check_target *target)
{
	bool pie = go_binary_is_pie(target->binary);
	uint64_t bias;

	if (!pie)
		check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "pie", "position-independent",
		               CHECK_VALUE_BOOL(false), "it runs at the addresses of its file");
	else if (target->pid && !go_process_load_bias(target->pid, target->binary, &bias))
		check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "pie", "position-independent",
		               CHECK_VALUE_BOOL(true),
		               "it is loaded 0x%" PRIx64 " above the addresses of its file", bias);
	else
		check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "pie", "position-independent",
		               CHECK_VALUE_BOOL(true),
		               "nothing is lost, each process is asked where it is loaded");
}

static void facts_binary(struct check_report *report, const struct check_target *target)
{
	const struct go_binary *binary = target->binary;
	bool swiss = go_binary_map_runtime(binary) == GO_MAP_SWISS;
	bool stripped = go_binary_stripped(binary);
	const char *id = go_binary_build_id(binary);

	check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "go_version", "Go version",
	               check_value_text(go_binary_version(binary)), "gomaptop knows 1.%d to 1.%d",
	               GO_MINOR_MIN, GO_MINOR_MAX);
	fact_machine(report, binary);
	fact_layout(report, binary);
	check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "map_runtime", "map runtime",
	               check_value_text(swiss ? "swiss" : "hmap"), "%s",
	               swiss ? "Swiss tables, as in Go 1.24 and newer"
	                     : "hash buckets, as in Go before 1.24");
	check_fact_add(report, CHECK_PROGRAM, CHECK_OK, "stripped", "stripped",
	               CHECK_VALUE_BOOL(stripped), "%s",
	               stripped ? "nothing is lost, functions and lines come from Go's own tables"
	                        : "functions and lines come from Go's own tables anyway");
	fact_position(report, target);
	check_fact_add(report, CHECK_PROGRAM, CHECK_NOTE, "build_id", "build id",
	               check_value_text(id), "%s",
	               id ? "tells builds apart in snapshots" : "the program carries none");
}

/* ---- map functions --------------------------------------------------------------------- */

static const char *operation_of(enum probe_role role, enum map_op op)
{
	return role == PROBE_MAP_OP ? map_op_name(op) : role == PROBE_CRASH ? "crash" : "creation";
}

/* What the kernel does about the probed instruction: arch/x86/kernel/uprobes.c emulates `push` and
 * conditional jumps; arch/arm64/kernel/probes/ simulates branches and `ret`. */
static bool is_emulated(const struct go_binary *binary, const struct probe_site *site)
{
	bool arm64 = go_binary_machine(binary) == EM_AARCH64;
	uint8_t first = 0;

	switch (site->instruction) {
	case PROBE_AT_JBE:
		return true;
	case PROBE_AT_PUSH:
		return !arm64;
	case PROBE_AT_RET:
		return arm64;
	case PROBE_AT_ENTRY:
		return !arm64 && !go_binary_read(binary, site->addr, &first, 1) && first == 0x55;
	}
	return false;
}

static void probe_placed(struct check_report *report, const struct go_binary *binary,
                         const struct probe_site *site)
{
	static const char *const names[] = {
	        [PROBE_AT_PUSH] = "push",
	        [PROBE_AT_JBE] = "jbe",
	        [PROBE_AT_ENTRY] = "entry",
	        [PROBE_AT_RET] = "ret",
	};
	bool arm64 = go_binary_machine(binary) == EM_AARCH64;
	struct check_probe *probe = check_probe_add(report, site->function);

	if (!probe)
		return;
	probe->operation = operation_of(site->role, site->op);
	probe->kind = is_emulated(binary, site) ? CHECK_EMULATED : CHECK_STEPPED;
	probe->instruction =
	        arm64 && site->instruction == PROBE_AT_JBE ? "b.ls" : names[site->instruction];
	probe->addr = site->addr;
	probe->file_offset = site->file_offset;
}

static void probe_skipped(struct check_report *report, struct go_binary *binary,
                          const struct probe_skip *skip)
{
	struct check_probe *probe = check_probe_add(report, skip->function);
	struct go_function function;

	if (!probe)
		return;
	probe->operation = operation_of(skip->role, skip->op);
	if (skip->wanted)
		probe->kind = CHECK_MISSING;
	else if (go_binary_function_find(binary, skip->function, &function))
		probe->kind = CHECK_DROPPED;
	else
		probe->kind = CHECK_COVERED;
	if (probe->kind != CHECK_DROPPED)
		snprintf(probe->reason, sizeof(probe->reason), "%s", skip->reason);
}

/* Operations of which all functions were dropped: the program does not do that. */
static void fact_unused(struct check_report *report)
{
	char list[128] = "";

	for (int op = OP_READ; op <= OP_ITERATE; op++) {
		size_t there = 0, listed = 0;

		for (size_t i = 0; i < report->probe_count; i++) {
			if (strcmp(report->probes[i].operation, map_op_name(op)) != 0)
				continue;
			listed++;
			there += report->probes[i].kind != CHECK_DROPPED;
		}
		if (listed && !there)
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			         list[0] ? ", " : "", map_op_name(op));
	}
	if (list[0])
		check_fact_add(report, CHECK_PROGRAM, CHECK_NOTE, "never_done", "never done",
		               check_value_text(list),
		               "the linker dropped these functions, since nothing in the program "
		               "does that to a map");
}

/* They come and go while watching, within a budget of their own, so they count neither as wanted
 * nor as placed. */
static void births_placed(struct check_report *report, struct go_binary *binary)
{
	struct birth_plan plan = {0};

	if (birth_plan_make(binary, &plan))
		report->failed = true;
	for (size_t i = 0; i < plan.count; i++)
		check_birth_add(report, plan.sites[i].function, plan.sites[i].addr,
		                plan.sites[i].file_offset);
	birth_plan_free(&plan);
}

static void facts_probes(struct check_report *report, struct check_target *target)
{
	struct error err;
	size_t missing, stepped;

	if (probe_plan_make(target->binary, &target->plan, &err)) {
		check_fact_add(report, CHECK_PROGRAM, CHECK_PROBLEM, "map_functions",
		               "map functions", CHECK_VALUE_NUMBER(0), "%s", err.text);
		return;
	}
	report->probes_known = true;
	for (size_t i = 0; i < target->plan.site_count; i++)
		probe_placed(report, target->binary, &target->plan.sites[i]);
	for (size_t i = 0; i < target->plan.skip_count; i++)
		probe_skipped(report, target->binary, &target->plan.skips[i]);
	births_placed(report, target->binary);
	for (size_t i = 0; i < target->plan.unseen_count; i++)
		check_unseen_add(report, target->plan.unseen[i]->operation,
		                 target->plan.unseen[i]->reason);
	missing = check_probe_count(report, CHECK_MISSING);
	stepped = check_probe_count(report, CHECK_STEPPED) - check_probes_stepped_once(report);
	check_fact_add(report, CHECK_PROGRAM, missing ? CHECK_LIMIT : CHECK_OK, "map_functions",
	               "map functions", CHECK_VALUE_NUMBER((int64_t)target->plan.site_count),
	               "%s%s",
	               missing ? "some cannot be probed, and what they do is not seen"
	                       : "each can be probed",
	               stepped ? "; some at an instruction that the kernel steps, about 10 us a hit"
	                       : "; all operations at instructions that the kernel emulates");
	fact_unused(report);
}

/* ---- all ------------------------------------------------------------------------------- */

/* Only what another process could read within its limits is read by this one. */
static int target_read(struct check_target *target, struct error *err)
{
	int fd, rc = parse_job_reach(target->path, err);

	if (rc)
		return rc;
	fd = file_identity_open(target->path);
	if (target->pid && (fd == -ENOENT || fd == -ESRCH))
		return error_set(err, -fd, "process %d has ended; check one that runs",
		                 (int)target->pid);
	if (fd < 0)
		return error_set(err, -fd, "%s: %s; check the path and who may read it",
		                 target->path, strerror(-fd));
	rc = parse_job_vet(fd, target->path, err);
	if (!rc)
		rc = go_binary_open_fd(fd, target->path, &target->binary, err);
	close(fd);
	return rc;
}

void check_program_gather(struct check_report *report, struct check_target *target)
{
	struct error err;

	target->pidfd = -1;
	report->pid = target->pid;
	if (target->pid) {
		snprintf(target->path, sizeof(target->path), "/proc/%d/exe", (int)target->pid);
		if (!process_open(report, target))
			return;
	} else {
		snprintf(target->path, sizeof(target->path), "%s", target->file);
		snprintf(report->target, sizeof(report->target), "%s", target->file);
	}
	if (target_read(target, &err)) {
		check_fact_add(report, CHECK_PROGRAM, CHECK_PROBLEM, "go_version", "Go version",
		               CHECK_VALUE_NULL, "%s", err.text);
		return;
	}
	facts_binary(report, target);
	facts_probes(report, target);
	check_order_gather(report, target);
}

void check_target_free(struct check_target *target)
{
	probe_plan_free(&target->plan);
	go_binary_close(target->binary);
	if (target->pidfd >= 0)
		close(target->pidfd);
}

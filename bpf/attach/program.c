/* SPDX-License-Identifier: MIT */
#include "bpf/attach/program.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/detector_tuning.h"
#include "bpf/attach/permission.h"
#include "bpf/attach/trial.h"
#include "core/base/descriptors.h"
#include "core/event/event.h"
#include "core/process/privileges.h"
#include "gomaptop.skel.h"

#define RING_BYTES     (4u << 20)
#define MAPS_MAX       32768
#define GOROUTINES_MAX 16384

/* Held time is at most 1 % of one core in any second: 0.8 % of the time, and a burst of what a
 * quarter of a second allows. */
#define BUDGET_DIVISOR  125
#define BUDGET_BURST_NS 250000000ULL

/* Perf-event uprobes run the program with preemption off: hold no longer than this there. */
#define PERF_STALL_MAX_NS 200000
/* A hold that is over may wait HOLD_GRACE_NS (hold.bpf.h) more for an arriver that is reading its
 * slot. Both together stay within the 1 ms that the target is promised. */
#define HOLD_LONGEST_NS 950000

/* Inode of the initial pid namespace: include/linux/proc_ns.h, PROC_PID_INIT_INO. */
#define PIDNS_INIT_INO 0xEFFFFFFCu

static bool log_verbose;

static int on_libbpf_message(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!log_verbose || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

/* ---- settings ------------------------------------------------------------------------ */

/* Quantiles of the log-uniform distribution, so that the program draws a length by one index. */
static void stall_table_fill(uint32_t *table, uint64_t min_ns, uint64_t max_ns)
{
	double ratio = (double)max_ns / min_ns;

	for (int i = 0; i < STALL_LENGTHS; i++)
		table[i] = min_ns * pow(ratio, (i + 0.5) / STALL_LENGTHS);
}

/* Our pid namespace, unless it is the initial one. /proc may be that of another: then the ids in it
 * mean other processes than the kernel's answers to us. */
static int pidns_find(uint64_t *inode, struct error *err)
{
	char self[32] = "";
	struct stat st;

	*inode = 0;
	if (stat("/proc/self/ns/pid", &st))
		return error_set(
		        err, errno,
		        "cannot look at /proc/self/ns/pid: %s; mount /proc: `mount -t proc "
		        "proc /proc`",
		        strerror(errno));
	if (readlink("/proc/self", self, sizeof(self) - 1) < 0 || atoi(self) != getpid())
		return error_set(err, EINVAL,
		                 "/proc here is that of another pid namespace; mount that of this "
		                 "one: `mount -t proc proc /proc`");
	if (st.st_ino != PIDNS_INIT_INO)
		*inode = st.st_ino;
	return 0;
}

static void settings_fill(const struct program_config *config, enum probe_link_mode mode,
                          struct detector_config *c, struct program *program)
{
	uint64_t max = config->stall_max_ns, min = config->stall_min_ns;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (max > HOLD_LONGEST_NS)
		max = HOLD_LONGEST_NS;
	if (mode == PROBE_LINK_PERF && max > PERF_STALL_MAX_NS)
		max = PERF_STALL_MAX_NS;
	if (min > max)
		min = max;
	program_row_set(program, CALIBRATE_ROW,
	                &(struct field_row){
	                        .g_goid = CALIBRATE_GOID_OFFSET,
	                        .g_parent_goid = -1,
	                        .g_gopc = -1,
	                        .g_startpc = -1,
	                        .seed_offset = CALIBRATE_SEED_OFFSET,
	                        .seed_size = CALIBRATE_SEED_SIZE,
	                });
	stall_table_fill(c->stall_ns, min, max);
	program->budget_divisor = BUDGET_DIVISOR;
	c->budget_divisor = BUDGET_DIVISOR;
	c->budget_burst_ns = BUDGET_BURST_NS;
	c->stack_bytes = config->stack_depth * sizeof(uint64_t);
	c->any_process = config->any_process;
	c->only_family = config->family;
	c->show_keys = config->show_keys;
	c->stack_copies = config->stack_copies_all ? STACK_COPIES_ALL : STACK_COPIES_NEEDED;
	c->holds_at_once = cpus > 3 ? (__u32)cpus / 2 : 1;
}

static void sizes_set(const struct program_config *config, struct program *program)
{
	struct gomaptop *s = program->skeleton;

	program->maps_max = config->maps_max ? config->maps_max : MAPS_MAX;
	program->goroutines_max = config->goroutines_max ? config->goroutines_max : GOROUTINES_MAX;
	bpf_map__set_max_entries(s->maps.events,
	                         config->ring_bytes ? config->ring_bytes : RING_BYTES);
	bpf_map__set_max_entries(s->maps.maps, program->maps_max);
	bpf_map__set_max_entries(s->maps.goroutines, program->goroutines_max);
	bpf_map__set_max_entries(s->maps.callers, FIELD_ROWS * ROW_SITES);
}

/* ---- loading ------------------------------------------------------------------------- */

static bool error_is_permission(int rc)
{
	return rc == -EPERM || rc == -EACCES;
}

/* Perf events would need more of them. */
static bool error_is_descriptors(int rc)
{
	return rc == -EMFILE || rc == -ENFILE;
}

static int load_error(int rc, struct error *err)
{
	rc = descriptors_cause(rc);
	if (error_is_permission(rc) && permission_try())
		return error_set(
		        err, -rc, "the kernel does not let this user load BPF programs; %s",
		        privileges_remedy("run gomaptop as root, or with CAP_BPF, CAP_PERFMON and "
		                          "CAP_SYS_PTRACE"));
	if (error_is_descriptors(rc))
		return error_set(err, -rc, "cannot load the BPF programs: %s; %s", strerror(-rc),
		                 error_remedy(-rc, ""));
	if (rc == -ENOMEM)
		return error_set(err, -rc,
		                 "no memory for the BPF maps; raise the memory limit of this "
		                 "session's cgroup, or `ulimit -l` on kernels before 5.11");
	return error_set(err, -rc,
	                 "the kernel refused the BPF programs: %s; Linux 5.17 or later with BTF is "
	                 "needed. If this is one, report it with what --verbose shows",
	                 strerror(-rc));
}

static int program_load_mode(const struct program_config *config, enum probe_link_mode mode,
                             struct program *program, struct error *err)
{
	struct gomaptop *s = gomaptop__open();
	int rc;

	if (!s)
		return load_error(-errno, err);
	program->skeleton = s;
	program->mode = mode;
	rc = pidns_find((uint64_t *)&s->rodata->config.pidns_ino, err);
	if (rc)
		return rc;
	settings_fill(config, mode, (struct detector_config *)&s->rodata->config, program);
	sizes_set(config, program);
	/* Only with uprobe_multi are there order probes. */
	bpf_program__set_autoload(s->progs.on_probe, mode == PROBE_LINK_MULTI);
	bpf_program__set_autoload(s->progs.on_probe_plain, mode != PROBE_LINK_MULTI);
	bpf_map__set_autocreate(s->maps.family_events, config->family);
	bpf_program__set_autoload(s->progs.on_fork, config->family);
	bpf_program__set_autoload(s->progs.on_exec, config->family);
	bpf_program__set_autoload(s->progs.on_exit, config->family);
	if (mode == PROBE_LINK_MULTI)
		bpf_program__set_expected_attach_type(
		        s->progs.on_probe, (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
	rc = gomaptop__load(s);
	if (rc)
		return load_error(rc, err);
	/* libbpf goes on without where it did not find that maps can be mapped (Linux 5.5). */
	if (!s->bss || !s->rodata)
		return error_set(
		        err, ENOTSUP,
		        "the kernel does not let BPF maps be mapped into memory; Linux 5.17 "
		        "or later is needed. If this is one, try again");
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

static void costs_say(const struct overhead_costs *costs)
{
	fprintf(stderr, "gomaptop: ns a hit:");
	for (int i = 0; i < BODY_COUNT; i++)
		fprintf(stderr, "%s %s %lu%s", i ? "," : "", overhead_body_names[i], costs->ns[i],
		        costs->measured >> i & 1 ? "" : " (assumed)");
	for (int i = 0; i < TIMED_COUNT; i++)
		fprintf(stderr, "; %s %.1f for each ns beyond %.0f that the first part takes",
		        overhead_timed_names[i], costs->timed[i].cold, costs->timed[i].ns);
	fprintf(stderr, "\n");
}

/* Try it on gomaptop itself. */
static int program_try(const struct program_config *config, struct program *program,
                       struct error *err)
{
	int rc = trial_run(program);

	if (rc)
		rc = descriptors_cause(rc);
	if (rc)
		return error_set(err, -rc,
		                 "cannot attach a uprobe, not even to gomaptop itself: %s; %s",
		                 strerror(-rc),
		                 error_remedy(-rc, "the kernel needs CONFIG_UPROBES, and this "
		                                   "user CAP_PERFMON"));
	if (config->verbose)
		costs_say(&program->costs);
	return 0;
}

/* Whatever fails leaves nothing loaded behind. */
static int program_load_and_try(const struct program_config *config, enum probe_link_mode mode,
                                struct program *program, struct error *err)
{
	int rc = program_load_mode(config, mode, program, err);

	if (!rc)
		rc = program_try(config, program, err);
	if (rc)
		program_unload(program);
	return rc;
}

int program_load(const struct program_config *config, struct program *program, struct error *err)
{
	int rc;

	log_verbose = config->verbose;
	libbpf_set_print(on_libbpf_message);
	program->multi_error = 0;
	if (!config->perf_only && probe_link_lacks_multi()) {
		program->multi_error = -EINVAL; /* sooner than by loading what is for it */
	} else if (!config->perf_only) {
		rc = program_load_and_try(config, PROBE_LINK_MULTI, program, err);
		/* EACCES is the verifier's word, too: Linux 6.1 says it of order_access(). */
		if (!rc || (error_is_permission(rc) && permission_try()) ||
		    error_is_descriptors(rc))
			return rc;
		program->multi_error = rc;
	}
	return program_load_and_try(config, PROBE_LINK_PERF, program, err);
}

void program_unload(struct program *program)
{
	probe_links_close(program->trial);
	program->trial = NULL;
	gomaptop__destroy(program->skeleton);
	program->skeleton = NULL;
}

int program_probe(const struct program *program)
{
	const struct gomaptop *s = program->skeleton;

	return bpf_program__fd(program->mode == PROBE_LINK_MULTI ? s->progs.on_probe
	                                                         : s->progs.on_probe_plain);
}

int program_target_add(const struct program *program, uint32_t tgid)
{
	struct target_state fresh = {0};

	return bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.targets), &tgid, &fresh,
	                           BPF_ANY);
}

void program_row_set(const struct program *program, size_t row, const struct field_row *fields)
{
	program->skeleton->bss->field_rows[row] = *fields;
	detector_tuning_proven_set(&program->skeleton->bss->tuning, row, 0);
}

int program_callers_set(const struct program *program, uint32_t site,
                        const struct site_callers *callers)
{
	return bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.callers), &site, callers,
	                           BPF_ANY);
}

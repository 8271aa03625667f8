/* SPDX-License-Identifier: MIT */
#include "bpf/program.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/calibrate.h"
#include "core/event.h"
#include "gomaptop.skel.h"

#define CALIBRATE_ROW (FIELD_ROWS - 1)

#define RING_BYTES     (4u << 20)
#define MAPS_MAX       32768
#define GOROUTINES_MAX 16384

/* Held time is at most 1 % of one core in any second: 0.8 % of the time, and a burst of what a
 * quarter of a second allows. */
#define BUDGET_DIVISOR  125
#define BUDGET_BURST_NS 250000000ULL

/* Perf-event uprobes run the program with preemption off: hold no longer than this there. */
#define PERF_STALL_MAX_NS 200000

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

	if (mode == PROBE_LINK_PERF && max > PERF_STALL_MAX_NS)
		max = PERF_STALL_MAX_NS;
	if (min > max)
		min = max;
	memcpy(c->rows, config->rows, sizeof(config->rows));
	c->rows[CALIBRATE_ROW] = (struct field_row){
	        .g_goid = CALIBRATE_GOID_OFFSET,
	        .g_parent_goid = -1,
	        .g_gopc = -1,
	        .g_startpc = -1,
	        .seed_offset = CALIBRATE_SEED_OFFSET,
	        .seed_size = CALIBRATE_SEED_SIZE,
	};
	stall_table_fill(c->stall_ns, min, max);
	program->budget_divisor = BUDGET_DIVISOR;
	c->budget_divisor = BUDGET_DIVISOR;
	c->budget_burst_ns = BUDGET_BURST_NS;
	c->stack_bytes = config->stack_depth * sizeof(uint64_t);
	c->any_process = config->any_process;
	c->show_keys = config->show_keys;
	c->stack_copies = config->stack_copies_all ? STACK_COPIES_ALL : STACK_COPIES_NEEDED;
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
	bpf_map__set_max_entries(s->maps.callers, config->site_count ? config->site_count : 1);
}

/* ---- loading ------------------------------------------------------------------------- */

static int load_error(int rc, struct error *err)
{
	if (rc == -EPERM || rc == -EACCES)
		return error_set(
		        err, -rc,
		        "the kernel does not let this user load BPF programs; run gomaptop as "
		        "root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE");
	if (rc == -ENOMEM)
		return error_set(err, -rc,
		                 "no memory for the BPF maps; raise the memory limit of this "
		                 "session's cgroup, or `ulimit -l` on kernels before 5.11");
	return error_set(err, -rc,
	                 "the kernel refused the BPF programs: %s; Linux 5.17 or later with BTF is "
	                 "needed, --verbose shows the kernel's own words",
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
	if (mode == PROBE_LINK_MULTI)
		bpf_program__set_expected_attach_type(
		        s->progs.on_probe, (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);
	rc = gomaptop__load(s);
	return rc ? load_error(rc, err) : 0;
}

/* ---- the trial ----------------------------------------------------------------------- */

static uint64_t hits_count(void *ctx)
{
	const struct program *program = ctx;
	int cpus = libbpf_num_possible_cpus();
	uint64_t(*values)[COVERAGE_COUNT] = calloc(cpus > 0 ? cpus : 1, sizeof(*values));
	uint32_t zero = 0;
	uint64_t sum = 0;

	if (values &&
	    !bpf_map_lookup_elem(bpf_map__fd(program->skeleton->maps.coverage), &zero, values))
		for (int i = 0; i < cpus; i++)
			sum += values[i][COVERAGE_HITS];
	free(values);
	return sum;
}

/* The trial leaves no trace in what is reported. */
static void table_clear(int fd, size_t key_size)
{
	char key[64];

	while (key_size <= sizeof(key) && !bpf_map_get_next_key(fd, NULL, key))
		if (bpf_map_delete_elem(fd, key))
			break;
}

static void trial_forget(const struct program *program)
{
	struct gomaptop *s = program->skeleton;
	int cpus = libbpf_num_possible_cpus();
	uint64_t(*values)[COVERAGE_COUNT] = calloc(cpus > 0 ? cpus : 1, sizeof(*values));
	uint32_t zero = 0;

	if (values)
		bpf_map_update_elem(bpf_map__fd(s->maps.coverage), &zero, values, BPF_ANY);
	free(values);
	table_clear(bpf_map__fd(s->maps.maps), sizeof(struct map_key));
	table_clear(bpf_map__fd(s->maps.goroutines), sizeof(struct goroutine_key));
	table_clear(bpf_map__fd(s->maps.targets), sizeof(uint32_t));
	table_clear(bpf_map__fd(s->maps.call_sites), 16);
}

static int ignore_event(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static void trial_drain(const struct program *program)
{
	struct ring_buffer *ring = ring_buffer__new(bpf_map__fd(program->skeleton->maps.events),
	                                            ignore_event, NULL, NULL);

	if (ring)
		ring_buffer__consume(ring);
	ring_buffer__free(ring);
}

/* Attach to gomaptop's own function and hit it from a second thread. */
static int program_trial(struct program *program)
{
	struct probe_point point = {.cookie = COOKIE(0xffff, WIRE_MAP_OP, OP_READ, WIRE_TYPE_MAP,
	                                             CALIBRATE_INSTRUCTION, CALIBRATE_ROW)};
	struct calibration calibration = {0};
	int rc = calibrate_point(&point.file_offset);

	if (rc)
		return rc;
	rc = program_target_add(program, getpid());
	if (rc)
		return rc;
	rc = probe_links_open(program_probe(program), program->mode, "/proc/self/exe", getpid(),
	                      &point, 1, &program->trial);
	if (rc < 0)
		return rc;
	rc = calibrate_run(hits_count, program, &calibration);
	program->pid_filter = calibration.hits_seen;
	program->ns_per_hit = calibration.ns_per_hit;
	trial_drain(program);
	trial_forget(program);
	return rc;
}

int program_load(const struct program_config *config, struct program *program, struct error *err)
{
	int rc = -EOPNOTSUPP;

	log_verbose = config->verbose;
	libbpf_set_print(on_libbpf_message);
	if (!config->perf_only) {
		rc = program_load_mode(config, PROBE_LINK_MULTI, program, err);
		if (rc == -EPERM || rc == -EACCES)
			return rc;
		if (!rc)
			rc = program_trial(program);
		if (!rc)
			return 0;
		if (config->verbose)
			fprintf(stderr, "gomaptop: no uprobe_multi here (%s), using perf events\n",
			        strerror(-rc));
		program_unload(program);
	}
	rc = program_load_mode(config, PROBE_LINK_PERF, program, err);
	if (rc)
		return rc;
	rc = program_trial(program);
	if (rc)
		return error_set(
		        err, -rc,
		        "cannot attach a uprobe, not even to gomaptop itself: %s; the kernel "
		        "needs CONFIG_UPROBES, and this user CAP_PERFMON",
		        strerror(-rc));
	return 0;
}

void program_unload(struct program *program)
{
	probe_links_close(program->trial);
	program->trial = NULL;
	gomaptop__destroy(program->skeleton);
	program->skeleton = NULL;
}

struct bpf_program *program_probe(const struct program *program)
{
	return program->skeleton->progs.on_probe;
}

int program_target_add(const struct program *program, uint32_t tgid)
{
	struct target_state fresh = {0};

	return bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.targets), &tgid, &fresh,
	                           BPF_ANY);
}

int program_callers_set(const struct program *program, uint32_t site,
                        const struct site_callers *callers)
{
	return bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.callers), &site, callers,
	                           BPF_ANY);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/attach/features.h"
#include "core/process/privileges.h"
#include "tui/check/check_parts.h"

/* Numbers of Linux 5.8 and 5.9, which older headers lack. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

#define NONE "none"

struct host {
	struct check_report *report;
	const struct check_target *target;
	struct privileges privileges;
	struct features *features;
};

/* ---- privileges ------------------------------------------------------------------------ */

static bool may_load(const struct privileges *p)
{
	return privileges_have(p, CAP_SYS_ADMIN) ||
	       (privileges_have(p, CAP_BPF) && privileges_have(p, CAP_PERFMON));
}

/* Why BPF was refused, and what to do: the likeliest reason first. */
static const char *bpf_refusal(const struct privileges *p, int rc)
{
	if (rc != -EPERM && rc != -EACCES)
		return "; use a kernel that has BPF (CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS)";
	if (p->user_namespace == 1)
		return ", since it is in a user namespace, where capabilities do not count for "
		       "BPF; run gomaptop on the host, outside of the container";
	if (!may_load(p))
		return geteuid() == 0 ? "; root has lost CAP_BPF and CAP_PERFMON here, as in a "
		                        "container: give it these, or run gomaptop on the host"
		                      : "; run gomaptop as root, or with CAP_BPF and CAP_PERFMON";
	if (p->seccomp == 2)
		return " although it has the capabilities, most likely because of the seccomp "
		       "filter of its container; run gomaptop on the host, or allow bpf(2) and "
		       "perf_event_open(2) there";
	return " although it has the capabilities; look for a security module (SELinux, "
	       "AppArmor, lockdown) that forbids it";
}

static void fact_bpf(struct host *h)
{
	int rc = features_bpf_error(h->features);

	if (!rc)
		check_fact_add(h->report, CHECK_PRIVILEGES, CHECK_OK, "bpf", "load BPF programs",
		               CHECK_VALUE_BOOL(true), "tried with a small one");
	else
		check_fact_add(h->report, CHECK_PRIVILEGES, CHECK_PROBLEM, "bpf",
		               "load BPF programs", CHECK_VALUE_BOOL(false),
		               "the kernel does not let gomaptop load BPF programs (%s)%s",
		               strerror(-rc), bpf_refusal(&h->privileges, rc));
}

static const struct {
	int capability;
	const char *key, *title, *use;
	bool replaced_by_admin;
	const char *try; /* the fact that fails without it; NULL: none does */
} capability_rows[] = {
        {CAP_BPF, "cap_bpf", "CAP_BPF", "for loading the programs", true, "bpf"},
        {CAP_PERFMON, "cap_perfmon", "CAP_PERFMON", "for setting probes", true, "bpf"},
        {CAP_SYS_ADMIN, "cap_sys_admin", "CAP_SYS_ADMIN", "stands in for these two", false, NULL},
        {CAP_SYS_PTRACE, "cap_sys_ptrace", "CAP_SYS_PTRACE",
         "for looking at processes of other users", false, "target"},
};

static bool fact_failed(const struct host *h, const char *key)
{
	const struct check_fact *fact = key ? check_fact_find(h->report, key) : NULL;

	return fact && fact->state == CHECK_PROBLEM;
}

/* A capability is missing when a try failed that needs it; what worked needed it not. */
static void facts_capabilities(struct host *h)
{
	bool admin = privileges_have(&h->privileges, CAP_SYS_ADMIN);
	bool known = h->privileges.capabilities_known;

	for (size_t i = 0; i < sizeof(capability_rows) / sizeof(capability_rows[0]); i++) {
		bool have = privileges_have(&h->privileges, capability_rows[i].capability);
		bool replaced = !have && admin && capability_rows[i].replaced_by_admin;
		bool missing =
		        known && !have && !replaced && fact_failed(h, capability_rows[i].try);

		check_fact_add(h->report, CHECK_PRIVILEGES,
		               !known    ? CHECK_UNKNOWN
		               : have    ? CHECK_OK
		               : missing ? CHECK_PROBLEM
		                         : CHECK_NOTE,
		               capability_rows[i].key, capability_rows[i].title,
		               known ? CHECK_VALUE_BOOL(have) : CHECK_VALUE_NULL, "%s%s",
		               capability_rows[i].use,
		               replaced  ? "; CAP_SYS_ADMIN stands in for it"
		               : missing ? geteuid() == 0
		                                   ? "; give root this, which it has lost here"
		                                   : "; run gomaptop as root, or give it this"
		                         : "");
	}
}

/* Settings: unknown, or a number with what it means at that number. */
static void fact_setting(struct host *h, const char *key, const char *title, int value,
                         enum check_state state, const char *meaning)
{
	bool known = value != PRIVILEGE_UNKNOWN;

	check_fact_add(h->report, CHECK_PRIVILEGES, known ? state : CHECK_UNKNOWN, key, title,
	               known ? CHECK_VALUE_NUMBER(value) : CHECK_VALUE_NULL, "%s",
	               known ? meaning : "this kernel does not tell");
}

static void fact_lockdown(struct host *h)
{
	const char *mode = h->privileges.lockdown;
	bool strict = !strcmp(mode, "confidentiality");
	const char *words;
	bool failed = features_programs_error(h->features, &words) != 0;

	if (!mode[0])
		check_fact_add(h->report, CHECK_PRIVILEGES, CHECK_NOTE, "lockdown", "lockdown",
		               CHECK_VALUE_NULL, "this kernel has none, or does not tell");
	else if (!strict)
		check_fact_add(h->report, CHECK_PRIVILEGES, CHECK_OK, "lockdown", "lockdown",
		               check_value_text(mode), "leaves probes alone");
	else
		check_fact_add(h->report, CHECK_PRIVILEGES, failed ? CHECK_PROBLEM : CHECK_NOTE,
		               "lockdown", "lockdown", check_value_text(mode),
		               "keeps BPF programs from reading memory; boot without "
		               "lockdown=confidentiality");
}

static void facts_container(struct host *h)
{
	const struct privileges *p = &h->privileges;

	fact_setting(h, "seccomp", "seccomp", p->seccomp, p->seccomp ? CHECK_NOTE : CHECK_OK,
	             p->seccomp ? "a filter is in force, as in containers: it may deny bpf(2) and "
	                          "perf_event_open(2)"
	                        : "no filter");
	check_fact_add(h->report, CHECK_PRIVILEGES, p->user_namespace == 1 ? CHECK_NOTE : CHECK_OK,
	               "user_namespace", "user namespace",
	               p->user_namespace == PRIVILEGE_UNKNOWN
	                       ? CHECK_VALUE_NULL
	                       : check_value_text(p->user_namespace ? "own" : "host"),
	               "%s",
	               p->user_namespace == 1 ? "capabilities do not count for BPF in here"
	                                      : "capabilities count");
	check_fact_add(h->report, CHECK_PRIVILEGES, p->pid_namespace == 1 ? CHECK_NOTE : CHECK_OK,
	               "pid_namespace", "pid namespace",
	               p->pid_namespace == PRIVILEGE_UNKNOWN
	                       ? CHECK_VALUE_NULL
	                       : check_value_text(p->pid_namespace ? "own" : "host"),
	               "%s",
	               p->pid_namespace == 1
	                       ? "-p can name the processes of this container only"
	                       : "-p can name every process, those in containers too");
}

static void fact_memlock(struct host *h)
{
	uint64_t limit = h->privileges.memlock_soft_limit;

	check_fact_add(h->report, CHECK_PRIVILEGES, CHECK_NOTE, "memlock", "memory lock limit",
	               limit == UINT64_MAX ? check_value_text("unlimited")
	                                   : CHECK_VALUE_NUMBER((int64_t)limit),
	               "bytes; counts for BPF only before Linux 5.11, from there on the memory "
	               "limit of the cgroup does");
}

static void facts_privileges(struct host *h)
{
	fact_bpf(h);
	facts_capabilities(h);
	fact_setting(h, "perf_event_paranoid", "perf_event_paranoid",
	             h->privileges.perf_event_paranoid, CHECK_NOTE,
	             "decides nothing here: probes need CAP_PERFMON at any setting");
	fact_setting(h, "unprivileged_bpf_disabled", "unprivileged_bpf_disabled",
	             h->privileges.unprivileged_bpf_disabled, CHECK_NOTE,
	             "decides nothing here: such programs need CAP_BPF at any setting");
	fact_lockdown(h);
	facts_container(h);
	fact_memlock(h);
}

/* ---- kernel ---------------------------------------------------------------------------- */

static enum check_state feature_state(const struct host *h, enum feature_id id)
{
	switch (features_answer(h->features, id)) {
	case FEATURE_YES:
		return CHECK_OK;
	case FEATURE_UNKNOWN:
		return CHECK_UNKNOWN;
	case FEATURE_NO:
		break;
	}
	if (feature_row(id)->needed)
		return CHECK_PROBLEM;
	/* What there is to fall back to is not missed where nothing falls. */
	return id == FEATURE_PERF_UPROBE ? CHECK_NOTE : CHECK_LIMIT;
}

static void fact_feature(struct host *h, enum feature_id id)
{
	const struct feature *row = feature_row(id);
	enum feature_answer answer = features_answer(h->features, id);
	enum check_state state = feature_state(h, id);

	if (answer == FEATURE_UNKNOWN)
		check_fact_add(h->report, CHECK_KERNEL, state, row->key, row->key, CHECK_VALUE_NULL,
		               "could not be tried here; %s (Linux %s, %s)", row->use, row->since,
		               row->commit);
	else if (answer == FEATURE_YES)
		check_fact_add(h->report, CHECK_KERNEL, state, row->key, row->key,
		               CHECK_VALUE_BOOL(true), "%s (Linux %s, %s)", row->use, row->since,
		               row->commit);
	else
		check_fact_add(h->report, CHECK_KERNEL, state, row->key, row->key,
		               CHECK_VALUE_BOOL(false), "no %s, so %s; Linux %s has it (%s)",
		               row->key, row->without, row->since, row->commit);
}

static void fact_programs(struct host *h)
{
	const char *words;
	int rc = features_programs_error(h->features, &words);

	if (!rc)
		check_fact_add(h->report, CHECK_KERNEL, CHECK_OK, "programs",
		               "programs of gomaptop", CHECK_VALUE_BOOL(true),
		               "loaded, and tried at a function of gomaptop itself");
	else if (features_bpf_error(h->features))
		check_fact_add(h->report, CHECK_KERNEL, CHECK_UNKNOWN, "programs",
		               "programs of gomaptop", CHECK_VALUE_NULL,
		               "could not be tried here, since BPF programs may not be loaded");
	else
		check_fact_add(h->report, CHECK_KERNEL, CHECK_PROBLEM, "programs",
		               "programs of gomaptop", CHECK_VALUE_BOOL(false), "%s", words);
}

/* Where the kernel's pid filter hides hits of other threads, the trial counted none. */
static void fact_cost(struct host *h)
{
	uint64_t ns = features_ns_per_hit(h->features);
	bool known = ns && features_answer(h->features, FEATURE_PID_FILTER) == FEATURE_YES;

	check_fact_add(h->report, CHECK_KERNEL, known ? CHECK_OK : CHECK_UNKNOWN, "ns_per_hit",
	               "ns a hit", known ? CHECK_VALUE_NUMBER((int64_t)ns) : CHECK_VALUE_NULL,
	               "what one map operation costs the target while it is watched%s",
	               known ? ", measured just now" : "");
}

static void fact_attach(struct host *h)
{
	const char *name = features_attach_name(h->features);

	check_fact_add(h->report, CHECK_KERNEL, name ? CHECK_OK : CHECK_UNKNOWN, "attach",
	               "way to attach", check_value_text(name), "%s",
	               name ? "what a watch would use" : "none could be tried");
}

/* ---- probes in this file --------------------------------------------------------------- */

static void refusals_apply(struct host *h, const int *errors, size_t *refused)
{
	for (size_t i = 0; i < h->target->plan.site_count; i++) {
		struct check_probe *probe = &h->report->probes[i];

		if (!errors[i])
			continue;
		++*refused;
		probe->kind = CHECK_MISSING;
		snprintf(probe->reason, sizeof(probe->reason), "the kernel sets no probe there: %s",
		         strerror(-errors[i]));
	}
}

static int fact_sites(struct host *h)
{
	size_t count = h->target->plan.site_count, refused = 0;
	int *errors = calloc(count + 1, sizeof(*errors));
	int rc = errors ? 0 : -ENOMEM;

	if (!rc && features_attach_name(h->features) && count && !h->report->failed) {
		rc = features_try_sites(h->features, h->target->path, h->target->plan.sites, count,
		                        errors);
		refusals_apply(h, errors, &refused);
		if (refused == count)
			check_fact_add(
			        h->report, CHECK_KERNEL, CHECK_PROBLEM, "file",
			        "probes in this file", CHECK_VALUE_BOOL(false),
			        "the kernel sets no probes in %s (%s); start the program from "
			        "a local file system",
			        h->target->path, strerror(-errors[0]));
		else if (!rc)
			check_fact_add(h->report, CHECK_KERNEL, refused ? CHECK_LIMIT : CHECK_OK,
			               "file", "probes in this file", CHECK_VALUE_BOOL(true), "%s",
			               refused ? "the kernel refuses some of them"
			                       : "the kernel takes them; asked without "
			                         "setting any in the program");
	}
	free(errors);
	return rc;
}

static int facts_kernel(struct host *h)
{
	for (int id = 0; id < FEATURE_COUNT; id++)
		fact_feature(h, (enum feature_id)id);
	fact_programs(h);
	fact_attach(h);
	fact_cost(h);
	return fact_sites(h);
}

/* ---- machine --------------------------------------------------------------------------- */

static void fact_cpus(struct host *h)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int allowed = h->target->pid ? privileges_cpus(h->target->pid) : -EINVAL;

	check_fact_add(h->report, CHECK_MACHINE, cpus < 2 ? CHECK_LIMIT : CHECK_OK, "cpus", "CPUs",
	               CHECK_VALUE_NUMBER(cpus), "%s",
	               cpus < 2 ? "with one CPU no two goroutines run at once: operations are "
	                          "counted, but no conflict can be seen"
	                        : "goroutines can run at once, so conflicts can be seen");
	if (allowed > 0)
		check_fact_add(
		        h->report, CHECK_MACHINE, allowed < 2 && cpus >= 2 ? CHECK_LIMIT : CHECK_OK,
		        "target_cpus", "CPUs of the process", CHECK_VALUE_NUMBER(allowed), "%s",
		        allowed < 2 ? "the process may run on one CPU only, so no two of its "
		                      "goroutines run at once: no conflict can be seen"
		                    : "it may run on that many");
}

/* GOMAXPROCS as the process was started with: 0 not set, -errno not readable. */
static long started_with_gomaxprocs(pid_t pid)
{
	static const char name[] = "GOMAXPROCS=";
	char path[PROC_PATH_MAX], *entry = NULL;
	size_t size = 0;
	long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (!value && getdelim(&entry, &size, '\0', file) > 0)
		if (!strncmp(entry, name, sizeof(name) - 1))
			value = strtol(entry + sizeof(name) - 1, NULL, 10);
	free(entry);
	fclose(file);
	return value;
}

static void fact_gomaxprocs(struct host *h)
{
	long value = h->target->pid ? started_with_gomaxprocs(h->target->pid) : 0;

	if (value > 0)
		check_fact_add(h->report, CHECK_MACHINE, value == 1 ? CHECK_LIMIT : CHECK_OK,
		               "gomaxprocs", "GOMAXPROCS", CHECK_VALUE_NUMBER(value), "%s",
		               value == 1 ? "the process was started with GOMAXPROCS=1: unless it "
		                            "raises that itself no two goroutines run at once, and "
		                            "no conflict can be seen"
		                          : "of the environment the process was started in");
}

static void facts_machine(struct host *h)
{
	struct utsname name = {0};

	uname(&name);
	check_fact_add(h->report, CHECK_MACHINE, CHECK_NOTE, "kernel", "kernel",
	               check_value_text(name.release), "%s",
	               "its number decides nothing, what it can do was tried");
	check_fact_add(h->report, CHECK_MACHINE, CHECK_NOTE, "arch", "architecture",
	               check_value_text(name.machine), "%s", "");
	fact_cpus(h);
	fact_gomaxprocs(h);
}

int check_host_gather(struct check_report *report, const struct check_target *target, bool verbose)
{
	struct host host = {.report = report, .target = target};
	int rc;

	privileges_read(&host.privileges);
	rc = features_find(verbose, &host.features);
	if (rc)
		return rc;
	facts_privileges(&host);
	rc = facts_kernel(&host);
	facts_machine(&host);
	features_destroy(host.features);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/process/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY         65534
#define DESCRIPTOR_MAX 65536 /* as far as they are closed one by one, on kernels before 5.9 */

#if defined(__aarch64__)
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_AARCH64
#else
#define AUDIT_ARCH_NATIVE AUDIT_ARCH_X86_64
#endif

#define ALLOW(name)                                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_##name, 0, 1), \
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Numbers of amd64's other calling convention (x32) are above all of these: refused as well. */
static int filter_set(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_NATIVE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(write),
		ALLOW(lseek),
		ALLOW(close),
		ALLOW(fcntl),
		ALLOW(fstat),
		ALLOW(newfstatat), /* what fstat() of the C library is made of */
		ALLOW(brk),
		ALLOW(mmap),
		ALLOW(munmap),
		ALLOW(mremap),
		ALLOW(mprotect),
		ALLOW(madvise),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(clock_gettime),
		ALLOW(rt_sigreturn),
		ALLOW(exit),
		ALLOW(exit_group),
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
		ALLOW(sigaltstack), /* as the sanitizer ends a thread */
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	/* A kernel without seccomp: the other limits have to do. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) && errno != EINVAL)
		return -errno;
	return 0;
}

/* Without the right to change users they cannot be changed, and need not be. */
static int privileges_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	     setresuid(NOBODY, NOBODY, NOBODY)) &&
	    errno != EPERM && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int limit_set(int what, uint64_t value)
{
	struct rlimit limit = {value, value};

	return setrlimit(what, &limit) ? -errno : 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* Sanitizers reserve terabytes. */
static int memory_limit(uint64_t more)
{
	(void)more;
	return 0;
}
#else
static int memory_limit(uint64_t more)
{
	unsigned long pages = 0;
	FILE *file = more ? fopen("/proc/self/statm", "re") : NULL;
	int rc = 0;

	if (file && fscanf(file, "%lu", &pages) == 1) /* NOLINT: the kernel's own number */
		rc = limit_set(RLIMIT_AS, (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) + more);
	if (file)
		fclose(file);
	return rc;
}
#endif

int confine_self(const struct confine_limits *limits)
{
	int rc = memory_limit(limits->memory);

	if (!rc)
		rc = limit_set(RLIMIT_CPU, limits->seconds);
	if (!rc)
		rc = limit_set(RLIMIT_FSIZE, 0);
	if (!rc)
		rc = limit_set(RLIMIT_CORE, 0);
	if (!rc)
		rc = limit_set(RLIMIT_NOFILE, limits->files);
	if (!rc)
		rc = privileges_drop();
	if (!rc && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		rc = -errno;
	return rc ? rc : filter_set();
}

static void range_close(unsigned int first, unsigned int last)
{
	if (first > last)
		return;
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
#endif
	for (unsigned int fd = first; fd <= last && fd < DESCRIPTOR_MAX; fd++)
		close((int)fd);
}

void confine_descriptors(const int *keep, int count)
{
	unsigned int next = 3;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	for (int i = 0; i < count; i++) {
		range_close(next, (unsigned int)keep[i] - 1);
		next = (unsigned int)keep[i] + 1;
	}
	range_close(next, UINT32_MAX);
}

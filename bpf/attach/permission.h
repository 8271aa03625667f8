/* SPDX-License-Identifier: MIT */
/*
 * permission: may this user use BPF at all?
 *
 * EPERM and EACCES are also the verifier's words for a program that it does not accept; only that
 * nothing else loads either says that it is the user.
 */
#ifndef GOMAPTOP_BPF_PERMISSION_H
#define GOMAPTOP_BPF_PERMISSION_H

#include <stddef.h>

struct bpf_insn;

/* Create the smallest of maps and load the smallest of programs, and leave neither. 0, or -errno of
 * what the kernel did not want. Any thread. */
int permission_try(void);

/* Does the kernel take this program, as one of a probe? 0 or -errno. Any thread. */
int permission_try_code(const struct bpf_insn *code, size_t count);

#endif

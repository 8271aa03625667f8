/* SPDX-License-Identifier: MIT */
/*
 * trial: the loaded programs tried out on gomaptop itself, before they watch anybody.
 *
 * Code of gomaptop's own (bpf/attach/calibrate.h) is probed by the very program that will watch the
 * target, and called from a second thread. That tells by trying: does this way of attaching exist,
 * does its pid filter see all threads (it did not before kernel 6.10, commit 46ba0e49b642), and
 * what does each body of the program cost here and now. Takes a few milliseconds and leaves no
 * trace in what is reported.
 */
#ifndef GOMAPTOP_BPF_TRIAL_H
#define GOMAPTOP_BPF_TRIAL_H

struct program;

/* Sets program->trial, pid_filter and costs. 0, or -errno: nothing can be attached this way. */
int trial_run(struct program *program);

#endif

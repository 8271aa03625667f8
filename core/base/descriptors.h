/* SPDX-License-Identifier: MIT */
/*
 * descriptors: as many file descriptors as this user may have.
 *
 * Each target, probe set and link takes one, and the usual soft limit of 1024 stands for programs
 * that use select(2). Not thread-safe; to be raised before threads start.
 */
#ifndef GOMAPTOP_CORE_DESCRIPTORS_H
#define GOMAPTOP_CORE_DESCRIPTORS_H

/* Raise the soft limit to the hard one. What cannot be raised stays. */
void descriptors_raise(void);

/* The limit of before, for a program that is started: it may stand for something there. Safe
 * between fork and execve. */
void descriptors_restore(void);

/* What a library or the kernel failed with may be of another name than its cause: -EMFILE where
 * hardly another descriptor can be opened or fewer are allowed than gomaptop needs, else rc. */
int descriptors_cause(int rc);

#endif

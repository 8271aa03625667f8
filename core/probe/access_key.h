/* SPDX-License-Identifier: MIT */
/*
 * access_key: the map key of an access (--show-keys): where a probe finds it, how people read it.
 *
 * Keys of integer and string kinds; others are not read. All functions are pure.
 */
#ifndef GOMAPTOP_CORE_ACCESS_KEY_H
#define GOMAPTOP_CORE_ACCESS_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event/event.h"
#include "core/probe/probe_kinds.h"

/* By the function's name: runtime.mapassign_faststr and so on. */
enum key_source key_source_find(const char *function);

/* Name of its kind: "int8", "string"; NULL: the access has no key that was read. */
const char *access_key_kind(const struct access *access);
bool access_key_is_string(const struct access *access);
/* A string key of which only the beginning is there. */
bool access_key_truncated(const struct access *access);

/* An integer key, as Go prints it. False: it is none. */
bool access_key_number(const struct access *access, char out[24]);
/* The value of one that fits; false: no integer, or above INT64_MAX. */
bool access_key_integer(const struct access *access, int64_t *out);

/* For people: 4711, "alice", "the beginning of a long key"... (sanitized). NULL: there is none. */
const char *access_key_text(const struct access *access, char *out, size_t size);

#endif

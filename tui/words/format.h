/* SPDX-License-Identifier: MIT */
/*
 * format: figures as people read them, in as few columns as they need.
 *
 * All write a NUL-terminated string into out and return out, so that a call can stand in an
 * argument list. Pure functions, any thread.
 */
#ifndef GOMAPTOP_TUI_FORMAT_H
#define GOMAPTOP_TUI_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "core/go/frame.h"

#define FORMAT_MAX 32

/* "0", "937", "1.2k", "48k", "3.1M": at most 4 columns below 10^15. */
const char *format_count(uint64_t count, char out[FORMAT_MAX]);
/* The same with a fraction where it matters: "0", "0.02", "4.1", "48", "1.2k". "<.01" below. */
const char *format_rate(double per_second, char out[FORMAT_MAX]);
/* The same of an estimate, at most 4 columns too: "~9k", "~.4M"; 0 and "<.01" as they are. */
const char *format_rate_estimated(double rate, char out[FORMAT_MAX]);
/* "37us", "1.2ms", "4.1s", "12m", "3h", "2d". */
const char *format_duration(uint64_t ns, char out[FORMAT_MAX]);
/* How long ago, in whole units: "0s", "37s", "12m". */
const char *format_age(uint64_t now_ns, uint64_t then_ns, char out[FORMAT_MAX]);
/* "1.1%", "<0.1%", "0%". */
const char *format_percent(double part, char out[FORMAT_MAX]);
/* "12:31:07.123456" of a CLOCK_REALTIME time in the local time zone. */
const char *format_clock(uint64_t realtime_ns, char out[FORMAT_MAX]);

/* "ledger.go:12", the file without its directories; "0x40f784" when no line is known. */
const char *format_line(const struct frame *frame, char *out, size_t size);
/* The same with the whole path. */
const char *format_path(const struct frame *frame, char *out, size_t size);
/* Function without the directories of its package: "store.(*Accounts).Credit". The result points
 * into name. Type arguments in brackets keep theirs. */
const char *format_function(const struct frame *frame, char *out, size_t size);
/* A type for where it does not fit: without the packages, "any" for interface {}, "{}" for
 * struct {}: "map[string]*io_prometheus_client.MetricFamily" becomes "map[string]*MetricFamily". */
const char *format_type(const char *type, char *out, size_t size);

#endif

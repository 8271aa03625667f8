/* SPDX-License-Identifier: MIT */
/*
 * error: what failed, on what, and what to do next, in one line.
 *
 * Functions return -errno; where the reason needs words they also fill a struct error that the
 * caller owns. main() prints it behind "gomaptop: ". A NULL struct error is allowed everywhere.
 */
#ifndef GOMAPTOP_CORE_ERROR_H
#define GOMAPTOP_CORE_ERROR_H

struct error {
	char text[480];
};

/* Format the message into err (truncated if it does not fit) and return -code, so that a failing
 * function can end with `return error_set(err, EINVAL, "...")`. Any thread; err is not shared. */
int error_set(struct error *err, int code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

#endif

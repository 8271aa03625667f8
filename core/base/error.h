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

/* There was no memory for something small: says so, returns -ENOMEM. */
int error_no_memory(struct error *err);

/* What to do when something that the kernel gives out was refused with this errno: "raise `ulimit
 * -n`". otherwise: what is said of any other errno. A static string, or `otherwise`. */
const char *error_remedy(int code, const char *otherwise);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * order_names: what the names around an atomic instruction say: whose code it is.
 *
 * The names are those of the function that holds it and of the calls that are inlined there.
 */
#ifndef GOMAPTOP_CORE_ORDER_NAMES_H
#define GOMAPTOP_CORE_ORDER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Code of the runtime, which orders no goroutines for the program, or for which a function of the
 * table stands: nothing in it is looked at. */
bool order_name_left_out(const char *function);

enum order_meaning {
	ORDER_MEANS_ATOMIC,
	ORDER_MEANS_TRYLOCK,
	ORDER_MEANS_TRYRLOCK,
	ORDER_MEANS_RW_TRYLOCK, /* of a writer, at the RWMutex's count of readers */
	ORDER_MEANS_NOTHING,    /* inside something for which a function of the table stands */
};

/* names: the inlined calls, innermost first, then the function. */
enum order_meaning order_names_meaning(const char *const *names, size_t count);

#endif

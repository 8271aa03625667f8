/* SPDX-License-Identifier: MIT */
/*
 * order_row: what the programs are told of a site that orders goroutines.
 *
 * Pure; any thread.
 */
#ifndef GOMAPTOP_BPF_ORDER_ROW_H
#define GOMAPTOP_BPF_ORDER_ROW_H

#include <stdbool.h>

#include "bpf/wire/wire.h"
#include "core/order/order_site.h"

/* Does it tell anything that another site does not? Else it needs no probe. */
bool order_row_counts(const struct order_site *site);

/* The row of one that counts; hits 0. */
void order_row_make(const struct order_site *site, struct order_row *row);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * probe_caller: what lies between a probed function and the program's own code.
 *
 * A range loop steps through runtime.mapIterNext, reflect.Value.MapIndex reads through
 * reflect.mapaccess, in Go 1.27 every `v := m[k]` goes through runtime.mapaccess1*. Whoever wants
 * to know which line of the program operates on a map has to look behind these.
 */
#ifndef GOMAPTOP_CORE_PROBE_CALLER_H
#define GOMAPTOP_CORE_PROBE_CALLER_H

#include "core/go/go_binary.h"
#include "core/probe/probe_site.h"

/* Find the callers of every site of a plan: those that are probed first, then the others, however
 * far away. 0 or -ENOMEM. */
int probe_callers_find(struct go_binary *binary, struct probe_plan *plan);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * pclntab: the runtime's table of functions, lines and inlined calls, read from the executable.
 *
 * Formats: magic 0xfffffffa (Go 1.16, 1.17), 0xfffffff0 (1.18, 1.19), 0xfffffff1 (1.20 and later).
 * Sources: src/runtime/symtab.go (pcHeader, _func, pcvalue), src/runtime/symtabinl.go
 * (inlinedCall), src/cmd/link/internal/ld/pcln.go.
 *
 * Nothing is copied or built up front: each question reads the few records that answer it. A
 * damaged table gives "not found", never a read outside the file and never an endless loop.
 */
#ifndef GOMAPTOP_CORE_PCLNTAB_H
#define GOMAPTOP_CORE_PCLNTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/elf/elf_file.h"

struct pclntab_format;

struct pclntab {
	struct elf_file *file; /* borrowed */
	const struct pclntab_format *format;
	uint64_t addr;
	uint64_t text;   /* what entry offsets count from: runtime.text */
	uint64_t gofunc; /* what funcdata offsets count from: go:func.* */
	uint64_t functions;
	uint64_t names, units, files, values, table; /* addresses of the parts */
	uint32_t quantum;                            /* bytes that a pc step stands for */
	uint64_t
	        *steps; /* borrowed; steps through value tables are added to it. NULL: not wanted */
};

/* abi.FuncFlagTopFrame, abi.FuncFlagSPWrite: where a stack begins; writes to the stack pointer in a
 * way that the table of stretches does not tell. */
enum { PCLNTAB_TOP_FRAME = 1, PCLNTAB_SP_WRITE = 2 };

struct pclntab_function {
	uint64_t entry, end;
	uint64_t record; /* address of the _func */
	uint32_t name;   /* offset of its name */
	uint32_t sp_values, file_values, line_values;
	uint32_t unit; /* first index of its compilation unit's files */
	uint32_t value_tables;
	uint8_t id;    /* runtime funcID */
	uint8_t flags; /* PCLNTAB_* */
	uint8_t data_tables;
};

struct pclntab_call {
	uint32_t name;
	uint32_t parent; /* offset from the function's entry of the place it was inlined at */
	uint8_t id;
};

/* Where the table is: by section name, else by its magic in the loaded segments. 0 or -ENODATA. */
int pclntab_locate(struct elf_file *file, uint64_t *addr);

/* Read and check the header at addr. text is taken from it where it has one (1.18 to 1.25), gofunc
 * stays 0: the caller sets both from moduledata. 0 or -ENODATA. */
int pclntab_open(struct pclntab *tab, struct elf_file *file, uint64_t addr);

/* Function by index, 0 <= index < tab->functions. 0 or -ENOENT. */
int pclntab_function(const struct pclntab *tab, uint64_t index, struct pclntab_function *out);
/* Only its first address, for scans; in a sound table they ascend. 0 or -ENOENT. */
int pclntab_entry(const struct pclntab *tab, uint64_t index, uint64_t *addr);
/* Only the name of it, for scans. 0 or -ENOENT. */
int pclntab_function_name(const struct pclntab *tab, uint64_t index, uint32_t *name);
/* Function that holds a pc. 0 or -ENOENT. */
int pclntab_find(const struct pclntab *tab, uint64_t pc, struct pclntab_function *out);

/* Text of a name offset; lives as long as the elf_file. NULL: damaged. */
const char *pclntab_name(const struct pclntab *tab, uint32_t name);

/* File and line of a pc inside the function. *file NULL and *line 0: not known. */
void pclntab_position(const struct pclntab *tab, const struct pclntab_function *function,
                      uint64_t pc, const char **file, int *line);

/* One stretch of a function's code in which the stack pointer has one distance from where it was at
 * the entry. Its begin is always an instruction boundary: the compiler steps the table between
 * instructions (cmd/internal/obj/pcln.go pctospadj), so a RET, where the distance is 0 again,
 * begins a stretch of its own. */
struct pclntab_span {
	uint64_t begin, end; /* addresses, [begin, end) */
	int32_t sp_delta;    /* bytes pushed since the entry (the return address not among them) */
};

/* Walk the stretches of a function in order of address: call visit for each until it returns
 * something other than 0, which is then returned. 0 at the end; -ENODATA: the table is damaged
 * (stretches before the damage have been visited). */
int pclntab_sp_spans(const struct pclntab *tab, const struct pclntab_function *function,
                     int (*visit)(void *ctx, const struct pclntab_span *span), void *ctx);

/* What the closure behind `go f(x)` calls (runtime.startPCForTrace). False: it is no such closure,
 * or of a release that does not say. */
bool pclntab_wrapped(const struct pclntab *tab, const struct pclntab_function *function,
                     struct pclntab_function *out);

/* The inlined call that a pc inside the function belongs to. False: to the function itself. */
bool pclntab_inlined(const struct pclntab *tab, const struct pclntab_function *function,
                     uint64_t pc, struct pclntab_call *out);

#endif

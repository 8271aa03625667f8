/* SPDX-License-Identifier: MIT */
/*
 * go_binary: what a Go executable says about itself, stripped or not, static or PIE.
 *
 * Everything comes from .go.buildinfo (version), .gopclntab (functions, lines, inlined calls) and
 * moduledata (text start, type descriptors). Addresses are those of the file (virtual addresses as
 * linked); run-time address = file address + load bias. The file is read
 * on demand and with bounds checks throughout: a hostile file, or one that is truncated while it is
 * open, gives an error, never a crash.
 *
 * A go_binary is immutable after open except for its caches: use one from one thread at a time.
 */
#ifndef GOMAPTOP_CORE_GO_BINARY_H
#define GOMAPTOP_CORE_GO_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/go/frame.h"
#include "core/go/go_layout.h"

struct go_binary;

struct go_function {
	const char *name; /* as in pclntab, generics in full; lives as long as the go_binary */
	uint64_t entry;   /* file address of the first instruction */
	uint64_t end;     /* file address behind the last one */
};

/* Read the executable that is open at fd, which is borrowed for the call: the go_binary has a
 * duplicate, reads from that whatever becomes of the path, and opens no path. name is for messages.
 * On success *out is owned by the caller. Errors, each with words in err: -ENOEXEC: no ELF, or
 * truncated; -EPROTONOSUPPORT: ELF, but not a Go program (also: packed, 32-bit, wrong machine);
 * -ENOTSUP: Go older than 1.17; -ENODATA: pclntab or moduledata not found. */
int go_binary_open_fd(int fd, const char *name, struct go_binary **out, struct error *err);
void go_binary_close(struct go_binary *binary); /* accepts NULL */

/* That it reads from; stays the go_binary's. */
int go_binary_descriptor(const struct go_binary *binary);

const char *go_binary_version(const struct go_binary *binary); /* "go1.24.4", never NULL */
int go_binary_minor(const struct go_binary *binary);           /* 24 */
enum go_map_runtime go_binary_map_runtime(const struct go_binary *binary);
const struct go_layout *go_binary_layout(const struct go_binary *binary); /* never NULL */
enum go_layout_trust go_binary_layout_trust(const struct go_binary *binary);
bool go_binary_stripped(const struct go_binary *binary); /* no .symtab and no .debug_info */
bool go_binary_is_pie(const struct go_binary *binary);
const char *
go_binary_build_id(const struct go_binary *binary); /* GNU build id in hex, else Go's, or NULL */

/* A line of its build information; see go_buildinfo_field(). 0 or -ENODATA. */
int go_binary_build_field(const struct go_binary *binary, const char *name, char *out, size_t size);

/* Exact name as pclntab has it; where ABI0 wrappers share the name, the function that is no
 * wrapper. Returns 0, or -ENOENT: the linker dropped it or this release has none. */
int go_binary_function_find(struct go_binary *binary, const char *name, struct go_function *out);

/* Its pclntab, for those who need more than names; lives as long as the go_binary. */
struct pclntab;
const struct pclntab *go_binary_pclntab(const struct go_binary *binary);

/* The function that holds a file address. 0 or -ENOENT. */
int go_binary_function_at(struct go_binary *binary, uint64_t addr, struct go_function *out);

/* Copy len bytes of the file's image at addr (as the loader would map it). 0 or -EFAULT. */
int go_binary_read(const struct go_binary *binary, uint64_t addr, void *buf, size_t len);

/* Offset in the file of an address inside an executable segment: what a uprobe wants. -EFAULT. */
int64_t go_binary_file_offset(const struct go_binary *binary, uint64_t addr);

/* First executable segment: its p_vaddr and p_offset (page-aligned down): with a line of
 * /proc/PID/maps of the same file and offset, load bias = line start - vaddr. */
void go_binary_text_segment(const struct go_binary *binary, uint64_t *vaddr, uint64_t *offset);

/* Expand one file address into frames, innermost inlined call first, at most max. For a return
 * address pass is_return_address = true (looks up addr - 1, the call itself). Returns the number
 * of frames written (at least 1 if max > 0: an unknown address is a frame without a name).
 * frame.pc is set to addr + bias. Names are as Go's own tracebacks print them: the type arguments
 * of generics are "[...]". */
int go_binary_frames(struct go_binary *binary, uint64_t addr, uint64_t bias, bool is_return_address,
                     struct frame *out, int max);

/* Name of the function of a `go` statement, from the address that the goroutine begins at: where
 * that is a closure made by the compiler for `go f(x)`, the name of f. Printed as in frames; lives
 * as long as the go_binary. NULL: no function begins there. */
const char *go_binary_first_function(struct go_binary *binary, uint64_t startpc);

/* Name of the type whose descriptor lies at a file address, as Go prints it
 * ("map[uint64]*main.Account"); cached, lives as long as the go_binary. NULL: not known (no
 * descriptor there, or a type that reflect made at run time). */
const char *go_binary_type_name(struct go_binary *binary, uint64_t type_file_addr);

/* Name of the variable of a package that begins at a file address and is size bytes long, from the
 * symbol table; cached, lives as long as the go_binary. NULL: none, made by the compiler, or there
 * is no symbol table. Looks through all symbols: some milliseconds. */
const char *go_binary_variable_name(struct go_binary *binary, uint64_t addr, uint64_t size);

/* ELF machine number: EM_X86_64 or EM_AARCH64. */
int go_binary_machine(const struct go_binary *binary);

/* Is the program made for the machine that this one runs on? 0, or -EPROTONOSUPPORT with words
 * about path in err. */
int go_binary_check_native(const struct go_binary *binary, const char *path, struct error *err);

#endif

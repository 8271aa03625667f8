/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/go/pclntab.h"
#include "core/symbol/unwind.h"

#ifdef __x86_64__

#include <libunwind.h>

/* Exported for debuggers, but declared in no installed header. */
#define search_unwind_table UNW_OBJ(dwarf_search_unwind_table)
extern int search_unwind_table(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table,
                               unw_proc_info_t *found, int need_unwind_info, void *arg);

#define FRAME_BYTES_MAX (1 << 30)  /* Go's largest stack */
#define TABLE_DISTANCE  0x10000000 /* from the code to where libunwind finds its table */

struct unwind {
	unw_addr_space_t space;
};

/* ---- unwind information for one address -------------------------------------------------------
 */

/* .eh_frame as libunwind reads it, for one address: the CIE says where the return address is, the
 * FDE that the frame ends so many bytes above the stack pointer. Where the caller's RBP is pclntab
 * does not say, nor is it wanted; but libunwind takes an undefined one for the end of the chain. */
struct eh_frame {
	struct {
		int32_t start, fde; /* from the table's own address */
	} search;
	struct {
		uint32_t length, id;
		uint8_t version, augmentation, code_align, data_align, return_column;
		uint8_t cfa[3], saved_pc[2], pad[6];
	} cie;
	struct __attribute__((packed)) {
		uint32_t length, to_cie;
		uint64_t start, size;
		uint8_t cfa_offset[6], pad[2];
	} fde;
};

_Static_assert(sizeof(struct eh_frame) == 64, "libunwind reads words of 8 bytes");

enum { DW_DEF_CFA = 0x0c, DW_DEF_CFA_OFFSET = 0x0e, DW_OFFSET = 0x80 };
enum { DWARF_RSP = 7, DWARF_RIP = 16 };

static const struct eh_frame eh_frame_blank = {
        .search = {.fde = offsetof(struct eh_frame, fde)},
        .cie = {.length = sizeof(eh_frame_blank.cie) - 4,
                .version = 1,
                .code_align = 1,
                .data_align = 0x78, /* -8 */
                .return_column = DWARF_RIP,
                .cfa = {DW_DEF_CFA, DWARF_RSP, 8},
                .saved_pc = {DW_OFFSET | DWARF_RIP, 1}},
        .fde =
                {
                        .length = sizeof(eh_frame_blank.fde) - 4,
                        .to_cie = offsetof(struct eh_frame, fde.to_cie) -
                                  offsetof(struct eh_frame, cie),
                        .size = 1,
                },
};

static void eh_frame_fill(struct eh_frame *frame, uint64_t ip, uint64_t frame_bytes)
{
	uint8_t *at = frame->fde.cfa_offset;

	*frame = eh_frame_blank;
	frame->fde.start = ip;
	*at++ = DW_DEF_CFA_OFFSET;
	for (int i = 0; i < 5; i++, frame_bytes >>= 7)
		*at++ = (frame_bytes & 0x7f) | (i < 4 ? 0x80 : 0);
}

/* ---- one walk ------------------------------------------------------------------------ */

struct walk {
	const struct pclntab *tab;
	uint64_t bias;
	const struct unwind_stack *stack;
	uint64_t frame_bytes; /* of the frame that is being left, return address included */
	uint64_t table;       /* address at which libunwind reads eh_frame */
	struct eh_frame eh_frame;
};

static int read_bytes(uint64_t addr, uint64_t begin, const void *bytes, size_t size, uint64_t *out)
{
	uint64_t into = addr - begin;

	if (addr < begin || size < sizeof(*out) || into > size - sizeof(*out))
		return -UNW_EINVAL;
	memcpy(out, (const char *)bytes + into, sizeof(*out));
	return 0;
}

static int access_mem(unw_addr_space_t space, unw_word_t addr, unw_word_t *value, int write,
                      void *arg)
{
	const struct walk *walk = arg;

	(void)space;
	if (write)
		return -UNW_EREADONLYREG;
	if (!read_bytes(addr, walk->table, &walk->eh_frame, sizeof(walk->eh_frame), value))
		return 0;
	return read_bytes(addr, walk->stack->sp, walk->stack->bytes, walk->stack->size, value);
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write,
                      void *arg)
{
	const struct walk *walk = arg;

	(void)space;
	if (write)
		return -UNW_EREADONLYREG;
	if (number == UNW_X86_64_RIP)
		*value = walk->stack->pc;
	else if (number == UNW_X86_64_RSP)
		*value = walk->stack->sp;
	else if (number == UNW_X86_64_RBP)
		*value = walk->stack->fp;
	else
		return -UNW_EBADREG;
	return 0;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *out,
                          int need_unwind_info, void *arg)
{
	struct walk *walk = arg;
	unw_dyn_info_t table = {
	        .start_ip = ip,
	        .end_ip = ip + 1,
	        .format = UNW_INFO_FORMAT_REMOTE_TABLE,
	};

	walk->table = (ip + TABLE_DISTANCE) & ~UINT64_C(7);
	eh_frame_fill(&walk->eh_frame, ip, walk->frame_bytes);
	walk->eh_frame.search.start = (int32_t)(int64_t)(ip - walk->table);
	table.u.rti.segbase = walk->table;
	table.u.rti.table_data = walk->table;
	table.u.rti.table_len = sizeof(walk->eh_frame.search) / sizeof(unw_word_t);
	return search_unwind_table(space, ip, &table, out, need_unwind_info, arg);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *arg)
{
	(void)space;
	(void)info;
	(void)arg;
}

static int no_dynamic_info(unw_addr_space_t space, unw_word_t *addr, void *arg)
{
	(void)space;
	(void)addr;
	(void)arg;
	return -UNW_ENOINFO;
}

static int no_access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value,
                           int write, void *arg)
{
	(void)space;
	(void)number;
	(void)value;
	(void)write;
	(void)arg;
	return -UNW_EBADREG;
}

static int no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
	(void)space;
	(void)cursor;
	(void)arg;
	return -UNW_EINVAL;
}

static int no_proc_name(unw_addr_space_t space, unw_word_t addr, char *name, size_t size,
                        unw_word_t *offset, void *arg)
{
	(void)space;
	(void)addr;
	(void)name;
	(void)size;
	(void)offset;
	(void)arg;
	return -UNW_EINVAL;
}

/* ---- Go frames ----------------------------------------------------------------------- */

/* A frame on the way: the function that its address lies in, and that address. */
struct go_frame {
	uint64_t ip;
	struct pclntab_function function;
	const char *name;
};

static bool is_named(const struct go_frame *frame, const char *name)
{
	return frame->name && strcmp(frame->name, name) == 0;
}

/* The address to look up for a frame: the call before the return address, except where nobody
 * called: the probed instruction itself, a fault, an address that the runtime put there. */
static uint64_t lookup_of(const struct walk *walk, const struct go_frame *frame, bool exact)
{
	uint64_t addr = frame->ip - walk->bias;

	return exact || addr == frame->function.entry ? addr : addr - 1;
}

/* 0, or -ENOENT: not in Go code. */
static int frame_find(const struct walk *walk, uint64_t ip, bool exact, struct go_frame *out)
{
	uint64_t addr = ip - walk->bias;

	out->ip = ip;
	if (pclntab_find(walk->tab, addr, &out->function) ||
	    (!exact && addr != out->function.entry &&
	     pclntab_find(walk->tab, addr - 1, &out->function)))
		return -ENOENT;
	if (!out->function.sp_values) /* C code that Go's own linker put in */
		return -ENOENT;
	out->name = pclntab_name(walk->tab, out->function.name);
	return 0;
}

struct span_search {
	uint64_t addr;
	int32_t sp_delta;
};

static int on_span(void *ctx, const struct pclntab_span *span)
{
	struct span_search *search = ctx;

	if (search->addr >= span->end)
		return 0;
	search->sp_delta = span->sp_delta;
	return 1;
}

/* Where the frame ends. False: the stack pointer there is not what the table says, or this is
 * where the stack begins. */
static bool frame_measure(struct walk *walk, const struct go_frame *frame, bool exact)
{
	struct span_search search = {.addr = lookup_of(walk, frame, exact), .sp_delta = -1};

	if (frame->function.flags & PCLNTAB_TOP_FRAME)
		return false;
	/* cgocallback writes to the stack pointer as well, but keeps both stacks as the table says
	 * (runtime.unwinder.resolveInternal). */
	if (frame->function.flags & PCLNTAB_SP_WRITE && !is_named(frame, "runtime.cgocallback"))
		return false;
	if (pclntab_sp_spans(walk->tab, &frame->function, on_span, &search) != 1 ||
	    search.sp_delta < 0 || search.sp_delta > FRAME_BYTES_MAX || search.sp_delta % 8)
		return false;
	walk->frame_bytes = (uint64_t)search.sp_delta + 8;
	return true;
}

/* ---- the whole ----------------------------------------------------------------------- */

int unwind_create(struct unwind **out)
{
	static unw_accessors_t accessors = {
	        .find_proc_info = find_proc_info,
	        .put_unwind_info = put_unwind_info,
	        .get_dyn_info_list_addr = no_dynamic_info,
	        .access_mem = access_mem,
	        .access_reg = access_reg,
	        .access_fpreg = no_access_fpreg,
	        .resume = no_resume,
	        .get_proc_name = no_proc_name,
	};
	struct unwind *unwind = calloc(1, sizeof(*unwind));

	*out = NULL;
	if (!unwind)
		return -ENOMEM;
	unwind->space = unw_create_addr_space(&accessors, 0);
	if (!unwind->space) {
		free(unwind);
		return -ENOMEM;
	}
	/* One address can mean different things from one walk to the next. */
	unw_set_caching_policy(unwind->space, UNW_CACHE_NONE);
	*out = unwind;
	return 0;
}

void unwind_destroy(struct unwind *unwind)
{
	if (!unwind)
		return;
	unw_destroy_addr_space(unwind->space);
	free(unwind);
}

int unwind_walk(struct unwind *unwind, struct go_binary *binary, uint64_t bias,
                const struct unwind_stack *stack, uint64_t *out, int max, bool *complete)
{
	struct walk walk = {.tab = go_binary_pclntab(binary), .bias = bias, .stack = stack};
	struct go_frame frame;
	unw_cursor_t cursor;
	unw_word_t ip;
	bool exact = true;
	int count = 0;

	*complete = false;
	out[count++] = stack->pc;
	if (frame_find(&walk, stack->pc, exact, &frame) ||
	    unw_init_remote(&cursor, unwind->space, &walk))
		return count;
	while (count < max && frame_measure(&walk, &frame, exact)) {
		exact = is_named(&frame, "runtime.sigpanic");
		if (unw_step(&cursor) <= 0 || unw_get_reg(&cursor, UNW_REG_IP, &ip) ||
		    frame_find(&walk, ip, exact, &frame))
			break;
		out[count++] = ip;
		*complete = is_named(&frame, "runtime.goexit");
	}
	return count;
}

#else

int unwind_create(struct unwind **out)
{
	*out = NULL;
	return -ENOTSUP;
}

void unwind_destroy(struct unwind *unwind)
{
	(void)unwind;
}

int unwind_walk(struct unwind *unwind, struct go_binary *binary, uint64_t bias,
                const struct unwind_stack *stack, uint64_t *out, int max, bool *complete)
{
	(void)unwind;
	(void)binary;
	(void)bias;
	(void)max;
	*complete = false;
	out[0] = stack->pc;
	return 1;
}

#endif

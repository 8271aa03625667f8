/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/go/pclntab.h"

#define HEADER_MAX         72
#define PCDATA_INLINE      2 /* abi.PCDATA_InlTreeIndex */
#define FUNCDATA_INLINE    3 /* abi.FUNCDATA_InlTree */
#define FUNCDATA_WRAPPED   7 /* abi.FUNCDATA_WrapInfo */
#define FUNCTION_BYTES_MAX (UINT64_C(1) << 30)
#define FUNCTIONS_MAX      (UINT64_C(1) << 23) /* eight times what the largest programs have */
#define VALUE_STEPS_MAX    (1u << 18)          /* a function of several megabytes */
#define CANDIDATES_MAX     (1u << 16)          /* places that look like the header at first sight */
#define SCAN_STEP          16384

/* Offsets in bytes. _func: runtime2.go; the name is always at entry_size. */
struct pclntab_format {
	uint32_t magic;
	uint8_t header_parts; /* of the five part offsets in pcHeader */
	uint8_t header_text;  /* of textStart, 0: none */
	uint8_t entry_size;   /* of an address in the function table: 8, or 4 from text */
	uint8_t file_values;  /* _func.pcfile; pcln and npcdata follow, then cuOffset */
	uint8_t id;           /* _func.funcID; nfuncdata is 3 further */
	uint8_t record_size;  /* where pcdata[] begins */
	uint8_t call_size;    /* of an inlinedCall */
	uint8_t call_id;      /* inlinedCall.funcID */
	uint8_t call_name, call_parent;
};

static const struct pclntab_format formats[] = {
        {0xfffffffa, 24, 0, 8, 24, 40, 44, 20, 2, 12, 16},  /* 1.16, 1.17 */
        {0xfffffff0, 32, 24, 4, 20, 36, 40, 20, 2, 12, 16}, /* 1.18, 1.19 */
        {0xfffffff1, 32, 24, 4, 20, 40, 44, 16, 0, 4, 8},   /* 1.20 and later */
};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

static uint32_t load_u32(const unsigned char *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static uint64_t load_u64(const unsigned char *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* ---- finding and opening ------------------------------------------------------------- */

static const struct pclntab_format *format_find(const unsigned char *header)
{
	uint32_t magic = load_u32(header);

	if (header[4] || header[5] || (header[6] != 1 && header[6] != 4) || header[7] != 8)
		return NULL;
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (formats[i].magic == magic)
			return &formats[i];
	return NULL;
}

int pclntab_open(struct pclntab *tab, struct elf_file *file, uint64_t addr)
{
	const unsigned char *header = elf_file_at(file, addr, HEADER_MAX);
	uint64_t extent = elf_file_extent(file, addr);
	uint64_t parts[5];

	*tab = (struct pclntab){.file = file, .addr = addr};
	if (!header || !(tab->format = format_find(header)))
		return -ENODATA;
	tab->quantum = header[6];
	tab->functions = load_u64(header + 8);
	for (int i = 0; i < 5; i++) {
		parts[i] = load_u64(header + tab->format->header_parts + 8 * i);
		if (parts[i] >= extent)
			return -ENODATA;
	}
	tab->names = addr + parts[0];
	tab->units = addr + parts[1];
	tab->files = addr + parts[2];
	tab->values = addr + parts[3];
	tab->table = addr + parts[4];
	if (tab->format->header_text)
		elf_file_pointer(file, addr + tab->format->header_text, &tab->text);
	/* Each function has an entry of two words, and one word ends the table. */
	uint64_t room = (extent - parts[4]) / tab->format->entry_size;
	if (tab->functions == 0 || tab->functions > FUNCTIONS_MAX || 2 * tab->functions + 1 > room)
		return -ENODATA;
	return 0;
}

static bool table_is_at(struct elf_file *file, uint64_t addr)
{
	struct pclntab tab;

	return pclntab_open(&tab, file, addr) == 0;
}

/* Externally linked PIEs before 1.26 and files without section headers: look for the header, which
 * is 8-aligned, in steps that keep the file from being loaded at once. */
static int locate_by_magic(struct elf_file *file, const struct elf_segment *segment, uint64_t *addr)
{
	unsigned char buffer[SCAN_STEP];
	uint64_t start = (segment->vaddr + 7) & ~UINT64_C(7);
	uint64_t end = segment->vaddr + segment->file_size;
	unsigned int candidates = 0;

	for (uint64_t at = start; at < end && end - at >= HEADER_MAX; at += SCAN_STEP) {
		at = elf_file_next_data(file, at);
		uint64_t len = end - at < SCAN_STEP ? end - at : SCAN_STEP;
		const unsigned char *bytes = elf_file_peek(file, at, len, buffer);
		for (uint64_t i = 0; bytes && i + 8 <= len; i += 8)
			if (bytes[i + 3] == 0xff && format_find(bytes + i) &&
			    ++candidates < CANDIDATES_MAX && table_is_at(file, at + i)) {
				*addr = at + i;
				return 0;
			}
	}
	return -ENODATA;
}

int pclntab_locate(struct elf_file *file, uint64_t *addr)
{
	static const char *const sections[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	uint64_t size;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (elf_file_section(file, sections[i], addr, &size) == 0 &&
		    table_is_at(file, *addr))
			return 0;
	for (int executable = 0; executable <= 1; executable++)
		for (size_t i = 0; i < elf_file_segment_count(file); i++) {
			const struct elf_segment *segment = elf_file_segment(file, i);
			if (segment->executable == executable &&
			    locate_by_magic(file, segment, addr) == 0)
				return 0;
		}
	return -ENODATA;
}

/* ---- functions ----------------------------------------------------------------------- */

static const unsigned char *table_entry(const struct pclntab *tab, uint64_t index)
{
	uint64_t size = tab->format->entry_size;

	return elf_file_at(tab->file, tab->table + 2 * size * index, size);
}

static int entry_addr(const struct pclntab *tab, uint64_t index, uint64_t *addr)
{
	const unsigned char *entry = table_entry(tab, index);

	if (!entry)
		return -ENOENT;
	if (tab->format->entry_size == 4) {
		*addr = tab->text + load_u32(entry);
		return 0;
	}
	return elf_file_pointer(tab->file, tab->table + 16 * index, addr) ? -ENOENT : 0;
}

static int record_addr(const struct pclntab *tab, uint64_t index, uint64_t *addr)
{
	uint64_t size = tab->format->entry_size;
	const unsigned char *word =
	        elf_file_at(tab->file, tab->table + 2 * size * index + size, size);

	if (!word || index >= tab->functions)
		return -ENOENT;
	*addr = tab->table + (size == 4 ? load_u32(word) : load_u64(word));
	return 0;
}

int pclntab_entry(const struct pclntab *tab, uint64_t index, uint64_t *addr)
{
	return index < tab->functions ? entry_addr(tab, index, addr) : -ENOENT;
}

int pclntab_function_name(const struct pclntab *tab, uint64_t index, uint32_t *name)
{
	uint64_t record;

	if (record_addr(tab, index, &record) ||
	    elf_file_u32(tab->file, record + tab->format->entry_size, name))
		return -ENOENT;
	return 0;
}

int pclntab_function(const struct pclntab *tab, uint64_t index, struct pclntab_function *out)
{
	const struct pclntab_format *format = tab->format;

	if (record_addr(tab, index, &out->record) || entry_addr(tab, index, &out->entry) ||
	    entry_addr(tab, index + 1, &out->end))
		return -ENOENT;
	const unsigned char *record = elf_file_at(tab->file, out->record, format->record_size);
	if (!record || out->end <= out->entry || out->end - out->entry > FUNCTION_BYTES_MAX)
		return -ENOENT;
	out->name = load_u32(record + format->entry_size);
	out->sp_values = load_u32(record + format->file_values - 4);
	out->file_values = load_u32(record + format->file_values);
	out->line_values = load_u32(record + format->file_values + 4);
	out->value_tables = load_u32(record + format->file_values + 8);
	out->unit = load_u32(record + format->file_values + 12);
	out->id = record[format->id];
	out->flags = record[format->id + 1];
	out->data_tables = record[format->id + 3];
	return 0;
}

int pclntab_find(const struct pclntab *tab, uint64_t pc, struct pclntab_function *out)
{
	uint64_t low = 0;
	uint64_t high = tab->functions;

	/* The last function that does not begin after pc is low - 1 in the end. */
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t entry;
		if (entry_addr(tab, middle, &entry))
			return -ENOENT;
		if (entry <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || pclntab_function(tab, low - 1, out) || pc >= out->end || pc < out->entry)
		return -ENOENT;
	return 0;
}

const char *pclntab_name(const struct pclntab *tab, uint32_t name)
{
	return elf_file_string(tab->file, tab->names + name);
}

/* ---- value tables -------------------------------------------------------------------- */

struct cursor {
	struct elf_file *file;
	uint64_t addr; /* of the byte behind end */
	const unsigned char *next, *end;
	bool failed;
};

static unsigned char cursor_byte(struct cursor *cursor)
{
	if (cursor->next == cursor->end) {
		uint64_t len = elf_file_extent(cursor->file, cursor->addr);
		len = len < 64 ? len : 64;
		cursor->next = elf_file_at(cursor->file, cursor->addr, len);
		if (!cursor->next || len == 0) {
			cursor->next = cursor->end = NULL;
			cursor->failed = true;
			return 0;
		}
		cursor->end = cursor->next + len;
		cursor->addr += len;
	}
	return *cursor->next++;
}

static uint32_t cursor_varint(struct cursor *cursor)
{
	uint32_t value = 0;

	for (int shift = 0; shift < 35; shift += 7) {
		unsigned char byte = cursor_byte(cursor);
		value |= shift < 32 ? (uint32_t)(byte & 0x7f) << shift : 0;
		if (byte < 0x80)
			return value;
	}
	cursor->failed = true;
	return 0;
}

/* One step of a value table, which is a run of (zigzag value step, pc step) pairs; the value starts
 * at -1, the pc at the entry; a value step of 0 ends it, except in the first pair (runtime.step).
 * 1: the walk now stands on the next stretch, 0: the table has ended, -ENODATA: it is damaged. */
struct value_walk {
	struct cursor cursor;
	uint32_t value;
	uint64_t begin, end;
	uint32_t steps;
};

static struct value_walk value_walk_begin(const struct pclntab *tab,
                                          const struct pclntab_function *function, uint32_t table)
{
	return (struct value_walk){
	        .cursor = {.file = tab->file, .addr = tab->values + table},
	        .value = UINT32_MAX,
	        .end = function->entry,
	};
}

static int value_walk_next(struct value_walk *walk, uint32_t quantum)
{
	uint32_t step = cursor_varint(&walk->cursor);

	if (!walk->cursor.failed && step == 0 && walk->steps > 0)
		return 0;
	walk->value += step & 1 ? ~(step >> 1) : step >> 1;
	uint32_t span = cursor_varint(&walk->cursor);
	if (walk->cursor.failed || span == 0 || ++walk->steps > VALUE_STEPS_MAX)
		return -ENODATA;
	walk->begin = walk->end;
	walk->end += (uint64_t)span * quantum;
	return 1;
}

/* Value at a pc; -1: none. */
static int32_t value_at(const struct pclntab *tab, const struct pclntab_function *function,
                        uint32_t table, uint64_t pc)
{
	struct value_walk walk = value_walk_begin(tab, function, table);

	if (table == 0)
		return -1;
	bool found = false;
	while (!found && walk.end < function->end && value_walk_next(&walk, tab->quantum) == 1)
		found = pc < walk.end;
	if (tab->steps)
		*tab->steps += walk.steps;
	return found ? (int32_t)walk.value : -1;
}

int pclntab_sp_spans(const struct pclntab *tab, const struct pclntab_function *function,
                     int (*visit)(void *ctx, const struct pclntab_span *span), void *ctx)
{
	struct value_walk walk = value_walk_begin(tab, function, function->sp_values);

	if (function->sp_values == 0)
		return -ENODATA;
	while (walk.end < function->end) {
		int rc = value_walk_next(&walk, tab->quantum);
		if (rc <= 0)
			return rc;
		struct pclntab_span span = {
		        .begin = walk.begin,
		        .end = walk.end < function->end ? walk.end : function->end,
		        .sp_delta = (int32_t)walk.value,
		};
		rc = visit(ctx, &span);
		if (rc)
			return rc;
	}
	return 0;
}

void pclntab_position(const struct pclntab *tab, const struct pclntab_function *function,
                      uint64_t pc, const char **file, int *line)
{
	int32_t number = value_at(tab, function, function->file_values, pc);
	uint32_t offset;

	*file = NULL;
	*line = value_at(tab, function, function->line_values, pc);
	if (*line < 0)
		*line = 0;
	if (number < 0 ||
	    elf_file_u32(tab->file, tab->units + 4 * ((uint64_t)function->unit + (uint32_t)number),
	                 &offset) ||
	    offset == UINT32_MAX)
		return;
	*file = elf_file_string(tab->file, tab->files + offset);
}

/* ---- function data ------------------------------------------------------------------- */

/* Address of a function's data by index (abi.FUNCDATA_*); 0: it has none. */
static uint64_t function_data(const struct pclntab *tab, const struct pclntab_function *function,
                              unsigned int index)
{
	uint64_t at =
	        function->record + tab->format->record_size + 4 * (uint64_t)function->value_tables;
	uint64_t pointer;
	uint32_t offset;

	if (function->data_tables <= index)
		return 0;
	if (tab->format->entry_size == 8) {
		at = ((at + 7) & ~UINT64_C(7)) + UINT64_C(8) * index;
		return elf_file_pointer(tab->file, at, &pointer) ? 0 : pointer;
	}
	if (elf_file_u32(tab->file, at + UINT64_C(4) * index, &offset) || offset == UINT32_MAX)
		return 0;
	return tab->gofunc + offset;
}

bool pclntab_wrapped(const struct pclntab *tab, const struct pclntab_function *function,
                     struct pclntab_function *out)
{
	uint64_t data = function_data(tab, function, FUNCDATA_WRAPPED);
	uint32_t offset;

	return data && !elf_file_u32(tab->file, data, &offset) &&
	       !pclntab_find(tab, tab->text + offset, out);
}

/* ---- inlined calls ------------------------------------------------------------------- */

bool pclntab_inlined(const struct pclntab *tab, const struct pclntab_function *function,
                     uint64_t pc, struct pclntab_call *out)
{
	const struct pclntab_format *format = tab->format;
	uint32_t table;

	if (function->value_tables <= PCDATA_INLINE)
		return false;
	uint64_t tree = function_data(tab, function, FUNCDATA_INLINE);
	if (!tree ||
	    elf_file_u32(tab->file, function->record + format->record_size + 4 * PCDATA_INLINE,
	                 &table))
		return false;
	int32_t index = value_at(tab, function, table, pc);
	if (index < 0)
		return false;
	const unsigned char *call = elf_file_at(
	        tab->file, tree + (uint64_t)index * format->call_size, format->call_size);
	if (!call)
		return false;
	out->id = call[format->call_id];
	out->name = load_u32(call + format->call_name);
	out->parent = load_u32(call + format->call_parent);
	return true;
}

/* SPDX-License-Identifier: MIT */
#include "core/go/dwarf_entry.h"

#include <errno.h>
#include <string.h>

/* The names are those of the standard (DWARF 5, section 7). */
#define DW_UT_compile              0x01
#define DW_AT_name                 0x03
#define DW_AT_language             0x13
#define DW_AT_const_value          0x1c
#define DW_AT_data_member_location 0x38
#define DW_AT_type                 0x49
#define DW_FORM_string             0x08
#define DW_FORM_strp               0x0e
#define DW_FORM_ref_addr           0x10
#define DW_FORM_indirect           0x16
#define DW_FORM_implicit_const     0x21
#define DWARF64_ESCAPE             0xfffffff0u

/* How an attribute's value is stored. */
enum storage {
	UNKNOWN,
	FIXED,   /* size bytes */
	ADDRESS, /* as many as an address of the unit has */
	ULEB,
	SLEB,
	TEXT,     /* up to a NUL */
	BLOCK,    /* a length of size bytes, and as many */
	BLOCK_LEB /* the same with the length as ULEB */
};

/* What the value may be used as. */
enum meaning { NOTHING, NUMBER, REFERENCE };

struct form {
	uint8_t storage, size, meaning;
};

static const struct form forms[] = {
        [0x01] = {ADDRESS, 0, NOTHING}, [0x03] = {BLOCK, 2, NOTHING},
        [0x04] = {BLOCK, 4, NOTHING},   [0x05] = {FIXED, 2, NUMBER},
        [0x06] = {FIXED, 4, NUMBER},    [0x07] = {FIXED, 8, NUMBER},
        [0x08] = {TEXT, 0, NOTHING},    [0x09] = {BLOCK_LEB, 0, NOTHING},
        [0x0a] = {BLOCK, 1, NOTHING},   [0x0b] = {FIXED, 1, NUMBER},
        [0x0c] = {FIXED, 1, NOTHING},   [0x0d] = {SLEB, 0, NUMBER},
        [0x0e] = {FIXED, 4, NOTHING},   [0x0f] = {ULEB, 0, NUMBER},
        [0x10] = {FIXED, 4, NOTHING},   [0x11] = {FIXED, 1, REFERENCE},
        [0x12] = {FIXED, 2, REFERENCE}, [0x13] = {FIXED, 4, REFERENCE},
        [0x14] = {FIXED, 8, REFERENCE}, [0x15] = {ULEB, 0, REFERENCE},
        [0x17] = {FIXED, 4, NOTHING},   [0x18] = {BLOCK_LEB, 0, NOTHING},
        [0x19] = {FIXED, 0, NOTHING},   [0x1a] = {ULEB, 0, NOTHING},
        [0x1b] = {ULEB, 0, NOTHING},    [0x1c] = {FIXED, 4, NOTHING},
        [0x1d] = {FIXED, 4, NOTHING},   [0x1e] = {FIXED, 16, NOTHING},
        [0x1f] = {FIXED, 4, NOTHING},   [0x20] = {FIXED, 8, NOTHING},
        [0x21] = {FIXED, 0, NUMBER},    [0x22] = {ULEB, 0, NOTHING},
        [0x23] = {ULEB, 0, NOTHING},    [0x24] = {FIXED, 8, NOTHING},
        [0x25] = {FIXED, 1, NOTHING},   [0x26] = {FIXED, 2, NOTHING},
        [0x27] = {FIXED, 3, NOTHING},   [0x28] = {FIXED, 4, NOTHING},
        [0x29] = {FIXED, 1, NOTHING},   [0x2a] = {FIXED, 2, NOTHING},
        [0x2b] = {FIXED, 3, NOTHING},   [0x2c] = {FIXED, 4, NOTHING},
};

/* DW_FORM_GNU_addr_index and _str_index, _ref_alt and _strp_alt. */
static struct form form_of(uint64_t code)
{
	if (code < sizeof(forms) / sizeof(forms[0]))
		return forms[code];
	if (code == 0x1f01 || code == 0x1f02)
		return (struct form){ULEB, 0, NOTHING};
	if (code == 0x1f20 || code == 0x1f21)
		return (struct form){FIXED, 4, NOTHING};
	return (struct form){UNKNOWN, 0, NOTHING};
}

/* ---- bytes --------------------------------------------------------------------------- */

struct reader {
	const unsigned char *bytes;
	uint64_t at, end;
	bool failed;
};

static bool reader_skip(struct reader *r, uint64_t len)
{
	if (len > r->end - r->at)
		r->failed = true;
	else
		r->at += len;
	return !r->failed;
}

static uint64_t read_fixed(struct reader *r, unsigned int size)
{
	uint64_t value = 0, from = r->at;

	if (reader_skip(r, size))
		memcpy(&value, r->bytes + from, size < sizeof(value) ? size : sizeof(value));
	return value;
}

static uint64_t read_leb(struct reader *r, bool is_signed)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; r->at < r->end; shift += 7) {
		unsigned char byte = r->bytes[r->at++];
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (is_signed && byte & 0x40 && shift + 7 < 64)
			value |= UINT64_MAX << (shift + 7);
		return value;
	}
	r->failed = true;
	return 0;
}

static const char *read_text(struct dwarf *dwarf, struct reader *r)
{
	const unsigned char *text = r->bytes + r->at;
	const unsigned char *end = r->at < r->end ? memchr(text, 0, r->end - r->at) : NULL;
	uint64_t length = end ? (uint64_t)(end - text) : r->end - r->at;

	dwarf->steps += length / 8;
	if (!end) {
		r->failed = true;
		return NULL;
	}
	r->at += length + 1;
	return (const char *)text;
}

/* ---- abbreviations ------------------------------------------------------------------- */

/* Remember where each code of a table is declared. Codes above the limit stay unknown. */
static int abbrevs_load(struct dwarf *dwarf, uint64_t at)
{
	struct reader r = {dwarf->abbrev.bytes, at, dwarf->abbrev.size, false};

	if (dwarf->abbrevs_at == at)
		return 0;
	if (at >= r.end || r.end > UINT32_MAX)
		return -ENODATA;
	memset(dwarf->abbrevs, 0, sizeof(dwarf->abbrevs));
	dwarf->steps += DWARF_ABBREVS_MAX / 16;
	dwarf->abbrevs_at = UINT64_MAX;
	for (uint64_t code; (code = read_leb(&r, false)) != 0 && !r.failed;) {
		if (code < DWARF_ABBREVS_MAX)
			dwarf->abbrevs[code] = (uint32_t)r.at;
		read_leb(&r, false); /* tag */
		reader_skip(&r, 1);  /* has children */
		for (uint64_t name = 1, form = 1; (name || form) && !r.failed;) {
			name = read_leb(&r, false);
			form = read_leb(&r, false);
			if (form == DW_FORM_implicit_const)
				read_leb(&r, true);
			if (++dwarf->steps > dwarf->steps_max)
				return -ENODATA;
		}
	}
	if (r.failed)
		return -ENODATA;
	dwarf->abbrevs_at = at;
	return 0;
}

/* ---- entries ------------------------------------------------------------------------- */

static const char *text_at(struct dwarf *dwarf, uint64_t offset)
{
	struct reader r = {dwarf->str.bytes, offset, dwarf->str.size, false};

	return offset < r.end ? read_text(dwarf, &r) : NULL;
}

/* Read one value, and put it into the entry where it is wanted there. */
static void attribute_read(struct dwarf *dwarf, const struct dwarf_unit *unit, struct reader *r,
                           uint64_t name, uint64_t code, int64_t constant, struct dwarf_entry *out)
{
	struct form form = form_of(code);
	const char *text = NULL;
	uint64_t value = (uint64_t)constant;

	if (form.storage == UNKNOWN)
		r->failed = true;
	else if (form.storage == TEXT)
		text = read_text(dwarf, r);
	else if (form.storage == BLOCK || form.storage == BLOCK_LEB)
		reader_skip(r,
		            form.storage == BLOCK ? read_fixed(r, form.size) : read_leb(r, false));
	else if (form.storage == ULEB || form.storage == SLEB)
		value = read_leb(r, form.storage == SLEB);
	else if (form.storage == ADDRESS || form.size)
		value = read_fixed(r, form.storage == ADDRESS ? unit->address_size : form.size);
	if (r->failed)
		return;
	if (name == DW_AT_name)
		out->name = code == DW_FORM_strp ? text_at(dwarf, value) : text;
	if (name == DW_AT_type && form.meaning == REFERENCE)
		out->type = value < unit->end - unit->begin ? unit->begin + value : 0;
	if (name == DW_AT_type && code == DW_FORM_ref_addr)
		out->type = value;
	if (form.meaning != NUMBER || value > INT64_MAX)
		return;
	if (name == DW_AT_language)
		out->language = (int64_t)value;
	if (name == DW_AT_data_member_location)
		out->location = (int64_t)value;
	if (name == DW_AT_const_value)
		out->value = (int64_t)value;
}

int dwarf_entry_at(struct dwarf *dwarf, const struct dwarf_unit *unit, uint64_t offset,
                   struct dwarf_entry *out)
{
	struct reader r = {dwarf->info.bytes, offset, unit->end, false};
	struct reader a = {dwarf->abbrev.bytes, 0, dwarf->abbrev.size, false};

	*out = (struct dwarf_entry){.at = offset, .language = -1, .location = -1, .value = -1};
	if (offset < unit->entries || offset >= unit->end || abbrevs_load(dwarf, unit->abbrevs))
		return -ENODATA;
	uint64_t code = read_leb(&r, false);
	if (r.failed || ++dwarf->steps > dwarf->steps_max)
		return -ENODATA;
	out->next = r.at;
	if (code == 0)
		return 0;
	if (code >= DWARF_ABBREVS_MAX || !dwarf->abbrevs[code])
		return -ENODATA;
	a.at = dwarf->abbrevs[code];
	out->tag = (uint32_t)read_leb(&a, false);
	out->has_children = read_fixed(&a, 1);
	while (!a.failed && !r.failed && dwarf->steps <= dwarf->steps_max) {
		uint64_t name = read_leb(&a, false), form = read_leb(&a, false);
		int64_t constant = 0;
		if (name == 0 && form == 0)
			break;
		if (form == DW_FORM_implicit_const)
			constant = (int64_t)read_leb(&a, true);
		if (form == DW_FORM_indirect)
			form = read_leb(&r, false);
		attribute_read(dwarf, unit, &r, name, form, constant, out);
		dwarf->steps++;
	}
	out->next = r.at;
	return a.failed || r.failed || dwarf->steps > dwarf->steps_max ? -ENODATA : 0;
}

/* ---- units --------------------------------------------------------------------------- */

int dwarf_unit_at(struct dwarf *dwarf, uint64_t offset, struct dwarf_unit *out)
{
	struct reader r = {dwarf->info.bytes, offset, dwarf->info.size, false};

	if (offset >= r.end || ++dwarf->steps > dwarf->steps_max)
		return -ENODATA;
	uint64_t length = read_fixed(&r, 4);
	*out = (struct dwarf_unit){.begin = offset, .is_compile_unit = true};
	if (r.failed || length >= DWARF64_ESCAPE || length > r.end - r.at || length == 0)
		return -ENODATA;
	r.end = out->end = r.at + length;
	out->version = (uint16_t)read_fixed(&r, 2);
	if (out->version >= 5) {
		out->is_compile_unit = read_fixed(&r, 1) == DW_UT_compile;
		out->address_size = (uint8_t)read_fixed(&r, 1);
		out->abbrevs = read_fixed(&r, 4);
	} else {
		out->abbrevs = read_fixed(&r, 4);
		out->address_size = (uint8_t)read_fixed(&r, 1);
	}
	out->entries = r.at;
	if (out->version < 4 || out->version > 5)
		out->is_compile_unit = false;
	return r.failed ? -ENODATA : 0;
}

/* SPDX-License-Identifier: MIT */
#include "core/process/go_type_live.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/process/process_memory.h"

#define NAME_MAX_BYTES 4096
#define DEPTH_MAX      32  /* of types within types */
#define TYPES_MAX      256 /* descriptors looked at for one name */
#define FIELDS_MAX     64  /* of a struct; parameters of a function */
#define FIELD_TEXT_MAX 256 /* a field's name, its tag */

/* What all descriptors begin with: abi.Type, runtime._type before Go 1.21. */
struct descriptor {
	uint64_t size, pointer_bytes;
	uint32_t hash;
	uint8_t flags, align, field_align, kind;
	uint64_t equal, gc_data;
	int32_t name, pointer_to_this;
};

_Static_assert(sizeof(struct descriptor) == 48, "as in Go 1.17 to 1.27");

#define FLAG_UNCOMMON 1 /* methods lie behind the descriptor: 16 more bytes */
#define FLAG_NAMED    4 /* declared in a package; reflect makes no such types */
#define FLAGS_ALL     0x7f
#define KIND_MASK     31
#define ADDRESS_BITS  48 /* of user space, on amd64 and arm64 */

struct naming {
	struct go_binary *binary;
	uint64_t bias;
	pid_t pid;
	char text[NAME_MAX_BYTES];
	size_t length;
	int depth, types;
};

static bool type_say(struct naming *n, uint64_t addr, uint32_t *hash);

__attribute__((format(printf, 2, 3))) static bool say(struct naming *n, const char *format, ...)
{
	size_t room = sizeof(n->text) - n->length;
	va_list ap;
	int used;

	va_start(ap, format);
	used = vsnprintf(n->text + n->length, room, format, ap);
	va_end(ap);
	if (used < 0 || (size_t)used >= room)
		return false;
	n->length += (size_t)used;
	return true;
}

static bool read_at(const struct naming *n, uint64_t addr, void *buf, size_t len)
{
	return process_memory_read(n->pid, addr, buf, len) == 0;
}

/* ---- hashes, as reflect computes them ------------------------------------------------ */

static uint32_t fnv1(uint32_t hash, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = hash * 16777619 ^ ((const uint8_t *)bytes)[i];
	return hash;
}

static uint32_t fnv1_byte(uint32_t hash, uint8_t byte)
{
	return fnv1(hash, &byte, 1);
}

static uint32_t fnv1_hash(uint32_t hash, uint32_t other)
{
	uint8_t bytes[4] = {other >> 24, other >> 16, other >> 8, other};

	return fnv1(hash, bytes, sizeof(bytes));
}

/* ---- one function a kind: say the type whose descriptor is at addr, and what its hash must be --
 */

static bool pointer_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	uint64_t elem;

	(void)d;
	if (!read_at(n, addr + sizeof(*d), &elem, sizeof(elem)) || !say(n, "*") ||
	    !type_say(n, elem, hash))
		return false;
	*hash = fnv1_byte(*hash, '*');
	return true;
}

static bool slice_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	uint64_t elem;

	(void)d;
	if (!read_at(n, addr + sizeof(*d), &elem, sizeof(elem)) || !say(n, "[]") ||
	    !type_say(n, elem, hash))
		return false;
	*hash = fnv1_byte(*hash, '[');
	return true;
}

static bool array_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	struct {
		uint64_t elem, slice, length;
	} array;

	if (!read_at(n, addr + sizeof(*d), &array, sizeof(array)) ||
	    !say(n, "[%" PRIu64 "]", array.length) || !type_say(n, array.elem, hash))
		return false;
	*hash = fnv1_byte(*hash, '[');
	for (uint32_t rest = (uint32_t)array.length; rest; rest >>= 8)
		*hash = fnv1_byte(*hash, (uint8_t)rest);
	*hash = fnv1_byte(*hash, ']');
	return true;
}

/* `chan (<-chan T)`: the arrow would bind to the outer one. */
static bool chan_parenthesize(struct naming *n, size_t elem_at)
{
	if (n->text[elem_at] != '<')
		return true;
	if (n->length + 3 > sizeof(n->text))
		return false;
	memmove(n->text + elem_at + 1, n->text + elem_at, n->length - elem_at);
	n->text[elem_at] = '(';
	n->length++;
	return say(n, ")");
}

static bool chan_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	static const char *const words[] = {NULL, "<-chan ", "chan<- ", "chan "};
	struct {
		uint64_t elem, direction;
	} chan;
	size_t elem_at;

	if (!read_at(n, addr + sizeof(*d), &chan, sizeof(chan)) || chan.direction < 1 ||
	    chan.direction > 3 || !say(n, "%s", words[chan.direction]))
		return false;
	elem_at = n->length;
	if (!type_say(n, chan.elem, hash) ||
	    (chan.direction == 3 && !chan_parenthesize(n, elem_at)))
		return false;
	*hash = fnv1_byte(fnv1_byte(*hash, 'c'), (uint8_t)chan.direction);
	return true;
}

static bool map_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	struct {
		uint64_t key, elem;
	} map;
	uint32_t key_hash;

	if (!read_at(n, addr + sizeof(*d), &map, sizeof(map)) || !say(n, "map[") ||
	    !type_say(n, map.key, &key_hash) || !say(n, "]") || !type_say(n, map.elem, hash))
		return false;
	*hash = fnv1_hash(fnv1_byte(*hash, 'm'), key_hash);
	return true;
}

/* Parameters or results [from, to) of a function. The last parameter of a variadic one is a slice,
 * whose element is told. */
static bool params_say(struct naming *n, const uint64_t *types, size_t from, size_t to,
                       bool variadic, uint32_t *hash)
{
	for (size_t i = from; i < to; i++) {
		size_t at;
		uint32_t h;

		if (i > from && !say(n, ", "))
			return false;
		at = n->length;
		if (!type_say(n, types[i], &h))
			return false;
		*hash = fnv1_hash(*hash, h);
		if (!variadic || i + 1 < to)
			continue;
		if (strncmp(n->text + at, "[]", 2) != 0)
			return false;
		memmove(n->text + at + 3, n->text + at + 2, n->length - at - 1);
		memcpy(n->text + at, "...", 3);
		n->length++;
	}
	return true;
}

static bool func_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	uint64_t types[2 * FIELDS_MAX], at = addr + sizeof(*d) + 8;
	uint16_t counts[2];
	bool variadic;
	size_t in, out;

	if (!read_at(n, addr + sizeof(*d), counts, sizeof(counts)))
		return false;
	variadic = counts[1] & 0x8000;
	in = counts[0];
	out = counts[1] & 0x7fff;
	at += d->flags & FLAG_UNCOMMON ? 16 : 0;
	if (in > FIELDS_MAX || out > FIELDS_MAX ||
	    !read_at(n, at, types, (in + out) * sizeof(types[0])))
		return false;
	/* Room for the dot that a variadic one has more than a slice. */
	if (n->length + 8 > sizeof(n->text))
		return false;
	*hash = 0;
	if (!say(n, "func(") || !params_say(n, types, 0, in, variadic, hash) || !say(n, ")"))
		return false;
	*hash = fnv1_byte(variadic ? fnv1_byte(*hash, 'v') : *hash, '.');
	return say(n, "%s",
	           out > 1 ? " ("
	           : out   ? " "
	                   : "") &&
	       params_say(n, types, in, in + out, false, hash) && say(n, "%s", out > 1 ? ")" : "");
}

/* ---- structs ------------------------------------------------------------------------- */

/* One name of abi.Name: length as varint, bytes. Returns where it ends; 0: too long or not
 * there. */
static uint64_t text_read(const struct naming *n, uint64_t addr, char out[FIELD_TEXT_MAX])
{
	uint8_t head[2];
	size_t len, used = 1;

	if (!read_at(n, addr, head, sizeof(head)))
		return 0;
	len = head[0] & 0x7f;
	if (head[0] & 0x80) {
		len |= (size_t)(head[1] & 0x7f) << 7;
		used = 2;
	}
	if (len >= FIELD_TEXT_MAX || (used == 2 && head[1] & 0x80) ||
	    !read_at(n, addr + used, out, len))
		return 0;
	out[len] = '\0';
	return strlen(out) == len ? addr + used + len : 0;
}

/* As strconv.Quote does it, for plain text. */
static bool tag_say(struct naming *n, const char *tag)
{
	if (!say(n, " \""))
		return false;
	for (; *tag; tag++) {
		if (*tag < ' ' || *tag > '~' ||
		    !say(n, "%s%c", *tag == '"' || *tag == '\\' ? "\\" : "", *tag))
			return false;
	}
	return say(n, "\"");
}

struct field {
	uint64_t name, type, offset;
};

#define NAME_HAS_TAG  2
#define NAME_EMBEDDED 8 /* Go 1.19; before: the lowest bit of the offset */

static bool field_say(struct naming *n, const struct field *field, uint32_t *hash)
{
	char name[FIELD_TEXT_MAX], tag[FIELD_TEXT_MAX] = "";
	uint32_t type_hash;
	uint8_t flags;
	uint64_t end;
	bool embedded;

	if (!read_at(n, field->name, &flags, 1))
		return false;
	end = text_read(n, field->name + 1, name);
	if (!end || (flags & NAME_HAS_TAG && !text_read(n, end, tag)))
		return false;
	embedded = go_binary_minor(n->binary) < 19 ? field->offset & 1 : flags & NAME_EMBEDDED;
	if (!embedded && !say(n, " %s", name))
		return false;
	*hash = fnv1(*hash, name, strlen(name));
	if (!say(n, " ") || !type_say(n, field->type, &type_hash))
		return false;
	*hash = fnv1_hash(*hash, type_hash);
	if (!(flags & NAME_HAS_TAG))
		return true;
	*hash = fnv1(*hash, tag, strlen(tag));
	return tag_say(n, tag);
}

static bool struct_say(struct naming *n, uint64_t addr, const struct descriptor *d, uint32_t *hash)
{
	static const char begin[] = "struct {";
	struct field fields[FIELDS_MAX];
	struct {
		uint64_t package, fields, count;
	} s;

	if (!read_at(n, addr + sizeof(*d), &s, sizeof(s)) || s.count > FIELDS_MAX ||
	    !read_at(n, s.fields, fields, s.count * sizeof(fields[0])) || !say(n, begin))
		return false;
	*hash = fnv1(0, begin, strlen(begin));
	for (size_t i = 0; i < s.count; i++)
		if (!field_say(n, &fields[i], hash) || (i + 1 < s.count && !say(n, ";")))
			return false;
	*hash = fnv1_byte(*hash, '}');
	return say(n, s.count ? " }" : "}");
}

/* ---- any type ------------------------------------------------------------------------ */

/* reflect.Kind: only these are made at run time. */
#define KIND_MAP 21

static bool (*const kind_say[KIND_MASK + 1])(struct naming *n, uint64_t addr,
                                             const struct descriptor *d, uint32_t *hash) = {
        [17] = array_say,   [18] = chan_say,  [19] = func_say,   [KIND_MAP] = map_say,
        [22] = pointer_say, [23] = slice_say, [25] = struct_say,
};

static bool plausible(const struct descriptor *d)
{
	return kind_say[d->kind & KIND_MASK] && !(d->flags & FLAG_NAMED) && d->flags <= FLAGS_ALL &&
	       d->align && (d->align & (d->align - 1)) == 0 && d->field_align &&
	       (d->field_align & (d->field_align - 1)) == 0 && d->pointer_bytes <= d->size;
}

/* A type of the executable has its name there. */
static bool type_say_file(struct naming *n, uint64_t addr, uint32_t *hash)
{
	const char *name = go_binary_type_name(n->binary, addr);

	return name &&
	       go_binary_read(n->binary, addr + offsetof(struct descriptor, hash), hash,
	                      sizeof(*hash)) == 0 &&
	       say(n, "%s", name);
}

static bool type_say(struct naming *n, uint64_t addr, uint32_t *hash)
{
	struct descriptor d;
	bool said;

	if (addr % 8 || n->depth == DEPTH_MAX || ++n->types > TYPES_MAX)
		return false;
	if (type_say_file(n, addr - n->bias, hash))
		return true;
	if (!read_at(n, addr, &d, sizeof(d)) || !plausible(&d))
		return false;
	n->depth++;
	said = kind_say[d.kind & KIND_MASK](n, addr, &d, hash);
	n->depth--;
	return said && *hash == d.hash;
}

const char *go_type_live_name(struct go_type_live *types, struct go_binary *binary, uint64_t bias,
                              pid_t pid, uint64_t addr)
{
	struct naming n = {.binary = binary, .bias = bias, .pid = pid};
	uint64_t key = addr ^ types->process << ADDRESS_BITS;
	char *name = u64_map_get(&types->names, key);
	uint32_t hash;

	if (name || addr >> ADDRESS_BITS || !type_say(&n, addr, &hash))
		return name;
	name = strndup(n.text, n.length);
	if (name && u64_map_put(&types->names, key, name)) {
		free(name);
		name = NULL;
	}
	return name;
}

void go_type_live_renew(struct go_type_live *types)
{
	types->process++;
}

void go_type_live_free(struct go_type_live *types)
{
	for (size_t i = 0; types->names.slots && i <= types->names.mask; i++)
		free(types->names.slots[i].value);
	u64_map_free(&types->names);
}

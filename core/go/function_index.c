/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/go/function_index.h"

/* Of names that are indexed, with the NUL. In a damaged table all functions may share one endless
 * name: with a limit that costs no more than a whole table. */
#define NAME_ROOM 256
#define ROWS_MAX  (1u << 16) /* the runtime's packages have 8,000 functions */
/* Functions in a row of the table that do not begin behind the one before them: none in a sound
 * table. With so many it is no table, or a hole in a file. */
#define DISORDER_MAX 1024
/* Work for one look through the table: a function, or 32 bytes of a name. The largest programs need
 * half of it. */
#define WORK_MAX   (1u << 22)
#define NAME_PIECE 32

struct walk {
	uint64_t entry; /* of the function before */
	unsigned int disorder, work;
};

/* Is the table still worth reading at this function? */
static bool walk_goes_on(struct walk *walk, const struct pclntab *tab, uint64_t i)
{
	uint64_t entry;

	if (i >= tab->functions || pclntab_entry(tab, i, &entry))
		return false;
	walk->disorder += i > 0 && entry <= walk->entry;
	walk->entry = entry;
	return walk->disorder < DISORDER_MAX && ++walk->work < WORK_MAX;
}

static bool name_indexed(const char *name)
{
	static const char *const packages[] = {"runtime.",
	                                       "reflect.",
	                                       "maps.",
	                                       "internal/runtime/maps.",
	                                       "sync.",
	                                       "internal/sync.",
	                                       "sync/atomic.",
	                                       "internal/poll.",
	                                       "time.",
	                                       "syscall.",
	                                       "golang.org/x/sys/unix.",
	                                       "plugin."};

	for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++)
		if (strncmp(name, packages[i], strlen(packages[i])) == 0)
			return strlen(name) < NAME_ROOM;
	return false;
}

/* Name of a function by index; NULL: damaged, or longer than room. */
static const char *name_of(struct walk *walk, const struct pclntab *tab, uint64_t i, uint64_t room)
{
	const char *name;
	uint32_t offset;

	if (pclntab_function_name(tab, i, &offset))
		return NULL;
	name = elf_file_string_within(tab->file, tab->names + offset, room);
	walk->work += (name ? strlen(name) : room) / NAME_PIECE;
	return name;
}

static int row_add(struct function_index *index, const char *name, uint64_t number)
{
	if (index->count == index->room) {
		size_t room = index->room ? 2 * index->room : 1024;
		void *rows = realloc(index->rows, room * sizeof(*index->rows));
		if (!rows)
			return -ENOMEM;
		index->rows = rows;
		index->room = room;
	}
	index->rows[index->count++] = (struct function_index_row){name, number};
	return 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct function_index_row *left = a;
	const struct function_index_row *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->index > right->index) - (left->index < right->index);
}

static int index_build(struct function_index *index, const struct pclntab *tab)
{
	struct walk walk = {0};
	int rc = 0;

	elf_file_scan_begin(tab->file);
	for (uint64_t i = 0; !rc && index->count < ROWS_MAX && walk_goes_on(&walk, tab, i); i++) {
		const char *name = name_of(&walk, tab, i, NAME_ROOM);
		if (name && name_indexed(name)) {
			rc = row_add(index, name, i);
			elf_file_scan_keep(tab->file, name);
		}
		elf_file_scan_step(tab->file);
	}
	elf_file_scan_end(tab->file);
	if (rc)
		return rc;
	if (index->count)
		qsort(index->rows, index->count, sizeof(*index->rows), row_compare);
	index->built = true;
	return 0;
}

/* First row whose name is not before name. */
static size_t row_lower_bound(const struct function_index *index, const char *name)
{
	size_t low = 0;
	size_t high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(index->rows[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int find_indexed(struct function_index *index, const struct pclntab *tab, const char *name,
                        uint8_t wrapper_id, struct pclntab_function *out)
{
	int rc = -ENOENT;

	if (!index->built && index_build(index, tab))
		return -ENOMEM;
	for (size_t i = row_lower_bound(index, name);
	     i < index->count && strcmp(index->rows[i].name, name) == 0; i++) {
		struct pclntab_function function;
		if (pclntab_function(tab, index->rows[i].index, &function))
			continue;
		*out = function;
		rc = 0;
		if (out->id != wrapper_id)
			break;
	}
	return rc;
}

static int find_linear(const struct pclntab *tab, const char *name, uint8_t wrapper_id,
                       struct pclntab_function *out)
{
	struct walk walk = {0};
	int rc = -ENOENT;

	elf_file_scan_begin(tab->file);
	for (uint64_t i = 0; walk_goes_on(&walk, tab, i); i++) {
		struct pclntab_function function;
		elf_file_scan_step(tab->file);
		const char *candidate = name_of(&walk, tab, i, strlen(name) + 1);
		if (!candidate || strcmp(candidate, name) != 0 ||
		    pclntab_function(tab, i, &function))
			continue;
		*out = function;
		rc = 0;
		if (out->id != wrapper_id)
			break;
	}
	elf_file_scan_end(tab->file);
	return rc;
}

int function_index_find(struct function_index *index, const struct pclntab *tab, const char *name,
                        uint8_t wrapper_id, struct pclntab_function *out)
{
	return name_indexed(name) ? find_indexed(index, tab, name, wrapper_id, out)
	                          : find_linear(tab, name, wrapper_id, out);
}

void function_index_free(struct function_index *index)
{
	free(index->rows);
	*index = (struct function_index){0};
}

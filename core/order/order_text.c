/* SPDX-License-Identifier: MIT */
#include "core/order/order_text.h"

#include <errno.h>
#include <stdlib.h>

#include "core/elf/elf_file.h"
#include "core/order/amd64_function.h"

#define WINDOW AMD64_FUNCTION_MAX
/* Functions that do not begin behind the one before them: none in a sound table. */
#define DISORDER_MAX  1024
#define FUNCTIONS_MAX (1u << 21) /* twice what the largest programs have */

struct walk {
	const struct pclntab *tab;
	unsigned char *buffer;
	const unsigned char *bytes; /* of the window: in buffer, or where the file's bytes are */
	uint64_t start, len;
	uint64_t done; /* address up to which all was shown */
	uint64_t total;
	unsigned int disorder;
};

/* The code of a function; *code NULL: the file does not have it all. 0 or -EIO. */
static int code_find(struct walk *w, uint64_t addr, uint64_t size, const unsigned char **code)
{
	uint64_t extent;

	*code = NULL;
	if (addr < w->start || addr - w->start > w->len || size > w->len - (addr - w->start)) {
		extent = elf_file_extent(w->tab->file, addr);
		if (size > WINDOW || size > extent)
			return 0;
		w->start = addr;
		w->len = extent < WINDOW ? extent : WINDOW;
		w->bytes = elf_file_peek(w->tab->file, addr, w->len, w->buffer);
		if (!w->bytes) {
			w->len = 0;
			return -EIO;
		}
	}
	*code = w->bytes + (addr - w->start);
	return 0;
}

/* Where function i ends: where the next one begins. False: nowhere. */
static bool end_find(const struct pclntab *tab, uint64_t i, uint64_t *end)
{
	struct pclntab_function function;

	if (i + 1 < tab->functions)
		return pclntab_entry(tab, i + 1, end) == 0;
	if (pclntab_function(tab, i, &function))
		return false;
	*end = function.end;
	return true;
}

static int function_show(struct walk *w, uint64_t i, uint64_t entry, uint64_t end,
                         int (*visit)(void *ctx, const struct order_body *body), void *ctx)
{
	struct order_body body = {.index = i, .addr = entry, .size = end - entry};
	int rc;

	if (entry < w->done || end <= entry) {
		w->disorder++;
		return 0;
	}
	w->done = end;
	w->total += body.size;
	if (w->total > ORDER_TEXT_MAX)
		return -E2BIG;
	rc = code_find(w, entry, body.size, &body.code);
	return rc ? rc : visit(ctx, &body);
}

int order_text_walk(const struct pclntab *tab,
                    int (*visit)(void *ctx, const struct order_body *body), void *ctx)
{
	struct walk w = {.tab = tab, .buffer = malloc(WINDOW)};
	uint64_t entry, end;
	int rc = 0;

	if (!w.buffer)
		return -ENOMEM;
	elf_file_scan_begin(tab->file);
	if (tab->functions > FUNCTIONS_MAX)
		rc = -E2BIG;
	if (rc || pclntab_entry(tab, 0, &entry))
		goto cleanup;
	for (uint64_t i = 0; !rc && w.disorder < DISORDER_MAX && end_find(tab, i, &end); i++) {
		rc = function_show(&w, i, entry, end, visit, ctx);
		elf_file_scan_step(tab->file);
		entry = end;
	}
cleanup:
	elf_file_scan_end(tab->file);
	free(w.buffer);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/go/function_index.h"
#include "core/go/go_moduledata.h"
#include "core/go/pclntab.h"
#include "tests/fuzz/fuzz.h"

#define FUNCTIONS 24 /* asked in detail */
#define WRAPPER   22

struct spans {
	const struct pclntab_function *function;
	uint64_t end;
	size_t count;
};

static int span_visit(void *ctx, const struct pclntab_span *span)
{
	struct spans *spans = ctx;

	FUZZ_CHECK(span->begin == spans->end && span->end > span->begin);
	FUZZ_CHECK(span->end <= spans->function->end);
	spans->end = span->end;
	return ++spans->count == 10000;
}

static void pc_ask(const struct pclntab *tab, const struct pclntab_function *function, uint64_t pc)
{
	struct pclntab_call call;
	const char *file;
	int line;

	pclntab_position(tab, function, pc, &file, &line);
	FUZZ_CHECK(line >= 0);
	if (file)
		FUZZ_CHECK(strlen(file) < 65536);
	if (pclntab_inlined(tab, function, pc, &call))
		pclntab_name(tab, call.name);
}

static void function_ask(const struct pclntab *tab, uint64_t index)
{
	struct pclntab_function function;
	struct pclntab_function found;

	if (pclntab_function(tab, index, &function))
		return;
	struct spans spans = {.function = &function, .end = function.entry};
	FUZZ_CHECK(function.entry < function.end);
	const char *name = pclntab_name(tab, function.name);
	if (name)
		FUZZ_CHECK(strlen(name) < 65536);
	for (uint64_t step = 0; step < 4; step++)
		pc_ask(tab, &function, function.entry + (function.end - function.entry) / 4 * step);
	pc_ask(tab, &function, function.end - 1);
	pclntab_sp_spans(tab, &function, span_visit, &spans);
	if (pclntab_find(tab, function.entry, &found) == 0)
		FUZZ_CHECK(found.entry <= function.entry && function.entry < found.end);
}

static void names_ask(const struct pclntab *tab)
{
	static const char *const names[] = {"runtime.throw", "reflect.mapdelete", "main.nobody",
	                                    ""};
	struct function_index index = {0};
	struct pclntab_function function;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (function_index_find(&index, tab, names[i], WRAPPER, &function) == 0)
			FUZZ_CHECK(strcmp(pclntab_name(tab, function.name), names[i]) == 0);
	function_index_free(&index);
}

void fuzz_pclntab(const uint8_t *data, size_t size)
{
	struct elf_file *file = fuzz_open(data, size);
	struct go_moduledata module;
	struct pclntab tab;
	uint64_t addr;

	if (!file)
		return;
	if (pclntab_locate(file, &addr) == 0) {
		FUZZ_CHECK(pclntab_open(&tab, file, addr) == 0);
		FUZZ_CHECK(tab.functions > 0 && tab.functions < size);
		for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor += 5)
			if (go_moduledata_find(file, &tab, go_layout_find(minor), &module) == 0)
				tab.text = module.text, tab.gofunc = module.gofunc;
		for (uint64_t i = 0; i < tab.functions && i < FUNCTIONS; i++)
			function_ask(&tab, i);
		function_ask(&tab, tab.functions);
		function_ask(&tab, UINT64_MAX);
		names_ask(&tab);
	}
	elf_file_close(file);
}

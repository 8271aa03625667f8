/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file_identity.h"
#include "core/base/u64_map.h"
#include "core/elf/elf_file.h"
#include "core/go/function_index.h"
#include "core/go/go_binary.h"
#include "core/go/go_buildinfo.h"
#include "core/go/go_dwarf.h"
#include "core/go/go_moduledata.h"
#include "core/go/go_type.h"
#include "core/go/go_variable.h"
#include "core/go/pclntab.h"

#define VERSION_MAX     128
#define BUILD_ID_MAX    192
#define NOTE_GNU_ID     3 /* NT_GNU_BUILD_ID */
#define NOTE_GO_ID      4 /* src/cmd/link/internal/ld/elf.go, ELF_NOTE_GOBUILDID_TAG */
#define INLINE_DEPTH    128
#define STEPS_MAX       (1u << 19) /* through value tables for one address; 2 ms */
#define PAGE_OFFSET     UINT64_C(4095)
#define UPX_SEARCH_SIZE 2048

struct go_binary {
	struct elf_file *file;
	struct pclntab tab;
	struct go_moduledata module;
	struct function_index functions;
	struct go_type_names types;
	struct go_variables variables;
	struct u64_map printed; /* name offset -> name with "[...]" */
	struct go_layout layout;
	enum go_layout_trust trust;
	enum go_map_runtime map_runtime;
	int minor;
	uint64_t steps; /* see struct pclntab */
	uint8_t wrapper_id;
	char version[VERSION_MAX];
	char build_id[BUILD_ID_MAX];
};

/* ---- open ---------------------------------------------------------------------------- */

/* abi.FuncIDWrapper: the numbers shift when a release adds a special function before it. */
static uint8_t wrapper_id_of(int minor)
{
	static const uint8_t ids[] = {22, 21, 21, 21, 21, 22,
	                              22, 22, 23, 23, 23}; /* 1.17 to 1.27 */
	int row = minor > GO_MINOR_MAX ? GO_MINOR_MAX : minor;

	return ids[row - GO_MINOR_MIN];
}

/* Its header follows the program headers; the stub alone is larger than what is searched. */
static bool packed_by_upx(struct elf_file *file)
{
	const void *head = elf_file_bytes(file, 0, UPX_SEARCH_SIZE);

	return head && memmem(head, UPX_SEARCH_SIZE, "UPX!", 4) != NULL;
}

static int not_go(struct elf_file *file, const char *path, struct error *err)
{
	uint64_t addr;

	if (packed_by_upx(file))
		return error_set(err, EPROTONOSUPPORT,
		                 "%s: packed with UPX; unpack it with `upx -d` and start that",
		                 path);
	if (pclntab_locate(file, &addr) == 0)
		return error_set(err, ENOTSUP,
		                 "%s: a Go program without a version (older than Go 1.13, or the "
		                 "version was removed); build it with Go 1.%d or newer",
		                 path, GO_MINOR_MIN);
	return error_set(err, EPROTONOSUPPORT, "%s: not a Go program; choose one that is", path);
}

/* What is newer than the table, or on the way to be (devel), says itself where its fields lie, or
 * is read as the nearest row says, and not called verified. */
static void layout_load(struct go_binary *binary)
{
	int minor = binary->minor < GO_MINOR_MAX ? binary->minor : GO_MINOR_MAX;

	binary->layout = *go_layout_find(minor);
	binary->trust = GO_LAYOUT_VERIFIED;
	if (binary->minor <= GO_MINOR_MAX && !strstr(binary->version, "devel"))
		return;
	struct go_layout own = {.minor = minor};
	binary->trust = GO_LAYOUT_UNVERIFIED;
	if (go_dwarf_layout(binary->file, &own) == 0) {
		binary->layout = own;
		binary->trust = GO_LAYOUT_FROM_DWARF;
	}
}

static int version_load(struct go_binary *binary, const char *path, struct error *err)
{
	uint64_t tab;

	if (go_buildinfo_version(binary->file, binary->version, sizeof(binary->version)) &&
	    (pclntab_locate(binary->file, &tab) ||
	     go_build_version(binary->file, binary->version, sizeof(binary->version))))
		return not_go(binary->file, path, err);
	binary->minor = go_version_minor(binary->version);
	if (binary->minor < 0)
		return error_set(err, ENOTSUP,
		                 "%s: Go version \"%.40s\" is not understood; build it with a "
		                 "released Go 1.%d or newer",
		                 path, binary->version, GO_MINOR_MIN);
	if (binary->minor < GO_MINOR_MIN)
		return error_set(err, ENOTSUP,
		                 "%s: built with %.40s; build it with Go 1.%d or newer", path,
		                 binary->version, GO_MINOR_MIN);
	layout_load(binary);
	binary->wrapper_id = wrapper_id_of(binary->minor);
	return 0;
}

static int tables_load(struct go_binary *binary, const char *path, struct error *err)
{
	uint64_t addr;

	if (pclntab_locate(binary->file, &addr) || pclntab_open(&binary->tab, binary->file, addr))
		return error_set(err, ENODATA,
		                 "%s: built with %.40s, but its function table (pclntab) was not "
		                 "found; build it without obfuscation or packing",
		                 path, binary->version);
	if (go_moduledata_find(binary->file, &binary->tab, &binary->layout, &binary->module))
		return error_set(
		        err, ENODATA,
		        "%s: built with %.40s, but the runtime's module data was not found; "
		        "build it without obfuscation or packing",
		        path, binary->version);
	binary->tab.text = binary->module.text;
	binary->tab.gofunc = binary->module.gofunc;
	binary->tab.steps = &binary->steps;
	binary->variables = (struct go_variables){.file = binary->file};
	binary->types = (struct go_type_names){
	        .file = binary->file,
	        .module = &binary->module,
	        .layout = &binary->layout,
	        .doubtful = binary->trust == GO_LAYOUT_UNVERIFIED,
	};
	return 0;
}

/* 1.24 and 1.25 can be built with either; 1.26 dropped GOEXPERIMENT=noswissmap. A toolchain that
 * was itself built with the experiment does not say so in the version: ask for the functions. */
static enum go_map_runtime map_runtime_of(struct go_binary *binary)
{
	static const char *const swiss_functions[] = {
	        "internal/runtime/maps.(*Iter).Next",
	        "internal/runtime/maps.(*Map).growToTable",
	        "internal/runtime/maps.(*table).rehash",
	        "internal/runtime/maps.(*Map).Delete",
	};
	struct go_function function;

	if (binary->minor < 24)
		return GO_MAP_HMAP;
	if (binary->minor > 25)
		return GO_MAP_SWISS;
	for (size_t i = 0; i < sizeof(swiss_functions) / sizeof(swiss_functions[0]); i++)
		if (go_binary_function_find(binary, swiss_functions[i], &function) == 0)
			return GO_MAP_SWISS;
	return GO_MAP_HMAP;
}

static void build_id_load(struct go_binary *binary)
{
	size_t size;
	const unsigned char *note = elf_file_note(binary->file, "GNU", NOTE_GNU_ID, &size);

	if (note && size > 0 && 2 * size < BUILD_ID_MAX) {
		for (size_t i = 0; i < size; i++)
			snprintf(binary->build_id + 2 * i, 3, "%02x", note[i]);
		return;
	}
	note = elf_file_note(binary->file, "Go", NOTE_GO_ID, &size);
	if (note && size > 0 && size < BUILD_ID_MAX)
		memcpy(binary->build_id, note, size);
}

int go_binary_open_fd(int fd, const char *name, struct go_binary **out, struct error *err)
{
	struct go_binary *binary = calloc(1, sizeof(*binary));
	int rc;

	*out = NULL;
	if (!binary)
		return error_no_memory(err);
	rc = elf_file_open_fd(fd, name, &binary->file, err);
	if (!rc)
		rc = version_load(binary, name, err);
	if (!rc)
		rc = tables_load(binary, name, err);
	if (rc) {
		go_binary_close(binary);
		return rc;
	}
	binary->map_runtime = map_runtime_of(binary);
	build_id_load(binary);
	*out = binary;
	return 0;
}

void go_binary_close(struct go_binary *binary)
{
	if (!binary)
		return;
	for (size_t i = 0; binary->printed.slots && i <= binary->printed.mask; i++)
		free(binary->printed.slots[i].value);
	u64_map_free(&binary->printed);
	go_type_names_free(&binary->types);
	go_variables_free(&binary->variables);
	function_index_free(&binary->functions);
	elf_file_close(binary->file);
	free(binary);
}

/* ---- what it is ---------------------------------------------------------------------- */

const char *go_binary_version(const struct go_binary *binary)
{
	return binary->version;
}

int go_binary_minor(const struct go_binary *binary)
{
	return binary->minor;
}

enum go_map_runtime go_binary_map_runtime(const struct go_binary *binary)
{
	return binary->map_runtime;
}

const struct go_layout *go_binary_layout(const struct go_binary *binary)
{
	return &binary->layout;
}

enum go_layout_trust go_binary_layout_trust(const struct go_binary *binary)
{
	return binary->trust;
}

bool go_binary_stripped(const struct go_binary *binary)
{
	static const char *const sections[] = {".symtab", ".debug_info", ".zdebug_info"};
	uint64_t addr;
	uint64_t size;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (elf_file_section(binary->file, sections[i], &addr, &size) == 0)
			return false;
	return true;
}

bool go_binary_is_pie(const struct go_binary *binary)
{
	return elf_file_is_pie(binary->file);
}

int go_binary_descriptor(const struct go_binary *binary)
{
	return elf_file_descriptor(binary->file);
}

int go_binary_machine(const struct go_binary *binary)
{
	return elf_file_machine(binary->file);
}

#if defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#else
#define NATIVE_MACHINE EM_X86_64
#endif

static const char *machine_name(int machine)
{
	return machine == EM_AARCH64 ? "arm64" : "amd64";
}

int go_binary_check_native(const struct go_binary *binary, const char *path, struct error *err)
{
	int machine = go_binary_machine(binary);

	if (machine == NATIVE_MACHINE)
		return 0;
	return error_set(err, EPROTONOSUPPORT,
	                 "%s: built for %s, and this machine is %s; watch it where it runs, with a "
	                 "gomaptop built for %s",
	                 path, machine_name(machine), machine_name(NATIVE_MACHINE),
	                 machine_name(machine));
}

int go_binary_build_field(const struct go_binary *binary, const char *name, char *out, size_t size)
{
	return go_buildinfo_field(binary->file, name, out, size);
}

const char *go_binary_build_id(const struct go_binary *binary)
{
	return binary->build_id[0] ? binary->build_id : NULL;
}

/* ---- functions and bytes ------------------------------------------------------------- */

static int function_fill(const struct go_binary *binary, const struct pclntab_function *from,
                         struct go_function *out)
{
	const char *name = pclntab_name(&binary->tab, from->name);

	if (!name)
		return -ENOENT;
	*out = (struct go_function){.name = name, .entry = from->entry, .end = from->end};
	return 0;
}

int go_binary_function_find(struct go_binary *binary, const char *name, struct go_function *out)
{
	struct pclntab_function function;

	if (function_index_find(&binary->functions, &binary->tab, name, binary->wrapper_id,
	                        &function))
		return -ENOENT;
	return function_fill(binary, &function, out);
}

const struct pclntab *go_binary_pclntab(const struct go_binary *binary)
{
	return &binary->tab;
}

int go_binary_function_at(struct go_binary *binary, uint64_t addr, struct go_function *out)
{
	struct pclntab_function function;

	if (pclntab_find(&binary->tab, addr, &function))
		return -ENOENT;
	return function_fill(binary, &function, out);
}

int go_binary_read(const struct go_binary *binary, uint64_t addr, void *buf, size_t len)
{
	return elf_file_read(binary->file, addr, buf, len);
}

int64_t go_binary_file_offset(const struct go_binary *binary, uint64_t addr)
{
	return elf_file_text_offset(binary->file, addr);
}

void go_binary_text_segment(const struct go_binary *binary, uint64_t *vaddr, uint64_t *offset)
{
	*vaddr = *offset = 0;
	for (size_t i = 0; i < elf_file_segment_count(binary->file); i++) {
		const struct elf_segment *segment = elf_file_segment(binary->file, i);
		if (!segment->executable)
			continue;
		*vaddr = segment->vaddr & ~PAGE_OFFSET;
		*offset = segment->offset & ~PAGE_OFFSET;
		return;
	}
}

const char *go_binary_type_name(struct go_binary *binary, uint64_t type_file_addr)
{
	return go_type_name(&binary->types, type_file_addr);
}

const char *go_binary_variable_name(struct go_binary *binary, uint64_t addr, uint64_t size)
{
	return go_variable_name(&binary->variables, addr, size);
}

/* ---- frames -------------------------------------------------------------------------- */

/* Go prints main.pick[go.shape.int] as main.pick[...] (runtime.funcNameForPrint); before 1.21 the
 * linker stored it that way. */
static const char *name_printed(struct go_binary *binary, uint32_t offset)
{
	const char *name = pclntab_name(&binary->tab, offset);
	const char *open = name ? strchr(name, '[') : NULL;
	const char *close = open ? strrchr(open, ']') : NULL;
	char *printed = NULL;

	if (!close)
		return name;
	char *known = u64_map_get(&binary->printed, offset);
	if (known)
		return known;
	if (asprintf(&printed, "%.*s[...]%s", (int)(open - name), name, close + 1) < 0)
		return name;
	if (u64_map_put(&binary->printed, offset, printed)) {
		free(printed);
		return name;
	}
	return printed;
}

const char *go_binary_first_function(struct go_binary *binary, uint64_t startpc)
{
	struct pclntab_function function, wrapped;

	if (pclntab_find(&binary->tab, startpc, &function) || function.entry != startpc)
		return NULL;
	if (pclntab_wrapped(&binary->tab, &function, &wrapped))
		function = wrapped;
	return name_printed(binary, function.name);
}

static void frame_fill(struct go_binary *binary, const struct pclntab_function *function,
                       uint64_t pc, struct frame *out)
{
	pclntab_position(&binary->tab, function, pc, &out->file, &out->line);
	out->function = name_printed(binary, function->name);
	out->wrapper = function->id == binary->wrapper_id;
}

/* Each step out of an inlined call asks again at the place that it was inlined at; the positions
 * come from the value tables, never from the call's own record (runtime.inlineUnwinder). */
static int frames_expand(struct go_binary *binary, const struct pclntab_function *function,
                         uint64_t pc, struct frame *out, int max)
{
	int count = 0;

	binary->steps = 0;
	for (int depth = 0; count < max; depth++) {
		struct pclntab_call call;
		bool inlined = depth < INLINE_DEPTH && binary->steps < STEPS_MAX &&
		               pclntab_inlined(&binary->tab, function, pc, &call);
		struct frame *frame = &out[count++];
		frame_fill(binary, function, pc, frame);
		if (!inlined)
			break;
		frame->function = name_printed(binary, call.name);
		frame->inlined = true;
		frame->wrapper = call.id == binary->wrapper_id;
		pc = function->entry + call.parent;
	}
	return count;
}

int go_binary_frames(struct go_binary *binary, uint64_t addr, uint64_t bias, bool is_return_address,
                     struct frame *out, int max)
{
	struct pclntab_function function;
	uint64_t pc = addr;

	if (max <= 0)
		return 0;
	/* Nobody calls from in front of a function: the runtime put its entry there itself (what a
	 * cgo callback returns to), and runtime.Callers looks that up as it is. */
	if (is_return_address &&
	    (pclntab_find(&binary->tab, addr, &function) || function.entry != addr))
		pc--;
	for (int i = 0; i < max; i++)
		out[i] = (struct frame){.pc = addr + bias};
	if (pclntab_find(&binary->tab, pc, &function))
		return 1;
	return frames_expand(binary, &function, pc, out, max);
}

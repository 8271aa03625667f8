/* SPDX-License-Identifier: MIT */
/*
 * Reading executables: how long it takes to open one, to find a function, to name an address, and
 * how much memory that costs; on the largest Go program at hand (the compiler of a release) and on
 * one with a function table of 150 MB, made from that by repeating its functions. Beside it what
 * `go tool addr2line`, eu-addr2line and addr2line take for the same addresses of the real one.
 *
 *     bench_symbols [EXECUTABLE]
 *
 * Exit status 1: the large one took 300 ms or more to open, a cached address 1 us or more, or
 * memory was in proportion to the file.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <elf.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/wait.h>
#include <time.h>

#include "core/go/pclntab.h"
#include "core/symbol/symbolizer.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define LARGE_BYTES  (UINT64_C(150) << 20)
#define LOOKUPS      1000
#define OPENS        5
#define CACHED       1000000
#define OPEN_MS_MAX  300
#define CACHED_NS    1000
#define MEMORY_SHARE 4 /* of the file may be in memory after all this, one part in so many */
#define TGID         1

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double resident_mb(void)
{
	FILE *in = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (in && fscanf(in, "%*d %ld", &pages) != 1)
		pages = 0;
	if (in)
		fclose(in);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* ---- a table of 150 MB ----------------------------------------------------------------------- */

struct image {
	unsigned char *bytes;
	size_t size;
};

static uint32_t get32(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void put32(unsigned char *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void put64(unsigned char *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void add32(unsigned char *at, uint32_t more)
{
	if (get32(at))
		put32(at, get32(at) + more);
}

static Elf64_Shdr *section_named(const struct image *image, const char *name)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->bytes;
	Elf64_Shdr *sections = (Elf64_Shdr *)(image->bytes + header->e_shoff);
	const char *names = (char *)image->bytes + sections[header->e_shstrndx].sh_offset;

	for (int i = 0; i < header->e_shnum; i++)
		if (strcmp(names + sections[i].sh_name, name) == 0)
			return &sections[i];
	return NULL;
}

/* The parts of a function table (pcHeader of Go 1.20 to 1.25), by offset from its start. */
enum part { NAMES, UNITS, FILES, VALUES, TABLE, END, PARTS };

struct table {
	const unsigned char *bytes;
	uint64_t functions, at[PARTS];
};

/* Records of one copy, moved by what lies before the copy's part of each table. */
static void records_move(unsigned char *records, const struct table *old, uint64_t first,
                         uint32_t pc, uint32_t names, uint32_t values)
{
	for (uint64_t i = 0; i < old->functions; i++) {
		unsigned char *record =
		        records + get32(old->bytes + old->at[TABLE] + 8 * i + 4) - first;

		put32(record, get32(record) + pc);
		put32(record + 4, get32(record + 4) + names);
		for (int value = 16; value <= 24; value += 4)
			add32(record + value, values);
		for (uint32_t k = 0; k < get32(record + 28); k++)
			add32(record + 44 + UINT64_C(4) * k, values);
	}
}

/* `times` copies of the functions, one behind the other, each with names and values of its own. */
static unsigned char *table_repeat(const struct table *old, uint64_t times, uint64_t at[PARTS])
{
	uint64_t names = old->at[UNITS] - old->at[NAMES], values = old->at[TABLE] - old->at[VALUES];
	uint64_t first = get32(old->bytes + old->at[TABLE] + 4);
	uint64_t records = old->at[END] - old->at[TABLE] - first;
	uint64_t entries = (8 * times * old->functions + 4 + 7) & ~UINT64_C(7);
	uint32_t span = get32(old->bytes + old->at[TABLE] + 8 * old->functions);

	at[NAMES] = old->at[NAMES];
	at[UNITS] = at[NAMES] + times * names;
	at[FILES] = at[UNITS] + old->at[FILES] - old->at[UNITS];
	at[VALUES] = at[FILES] + old->at[VALUES] - old->at[FILES];
	at[TABLE] = (at[VALUES] + times * values + 31) & ~UINT64_C(31);
	at[END] = at[TABLE] + entries + times * records;
	unsigned char *out = calloc(1, at[END]);
	if (!out)
		abort();
	memcpy(out, old->bytes, old->at[NAMES]);
	put64(out + 8, times * old->functions);
	for (int part = NAMES; part <= TABLE; part++)
		put64(out + 32 + 8 * part, at[part]);
	memcpy(out + at[UNITS], old->bytes + old->at[UNITS], old->at[VALUES] - old->at[UNITS]);
	for (uint64_t k = 0; k < times; k++) {
		unsigned char *copy = out + at[TABLE] + entries + k * records;
		memcpy(out + at[NAMES] + k * names, old->bytes + old->at[NAMES], names);
		memcpy(out + at[VALUES] + k * values, old->bytes + old->at[VALUES], values);
		memcpy(copy, old->bytes + old->at[TABLE] + first, records);
		records_move(copy, old, first, (uint32_t)k * span, (uint32_t)(k * names),
		             (uint32_t)(k * values));
		for (uint64_t i = 0; i < old->functions; i++) {
			const unsigned char *entry = old->bytes + old->at[TABLE] + 8 * i;
			unsigned char *to = out + at[TABLE] + 8 * (k * old->functions + i);
			put32(to, get32(entry) + (uint32_t)k * span);
			put32(to + 4, (uint32_t)(entries + k * records + get32(entry + 4) - first));
		}
	}
	put32(out + at[TABLE] + 8 * times * old->functions, (uint32_t)times * span);
	return out;
}

/* moduledata has the address of the table and of its parts. */
static void pointers_patch(struct image *image, uint64_t old_addr, const struct table *old,
                           uint64_t addr, const uint64_t at[PARTS])
{
	const Elf64_Shdr *data = section_named(image, ".noptrdata");

	for (uint64_t i = 0; i + 8 <= data->sh_size; i += 8) {
		unsigned char *word = image->bytes + data->sh_offset + i;
		if (get64(word) == old_addr)
			put64(word, addr);
		for (int part = NAMES; part <= TABLE; part++)
			if (get64(word) == old_addr + old->at[part])
				put64(word, addr + at[part]);
	}
}

/* A segment of its own behind everything else, in place of the one that says how the stack is to
 * be mapped. */
static bool segment_add(struct image *image, uint64_t offset, uint64_t addr, uint64_t size)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->bytes;
	Elf64_Phdr *segments = (Elf64_Phdr *)(image->bytes + header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type != PT_GNU_STACK)
			continue;
		segments[i] = (Elf64_Phdr){.p_type = PT_LOAD,
		                           .p_flags = PF_R,
		                           .p_offset = offset,
		                           .p_vaddr = addr,
		                           .p_filesz = size,
		                           .p_memsz = size,
		                           .p_align = 4096};
		return true;
	}
	return false;
}

static bool large_make(const char *from, const char *to)
{
	const uint64_t addr = UINT64_C(1) << 36;
	struct image image;
	struct table old;
	uint64_t at[PARTS];

	image.bytes = file_read(from, &image.size);
	Elf64_Shdr *section = section_named(&image, ".gopclntab");
	if (!section)
		return false;
	old.bytes = image.bytes + section->sh_offset;
	if (get32(old.bytes) != 0xfffffff1)
		return false;
	old.functions = get64(old.bytes + 8);
	for (int part = NAMES; part <= TABLE; part++)
		old.at[part] = get64(old.bytes + 32 + 8 * part);
	old.at[END] = section->sh_size;
	unsigned char *table = table_repeat(&old, LARGE_BYTES / old.at[END] + 1, at);
	uint64_t offset = (image.size + 4095) & ~UINT64_C(4095);
	bool ok = segment_add(&image, offset, addr, at[END]);
	pointers_patch(&image, section->sh_addr, &old, addr, at);
	section->sh_addr = addr;
	section->sh_offset = offset;
	section->sh_size = at[END];
	FILE *out = fopen(to, "wb");
	ok = ok && out && fwrite(image.bytes, 1, image.size, out) == image.size &&
	     fseek(out, (long)offset, SEEK_SET) == 0 && fwrite(table, 1, at[END], out) == at[END];
	ok = out && fclose(out) == 0 && ok;
	free(table);
	free(image.bytes);
	return ok;
}

/* ---- measuring one --------------------------------------------------------------------------- */

static uint64_t dice(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

/* Addresses inside functions from all over the program. */
static void addresses_draw(struct go_binary *binary, uint64_t *out)
{
	const struct pclntab *tab = go_binary_pclntab(binary);
	struct pclntab_function function;

	for (int i = 0; i < LOOKUPS;)
		if (!pclntab_function(tab, dice() % tab->functions, &function))
			out[i++] = function.entry + dice() % (function.end - function.entry) + 1;
}

static double lookups_time(struct symbolizer *symbolizer, const uint64_t *addresses, int count)
{
	double from = now_ms();
	int frames;

	for (int i = 0; i < count; i++)
		symbolizer_frames(symbolizer, TGID, addresses[i % LOOKUPS], true, &frames);
	return now_ms() - from;
}

static bool measure(const char *path, bool large)
{
	uint64_t addresses[LOOKUPS];
	struct go_binary *binary;
	struct symbolizer *symbolizer;
	struct go_function function;
	struct error err = {""};
	struct stat st;
	double open = 1e9, memory = 0, from;

	/* The best of some times: others use this machine, too. */
	for (int i = 0; i < OPENS; i++) {
		memory = resident_mb();
		from = now_ms();
		if (go_binary_open(path, &binary, &err) || stat(path, &st)) {
			fprintf(stderr, "%s: %s\n", path, err.text);
			return false;
		}
		if (now_ms() - from < open)
			open = now_ms() - from;
		if (i < OPENS - 1)
			go_binary_close(binary);
	}
	double after_open = resident_mb() - memory;
	from = now_ms();
	if (go_binary_function_find(binary, "runtime.mapassign_faststr", &function))
		return false;
	double find = now_ms() - from;
	double after_find = resident_mb() - memory;
	if (symbolizer_create(&symbolizer) || symbolizer_process_add(symbolizer, TGID, binary, 0))
		return false;
	addresses_draw(binary, addresses);
	double first = lookups_time(symbolizer, addresses, 1);
	double fresh = lookups_time(symbolizer, addresses, LOOKUPS);
	double cached = lookups_time(symbolizer, addresses, CACHED) * 1e6 / CACHED;
	double used = resident_mb() - memory;
	double size = (double)st.st_size / 1e6;

	printf("%s: %.0f MB, %" PRIu64 " functions\n"
	       "  open             %8.1f ms   %6.1f MB resident\n"
	       "  find by name     %8.1f ms   %6.1f MB\n"
	       "  first address    %8.1f us\n"
	       "  %d addresses   %8.1f us each, %.1f MB in the end\n"
	       "  cached address   %8.0f ns\n",
	       path, size, go_binary_pclntab(binary)->functions, open, after_open, find, after_find,
	       first * 1e3, LOOKUPS, fresh * 1e3 / LOOKUPS, used, cached);
	symbolizer_destroy(symbolizer);
	go_binary_close(binary);
	return cached < CACHED_NS && (!large || (open < OPEN_MS_MAX && used < size / MEMORY_SHARE));
}

/* In a process of its own, whose memory nothing else has touched. */
static bool measure_apart(const char *path, bool large)
{
	int status = 1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		bool ok = measure(path, large);
		fflush(NULL);
		_exit(!ok);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- others ---------------------------------------------------------------------------------- */

static void other_time(const char *path, const char *list, const char *name, const char *command)
{
	char line[PATH_MAX + 1024];
	double from = now_ms();

	snprintf(line, sizeof(line), "%s < %s > /dev/null 2>&1", command, list);
	if (system(command[0] ? line : "false") == 0) /* NOLINT: test code, own words */
		printf("  %-20s %8.1f us an address, the start included\n", name,
		       (now_ms() - from) * 1e3 / LOOKUPS);
	else
		printf("  %-20s cannot do it (%s)\n", name, path);
}

static void others_measure(const char *path, const char *go)
{
	char command[PATH_MAX + 600], list[64];
	uint64_t addresses[LOOKUPS];
	struct go_binary *binary;

	if (go_binary_open(path, &binary, NULL))
		return;
	addresses_draw(binary, addresses);
	go_binary_close(binary);
	snprintf(list, sizeof(list), "/tmp/bench_symbols.%d", getpid());
	FILE *out = fopen(list, "w");
	for (int i = 0; out && i < LOOKUPS; i++)
		fprintf(out, "0x%" PRIx64 "\n", addresses[i]);
	if (out)
		fclose(out);
	snprintf(command, sizeof(command), "'%s' tool addr2line '%s'", go, path);
	other_time(path, list, "go tool addr2line", command);
	snprintf(command, sizeof(command), "eu-addr2line -f -i -e '%s'", path);
	other_time(path, list, "eu-addr2line", command);
	snprintf(command, sizeof(command), "addr2line -f -i -e '%s'", path);
	other_time(path, list, "addr2line", command);
	unlink(list);
}

int main(int argc, char **argv)
{
	struct go_release releases[GO_RELEASES_MAX];
	char real[PATH_MAX] = "", large[64];
	const char *go = NULL;
	bool ok;

	/* A layout that large_make() knows. */
	for (size_t i = 0, n = go_releases(releases); i < n; i++)
		if (releases[i].minor >= 20 && releases[i].minor <= 25)
			go = strdup(releases[i].go);
	if (!go) {
		fprintf(stderr, "needs Go 1.20 to 1.25; run tests/go/fetch-toolchains\n");
		return 77;
	}
	if (argc > 1)
		snprintf(real, sizeof(real), "%s", argv[1]);
	else
		snprintf(real, sizeof(real), "%.*s/../pkg/tool/linux_amd64/compile",
		         (int)(strrchr(go, '/') - go), go);
	snprintf(large, sizeof(large), "/tmp/bench_symbols.%d.elf", getpid());
	ok = measure_apart(real, false);
	others_measure(real, go);
	if (large_make(real, large))
		ok &= measure_apart(large, true);
	else
		ok = false;
	unlink(large);
	printf(ok ? "within the limits\n" : "NOT within the limits\n");
	return !ok;
}

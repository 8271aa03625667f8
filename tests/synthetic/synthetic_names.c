/* SPDX-License-Identifier: MIT */
#include "tests/synthetic/synthetic_names.h"

#include <stddef.h>

#include "tests/synthetic/synthetic.h"

#define TEXT_START     0x401000ull
#define FUNCTION_BYTES 0x4000ull /* room for 1024 lines of 16 bytes */
#define LINE_BYTES     16ull
#define TYPES_START    0x6a0000ull
#define TYPE_BYTES     0x60ull
#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))

struct name {
	const char *function;
	const char *file;
	bool inlined; /* into main.(*server).ServeHTTP */
};

static const struct name names[] = {
        /* SYNTHETIC_USER */
        {"main.(*ledger).credit", "/src/ledgerd/ledger.go", false},
        {"main.(*ledger).debit", "/src/ledgerd/ledger.go", false},
        {"main.(*ledger).balance", "/src/ledgerd/ledger.go", true},
        {"main.(*limiters).forClient", "/src/ledgerd/limiter.go", false},
        {"main.(*idempotency).remember", "/src/ledgerd/idempotency.go", false},
        {"main.reconcile.func1", "/src/ledgerd/reconcile.go", false},
        {"main.(*cache[...]).lookup", "/src/ledgerd/cache.go", true},
        {"github.com/example/session.(*Store).Expire", "/go/pkg/mod/session/store.go", false},
        /* SYNTHETIC_MIDDLE */
        {"main.(*server).transfer", "/src/ledgerd/server.go", false},
        {"main.(*server).withLimits", "/src/ledgerd/server.go", false},
        {"main.(*server).ServeHTTP", "/src/ledgerd/server.go", false},
        {"net/http.HandlerFunc.ServeHTTP", "/usr/lib/go/src/net/http/server.go", false},
        {"net/http.serverHandler.ServeHTTP", "/usr/lib/go/src/net/http/server.go", false},
        {"main.(*journal).apply", "/src/ledgerd/journal.go", false},
        /* SYNTHETIC_ROOT */
        {"net/http.(*conn).serve", "/usr/lib/go/src/net/http/server.go", false},
        {"main.(*ledger).reconcileLoop", "/src/ledgerd/reconcile.go", false},
        {"main.main.func2", "/src/ledgerd/main.go", false},
};

static const struct range {
	unsigned int first, count;
} roles[] = {
        [SYNTHETIC_USER] = {0, 8},
        [SYNTHETIC_MIDDLE] = {8, 6},
        [SYNTHETIC_ROOT] = {14, 3},
};

#define INLINED_INTO 10

/* Escape sequence, right-to-left override, a byte that is no UTF-8. */
static const char hostile_function[] = "main.\x1b[31mred\x1b[0m.\xe2\x80\xae"
                                       "drow.\xff\xfe";

/* What stands in for the names above where large values are wanted, one for each by turns. */
static const struct name large_names[] = {
        {"github.com/example/platform/settlement/v12/internal/ledgers.(*PostingBatch7).Apply",
         "/src/settlement/posting_batch_of_ledger_entries.go", false},
        {"example.org/x/idempotency/v2.(*Registry[go.shape.string,go.shape.int64]).RememberUntil",
         "/src/idempotency/registry_by_client_and_request.go", false},
        {"main.reconcileOutstandingTransfersOfYesterday.func12",
         "/src/ledgerd/reconcile_outstanding_transfers2.go", false},
        {"main.(*s3).put", "/src/s3.go", false},
};

#define LARGE_LINES 12000 /* added to the numbers of lines */

static const char *const types[] = {
        "map[uint64]*main.Account", "map[string]*main.limiter",
        "map[string]time.Time",     "map[main.key]main.entry",
        "map[int]struct {}",        "map[string]interface {}",
        "map[string][]string",      NULL, /* one that could not be learned */
};

static const char *const site_functions[] = {
        [OP_READ] = "runtime.mapaccess2_fast64",   [OP_WRITE] = "runtime.mapassign_fast64",
        [OP_DELETE] = "runtime.mapdelete_faststr", [OP_CLEAR] = "runtime.mapclear",
        [OP_ITERATE] = "runtime.mapiternext",
};

uint64_t synthetic_pc(enum synthetic_role role, unsigned int number, unsigned int line)
{
	unsigned int function = roles[role].first + number % roles[role].count;

	return TEXT_START + function * FUNCTION_BYTES + (line % 1000) * LINE_BYTES + 5;
}

uint64_t synthetic_type_addr(unsigned int number)
{
	return TYPES_START + (number % COUNT(types)) * TYPE_BYTES;
}

unsigned int synthetic_site(enum map_op op)
{
	return op;
}

/* Frames of one address: one, or two where the call was inlined. */
static int frames_of(const struct synthetic_config *config, uint64_t pc, struct frame out[2])
{
	uint64_t function = (pc - TEXT_START) / FUNCTION_BYTES;
	int line = (int)((pc - TEXT_START) % FUNCTION_BYTES / LINE_BYTES);

	if (pc < TEXT_START || function >= COUNT(names)) {
		out[0] = (struct frame){.pc = pc};
		return 1;
	}
	out[0] = (struct frame){.function = names[function].function,
	                        .file = names[function].file,
	                        .line = line,
	                        .inlined = names[function].inlined,
	                        .pc = pc};
	if (config->large_values) {
		const struct name *large = &large_names[function % COUNT(large_names)];

		out[0].function = large->function;
		out[0].file = large->file;
		out[0].line += LARGE_LINES;
	}
	if (config->hostile_names && function % 4 == 0)
		out[0].function = hostile_function;
	if (!names[function].inlined)
		return 1;
	out[1] = (struct frame){.function = names[INLINED_INTO].function,
	                        .file = names[INLINED_INTO].file,
	                        .line = line + 100,
	                        .pc = pc};
	return 2;
}

const struct frame *synthetic_frames(void *ctx, uint32_t tgid, uint64_t pc, bool is_return_address,
                                     int *count)
{
	static _Thread_local struct frame frames[2];

	(void)tgid;
	(void)is_return_address;
	*count = frames_of(ctx, pc, frames);
	return frames;
}

int synthetic_call_chain(void *ctx, const struct access *access, struct frame *out, int max)
{
	struct frame frames[2];
	int length = 0;

	/* stack[0] is inside the runtime's map function; stack[1] is the caller. */
	for (int i = 1; i < access->depth; i++) {
		int count = frames_of(ctx, access->stack[i], frames);

		for (int j = 0; j < count && length < max; j++)
			out[length++] = frames[j];
	}
	return length;
}

const char *synthetic_site_function(void *ctx, unsigned int site)
{
	(void)ctx;
	return site < COUNT(site_functions) ? site_functions[site] : NULL;
}

const char *synthetic_type_name(void *ctx, uint32_t tgid, uint64_t type_addr)
{
	uint64_t number = (type_addr - TYPES_START) / TYPE_BYTES;

	(void)ctx;
	(void)tgid;
	return type_addr >= TYPES_START && number < COUNT(types) ? types[number] : NULL;
}

const char *synthetic_first_function(void *ctx, uint32_t tgid, uint64_t startpc)
{
	struct frame frames[2];

	(void)tgid;
	return frames[frames_of(ctx, startpc, frames) - 1].function;
}

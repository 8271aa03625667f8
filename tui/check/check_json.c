/* SPDX-License-Identifier: MIT */
/* The report for programs: gomaptop.check/1, described by tui/check/check.schema.json. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "tui/check/check_report.h"

/* What a target names may hold any byte. */
static json_t *json_name(const char *text)
{
	char clean[PATH_MAX];

	if (!text || !*text)
		return json_null();
	sanitize(text, clean, sizeof(clean));
	return json_string(clean);
}

static json_t *json_value(const struct check_fact *fact)
{
	switch (fact->value.kind) {
	case CHECK_BOOL:
		return json_boolean(fact->value.number);
	case CHECK_NUMBER:
		return json_integer(fact->value.number);
	case CHECK_TEXT:
		return json_name(fact->text);
	default:
		return json_null();
	}
}

static json_t *json_section(const struct check_report *report, enum check_section section)
{
	json_t *object = json_object();

	for (size_t i = 0; i < report->fact_count; i++) {
		const struct check_fact *fact = &report->facts[i];

		if (fact->section == section)
			json_object_set_new(
			        object, fact->key,
			        json_pack("{s:o, s:s, s:s, s:o}", "value", json_value(fact),
			                  "state", check_state_keys[fact->state], "title",
			                  fact->title, "meaning", json_name(fact->meaning)));
	}
	return object;
}

static json_t *json_address(uint64_t address)
{
	return address ? json_sprintf("0x%" PRIx64, address) : json_null();
}

static json_t *json_probe(const struct check_probe *p)
{
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "function", json_name(p->function),
	                 "operation", p->operation, "kind", check_probe_keys[p->kind],
	                 "instruction", json_name(p->instruction), "address", json_address(p->addr),
	                 "file_offset", json_address(p->file_offset), "reason",
	                 json_name(p->reason));
}

static json_t *json_probes(const struct check_report *report)
{
	json_t *functions = json_array();

	if (!report->probes_known) {
		json_decref(functions);
		return json_null();
	}
	for (size_t i = 0; i < report->probe_count; i++)
		json_array_append_new(functions, json_probe(&report->probes[i]));
	return json_pack(
	        "{s:I, s:I, s:I, s:I, s:o}", "wanted", (json_int_t)check_probes_wanted(report),
	        "placed", (json_int_t)check_probes_placed(report), "emulated",
	        (json_int_t)check_probe_count(report, CHECK_EMULATED), "stepped",
	        (json_int_t)check_probe_count(report, CHECK_STEPPED), "functions", functions);
}

static json_t *json_unseen(const struct check_report *report)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->unseen_count; i++)
		json_array_append_new(rows,
		                      json_pack("{s:o, s:o}", "operation",
		                                json_name(report->unseen[i].operation), "reason",
		                                json_name(report->unseen[i].reason)));
	return rows;
}

static json_t *json_births(const struct check_report *report)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < report->birth_count; i++) {
		const struct check_birth *birth = &report->births[i];

		json_array_append_new(rows, json_pack("{s:o, s:o, s:o}", "function",
		                                      json_name(birth->function), "address",
		                                      json_address(birth->addr), "file_offset",
		                                      json_address(birth->file_offset)));
	}
	return rows;
}

/* Where probes on what orders goroutines can go; by address, one for all sites that share it. */
static json_t *json_order_addresses(const struct order_plan *order)
{
	json_t *addresses = json_array();

	for (size_t i = 0; i < order->count; i++)
		if (!i || order->sites[i].addr != order->sites[i - 1].addr)
			json_array_append_new(addresses, json_address(order->sites[i].addr));
	return addresses;
}

/* What orders goroutines. "slow" counts calls of the locks' slow halves, which are what the found
 * sites are measured by. */
static json_t *json_order(const struct check_report *report)
{
	const struct order_plan *order = &report->order;
	size_t calls = 0, explained = 0, wanted = order->count + order->missed_count;
	json_t *missed;

	if (!report->order_known)
		return json_null();
	missed = json_array();
	for (size_t i = 0; i < order->missed_count && i < ORDER_MISSED_MAX; i++)
		json_array_append_new(missed, json_pack("{s:o, s:s, s:s}", "address",
		                                        json_address(order->missed[i].addr), "what",
		                                        order->missed[i].what, "reason",
		                                        order->missed[i].why));
	for (size_t i = 0; i < ORDER_SLOW_COUNT; i++) {
		calls += order->calls[i];
		explained += order->explained[i];
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "wanted", (json_int_t)wanted,
	                 "found", (json_int_t)order->count, "slow_calls", (json_int_t)calls,
	                 "slow_calls_explained", (json_int_t)explained, "functions_undecoded",
	                 (json_int_t)order->undecoded, "missed", missed, "addresses",
	                 json_order_addresses(order));
}

int check_json_write(const struct check_report *report, FILE *out)
{
	json_t *pid = report->pid ? json_integer(report->pid) : json_null();
	json_t *root = json_pack("{s:s, s:{s:s}, s:{s:o, s:o}, s:b, s:o, s:o, s:o, s:o, s:o}",
	                         "schema", CHECK_SCHEMA, "tool", "version", GOMAPTOP_VERSION,
	                         "target", "pid", pid, "exe", json_name(report->target), "works",
	                         report->works, "verdict", json_name(report->verdict), "probes",
	                         json_probes(report), "unseen", json_unseen(report), "births",
	                         json_births(report), "order", json_order(report));
	int rc = 0;

	for (int i = 0; root && i < CHECK_SECTION_COUNT; i++)
		json_object_set_new(root, check_section_keys[i],
		                    json_section(report, (enum check_section)i));
	if (!root)
		return -ENOMEM;
	if (json_dumpf(root, out, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0 ||
	    fputc('\n', out) == EOF || fflush(out))
		rc = errno ? -errno : -EIO;
	json_decref(root);
	return rc;
}

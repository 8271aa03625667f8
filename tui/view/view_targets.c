/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/view/pane.h"
#include "tui/words/format.h"

/* The processes that are or were watched: which of them to look at. */

#define CPU_GAP_NS 500000000ULL /* between two readings of which a share is made */

/* ---- columns ------------------------------------------------------------------------- */

static void render_pid(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%u",
	         ((const struct target_line *)row)->target->tgid);
}

static void render_state(const void *row, struct cell *cell)
{
	uint32_t state = ((const struct target_line *)row)->target->state;

	snprintf(cell->text, sizeof(cell->text), "%s", process_state_name(state));
	cell->style = state == PROCESS_RUNNING   ? STYLE_GOOD
	              : state == PROCESS_CRASHED ? STYLE_ALARM
	                                         : STYLE_WARN;
}

static void render_cpu(const void *row, struct cell *cell)
{
	double cpu = ((const struct target_line *)row)->cpu;
	char text[FORMAT_MAX];

	if (cpu >= 0)
		snprintf(cell->text, sizeof(cell->text), "%s", format_percent(cpu, text));
}

static void show_count(uint64_t count, enum style style, struct cell *cell)
{
	char text[FORMAT_MAX];

	snprintf(cell->text, sizeof(cell->text), "%s", format_count(count, text));
	cell->style = count ? style : STYLE_DIM;
}

#define COUNT_COLUMN(name, style)                                                 \
	static void render_##name(const void *row, struct cell *cell)             \
	{                                                                         \
		show_count(((const struct target_line *)row)->name, style, cell); \
	}

COUNT_COLUMN(conflicts, STYLE_BAD)
COUNT_COLUMN(unordered, STYLE_WARN)
COUNT_COLUMN(crashes, STYLE_BAD)
COUNT_COLUMN(restarts, STYLE_TEXT)
COUNT_COLUMN(maps, STYLE_TEXT)
COUNT_COLUMN(goroutines, STYLE_TEXT)

static void render_version(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s",
	         ((const struct target_line *)row)->target->go_version);
}

static void render_file(const void *row, struct cell *cell)
{
	snprintf(cell->text, sizeof(cell->text), "%s",
	         ((const struct target_line *)row)->target->exe);
}

/* Those with findings first, of the others those that run. */
static int compare_conflicts(const void *left, const void *right)
{
	const struct target_line *a = left, *b = right;
	int order = column_order((double)a->conflicts, (double)b->conflicts);

	order = order ? order : column_order((double)a->unordered, (double)b->unordered);
	return order ? order
	             : column_order(a->target->state == PROCESS_RUNNING,
	                            b->target->state == PROCESS_RUNNING);
}

enum {
	COLUMN_PID,
	COLUMN_STATE,
	COLUMN_CPU,
	COLUMN_CONFLICTS,
	COLUMN_UNORDERED,
	COLUMN_CRASHES,
	COLUMN_RESTARTS,
	COLUMN_VERSION,
	COLUMN_MAPS,
	COLUMN_GOROUTINES,
	COLUMN_FILE,
	COLUMN_COUNT
};

#define FIGURE(heading, columns, rank, draws, words)                                         \
	{                                                                                    \
		.title = heading, .holds = TEXT_WHOLE, .width = columns, .importance = rank, \
		.right = true, .render = draws, .help = words                                \
	}

static const struct column columns[COLUMN_COUNT] = {
        [COLUMN_PID] = FIGURE("pid", 5, 100, render_pid, "number of the process"),
        [COLUMN_STATE] = {.title = "state",
                          .holds = TEXT_WHOLE,
                          .width = 7,
                          .importance = 90,
                          .render = render_state,
                          .help = "running, exited or crashed"},
        [COLUMN_CPU] = FIGURE("cpu", 4, 70, render_cpu, "100% is one CPU"),
        [COLUMN_CONFLICTS] = {.title = "confl",
                              .holds = TEXT_WHOLE,
                              .width = 5,
                              .importance = 85,
                              .right = true,
                              .render = render_conflicts,
                              .compare = compare_conflicts,
                              .help = "conflicts seen on its maps",
                              .big_first = true},
        [COLUMN_UNORDERED] = FIGURE("unord", 5, 80, render_unordered, "unordered pairs seen"),
        [COLUMN_CRASHES] = FIGURE("crashes", 7, 60, render_crashes, "fatal errors of a map"),
        [COLUMN_RESTARTS] = FIGURE("restarts", 8, 65, render_restarts,
                                   "watched processes of this file that ended before it began"),
        [COLUMN_VERSION] = {.title = "Go",
                            .holds = TEXT_WHOLE,
                            .width = 8,
                            .importance = 75,
                            .render = render_version,
                            .help = "version of Go that it was built with"},
        [COLUMN_MAPS] = FIGURE("maps", 4, 30, render_maps, "maps of it that are listed"),
        [COLUMN_GOROUTINES] = FIGURE("gors", 4, 25, render_goroutines, "goroutines likewise"),
        [COLUMN_FILE] = {.title = "file",
                         .holds = TEXT_NAME,
                         .width = 12,
                         .grow = 1,
                         .importance = 95,
                         .render = render_file,
                         .help = "what it runs"},
};

static uint64_t key(const void *row)
{
	return ((const struct target_line *)row)->target->tgid;
}

static bool matches(const void *ctx, const void *row, const struct pattern *pattern)
{
	const struct target_line *line = row;
	char text[sizeof(line->target->exe) + 160];

	(void)ctx;
	snprintf(text, sizeof(text), "%u %s %s %s", line->target->tgid, line->target->exe,
	         line->target->go_version, process_state_name(line->target->state));
	return pattern_in_text(pattern, text);
}

const struct table_spec targets_table = {
        .name = "processes",
        .columns = columns,
        .column_count = COLUMN_COUNT,
        .sort = COLUMN_CONFLICTS,
        .key = key,
        .matches = matches,
};

/* ---- what it lists ------------------------------------------------------------------- */

static double cpu_share(struct ui *ui, uint32_t tgid)
{
	struct target_cpu *cpu = NULL;
	uint64_t now = clock_now(), used;

	for (int i = 0; i < ROWS_TARGETS_MAX && !cpu; i++)
		if (ui->targets_view.cpus[i].tgid == tgid || !ui->targets_view.cpus[i].tgid)
			cpu = &ui->targets_view.cpus[i];
	if (!cpu || !ui->source->cpu_ns || !ui->source->cpu_ns(ui->source->ctx, tgid, &used))
		return -1;
	if (!cpu->tgid)
		*cpu = (struct target_cpu){tgid, used, now, -1};
	if (now - cpu->at_ns < CPU_GAP_NS)
		return cpu->share;
	cpu->share = (double)(used - cpu->cpu_ns) / (double)(now - cpu->at_ns);
	cpu->cpu_ns = used;
	cpu->at_ns = now;
	return cpu->share;
}

static struct target_line *line_of(struct ui *ui, uint32_t tgid)
{
	for (size_t i = 0; i < ui->rows.target_count; i++)
		if (ui->targets_view.lines[i].target->tgid == tgid)
			return &ui->targets_view.lines[i];
	return NULL;
}

static unsigned int restarts_before(const struct rows *rows, const struct target_row *target)
{
	unsigned int count = 0;

	for (size_t i = 0; i < rows->target_count; i++)
		count += rows->targets[i]->state != PROCESS_RUNNING &&
		         rows->targets[i]->started_ns < target->started_ns &&
		         strcmp(rows->targets[i]->exe, target->exe) == 0;
	return count;
}

static void lines_fill(struct ui *ui)
{
	const struct rows *rows = &ui->rows;
	struct target_line *line;

	for (size_t i = 0; i < rows->target_count; i++) {
		const struct target_row *target = rows->targets[i];
		bool runs = target->state == PROCESS_RUNNING && !rows->frozen;

		ui->targets_view.lines[i] =
		        (struct target_line){.target = target,
		                             .cpu = runs ? cpu_share(ui, target->tgid) : -1,
		                             .restarts = restarts_before(rows, target)};
	}
	for (size_t i = 0; i < rows->map_count; i++)
		if ((line = line_of(ui, rows->maps[i]->tgid))) {
			line->maps++;
			line->conflicts += rows->maps[i]->conflicts;
			line->unordered += rows->maps[i]->order.unordered;
		}
	for (size_t i = 0; i < rows->goroutine_count; i++)
		if ((line = line_of(ui, rows->goroutines[i]->tgid)))
			line->goroutines++;
	for (size_t i = 0; i < rows->crash_count; i++)
		if ((line = line_of(ui, rows->crashes[i]->tgid)))
			line->crashes++;
}

static void sync(struct ui *ui)
{
	const void *pointers[ROWS_TARGETS_MAX];

	lines_fill(ui);
	for (size_t i = 0; i < ui->rows.target_count; i++)
		pointers[i] = &ui->targets_view.lines[i];
	table_set(&ui->targets_view.table, pointers, ui->rows.target_count, ui, false);
}

/* ---- the view ------------------------------------------------------------------------ */

static void draw(struct ui *ui, const struct rect *area)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	char title[64];

	table_title(&ui->targets_view.table, "Processes", title, sizeof(title));
	draw_title(area, true, title, "Enter: only this one  Esc goes back");
	if (!ui->rows.target_count)
		draw_wrapped(body.y, body.x + 1, body.width - 2, body.height, STYLE_DIM,
		             "No process is watched yet.");
	else
		table_draw(&ui->targets_view.table, &body, 0, GROUND_SELECTED);
}

static void show_only(struct ui *ui, const struct target_line *line)
{
	char filter[32];

	snprintf(filter, sizeof(filter), "pid:%u", line->target->tgid);
	ui_view_back(ui);
	if (ui_filter(ui, filter))
		ui_notice(ui, false, "only process %u is shown; u shows all again",
		          line->target->tgid);
}

static enum handled act(struct ui *ui, enum action action)
{
	const struct target_line *line = table_selected(&ui->targets_view.table);

	if (action == ACTION_LEFT || action == ACTION_TARGETS) {
		ui_view_back(ui);
		return HANDLED;
	}
	if (list_act(&ui->targets_view.table.list, action)) {
		table_follow(&ui->targets_view.table);
		return HANDLED;
	}
	if ((action != ACTION_OPEN && action != ACTION_RIGHT) || !line)
		return NOT_HANDLED;
	show_only(ui, line);
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	bool opened, known = table_click(&ui->targets_view.table, y, x, &opened);

	if (opened)
		act(ui, ACTION_OPEN);
	return known;
}

static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	return table_search(&ui->targets_view.table, ui, pattern, by);
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	return copy_table(&ui->targets_view.table, out, size);
}

void targets_view_open(struct ui *ui)
{
	ui_view_open(ui, VIEW_TARGETS);
}

const struct view_ops view_targets = {.name = "processes",
                                      .draw = draw,
                                      .act = act,
                                      .click = click,
                                      .copy = copy,
                                      .search = search,
                                      .sync = sync};

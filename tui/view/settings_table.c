/* SPDX-License-Identifier: MIT */
/* The settings: one row each, how it is read from words and written as such; and bindings of
 * keys. */
#include "tui/view/settings_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/view/pane.h"

#define NAME_BYTES 64
#define SIZE_LIMIT 400 /* lines or columns that a pane can be off its usual size */
#define KEY_PREFIX "key."

struct setting {
	const char *name;
	int (*set)(struct ui *ui, int arg, const char *value, char *why, size_t size);
	void (*get)(struct ui *ui, int arg, char *out, size_t size);
	int arg;
	const char *help;
};

int settings_wrong(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int palette_set(struct ui *ui, int arg, const char *value, char *why, size_t size)
{
	(void)ui;
	(void)arg;
	for (int i = 0; i < PALETTE_COUNT; i++)
		if (strcmp(value, style_palette_name((enum palette)i)) == 0) {
			style_palette_set((enum palette)i);
			return 0;
		}
	return settings_wrong(why, size, "no such palette: %s", value);
}

static void palette_get(struct ui *ui, int arg, char *out, size_t size)
{
	(void)ui;
	(void)arg;
	snprintf(out, size, "%s", style_palette_name(style_palette()));
}

static const char *const heat_names[HEAT_MODES] = {
        [HEAT_WHEN] = "when",
        [HEAT_BY_MAP] = "map",
        [HEAT_BY_TIME] = "time",
        [HEAT_BY_FREQUENCY] = "frequency",
};

static int heat_set(struct ui *ui, int arg, const char *value, char *why, size_t size)
{
	(void)arg;
	for (int i = 0; i < HEAT_MODES; i++)
		if (strcmp(value, heat_names[i]) == 0) {
			ui->heat_pane.cursor.mode = (enum heat_mode)i;
			return 0;
		}
	return settings_wrong(why, size, "no such heatmap: %s", value);
}

static void heat_get(struct ui *ui, int arg, char *out, size_t size)
{
	(void)arg;
	snprintf(out, size, "%s", heat_names[ui->heat_pane.cursor.mode]);
}

enum { TABLE_MAPS, TABLE_GOROUTINES };

static struct table *table_of(struct ui *ui, int arg)
{
	return arg == TABLE_MAPS ? &ui->maps : &ui->goroutines;
}

static int column_of(const struct table *table, const char *title)
{
	for (int i = 0; i < table->spec->column_count; i++)
		if (strcmp(table->spec->columns[i].title, title) == 0)
			return i;
	return -1;
}

/* "confl", or "confl reversed". */
static int sort_set(struct ui *ui, int arg, const char *value, char *why, size_t size)
{
	struct table *table = table_of(ui, arg);
	char title[NAME_BYTES];
	size_t length = strlen(value);
	bool reversed = length > 9 && strcmp(value + length - 9, " reversed") == 0;
	int column;

	snprintf(title, sizeof(title), "%.*s", (int)(reversed ? length - 9 : length), value);
	column = column_of(table, title);
	if (column < 0 || !table->spec->columns[column].compare)
		return settings_wrong(why, size, "there is no column \"%s\" to sort by", title);
	table->sort = column;
	table->reversed = reversed;
	return 0;
}

static void sort_get(struct ui *ui, int arg, char *out, size_t size)
{
	const struct table *table = table_of(ui, arg);

	snprintf(out, size, "%s%s", table->spec->columns[table->sort].title,
	         table->reversed ? " reversed" : "");
}

/* Names between commas: call each for one; a negative answer ends it. */
static int each_name(const char *value, int (*each)(void *ctx, const char *name), void *ctx)
{
	while (*value) {
		size_t length = strcspn(value, ",");
		char name[NAME_BYTES];
		const char *end = value + length;

		while (*value == ' ')
			value++;
		snprintf(name, sizeof(name), "%.*s", (int)(end - value), value);
		for (size_t i = strlen(name); i && name[i - 1] == ' ';)
			name[--i] = '\0';
		if (*name && each(ctx, name) < 0)
			return settings_wrong(NULL, 0, "%s", name);
		value = end + (*end == ',');
	}
	return 0;
}

struct hiding {
	struct table *table;
	struct ui *ui;
	unsigned int columns;
	bool panes[PANE_COUNT];
};

static int hide_column(void *ctx, const char *name)
{
	struct hiding *hiding = ctx;
	int column = column_of(hiding->table, name);

	if (column >= 0)
		hiding->columns |= 1u << column;
	return column;
}

static int columns_set(struct ui *ui, int arg, const char *value, char *why, size_t size)
{
	struct hiding hiding = {.table = table_of(ui, arg)};

	if (each_name(value, hide_column, &hiding))
		return settings_wrong(why, size, "there is no such column among: %s", value);
	hiding.table->hidden = hiding.columns;
	return 0;
}

static void list_name(char *out, size_t size, const char *name)
{
	size_t used = strlen(out);

	snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
}

static void columns_get(struct ui *ui, int arg, char *out, size_t size)
{
	const struct table *table = table_of(ui, arg);

	*out = '\0';
	for (int i = 0; i < table->spec->column_count; i++)
		if (table->hidden >> i & 1)
			list_name(out, size, table->spec->columns[i].title);
}

static int hide_pane(void *ctx, const char *name)
{
	struct hiding *hiding = ctx;

	for (int i = 0; i < PANE_COUNT; i++)
		if (strcmp(name, ui_pane_name((enum pane_id)i)) == 0) {
			hiding->panes[i] = true;
			return i;
		}
	return -1;
}

static int panes_set(struct ui *ui, int arg, const char *value, char *why, size_t size)
{
	struct hiding hiding = {.ui = ui};
	int shown = -1;

	(void)arg;
	if (each_name(value, hide_pane, &hiding))
		return settings_wrong(why, size, "there is no such pane among: %s", value);
	for (int i = PANE_COUNT - 1; i >= 0; i--)
		shown = hiding.panes[i] ? shown : i;
	if (shown < 0)
		return settings_wrong(why, size, "not all panes can be hidden");
	memcpy(ui->wish.hidden, hiding.panes, sizeof(hiding.panes));
	if (ui->wish.hidden[ui->focus])
		ui->focus = (enum pane_id)shown;
	return 0;
}

static void panes_get(struct ui *ui, int arg, char *out, size_t size)
{
	(void)arg;
	*out = '\0';
	for (int i = 0; i < PANE_COUNT; i++)
		if (ui->wish.hidden[i])
			list_name(out, size, ui_pane_name((enum pane_id)i));
}

enum { SIZE_UPPER_LINES, SIZE_MAPS_COLUMNS, SIZE_GOROUTINES_COLUMNS };

static int *size_of(struct ui *ui, int arg)
{
	int *const sizes[] = {
	        [SIZE_UPPER_LINES] = &ui->wish.upper_lines,
	        [SIZE_MAPS_COLUMNS] = &ui->wish.maps_columns,
	        [SIZE_GOROUTINES_COLUMNS] = &ui->wish.goroutines_columns,
	};

	return sizes[arg];
}

static int size_set(struct ui *ui, int arg, const char *value, char *why, size_t size)
{
	char *end;
	long number = strtol(value, &end, 10);

	if (end == value || *end || number < -SIZE_LIMIT || number > SIZE_LIMIT)
		return settings_wrong(why, size, "not a number from -%d to %d: %s", SIZE_LIMIT,
		                      SIZE_LIMIT, value);
	*size_of(ui, arg) = (int)number;
	return 0;
}

static void size_get(struct ui *ui, int arg, char *out, size_t size)
{
	snprintf(out, size, "%d", *size_of(ui, arg));
}

static const struct setting settings[] = {
        {"palette", palette_set, palette_get, 0, "colours of heat: viridis, cividis, fire, grey"},
        {"heat", heat_set, heat_get, 0, "heatmap shown first: when, frequency, map, time"},
        {"maps.sort", sort_set, sort_get, TABLE_MAPS,
         "column, perhaps with \"reversed\" behind it"},
        {"maps.hide", columns_set, columns_get, TABLE_MAPS, "columns, with commas between them"},
        {"goroutines.sort", sort_set, sort_get, TABLE_GOROUTINES, "as above"},
        {"goroutines.hide", columns_set, columns_get, TABLE_GOROUTINES, "as above"},
        {"panes.hide", panes_set, panes_get, 0, "maps, heat, goroutines, chains"},
        {"panes.upper_lines", size_set, size_get, SIZE_UPPER_LINES,
         "lines more for maps and heatmap"},
        {"panes.maps_columns", size_set, size_get, SIZE_MAPS_COLUMNS, "columns more for the maps"},
        {"panes.goroutines_columns", size_set, size_get, SIZE_GOROUTINES_COLUMNS,
         "columns more for the goroutines"},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

/* "key.next_conflict" names an action by its identifier in small letters. */
static enum action action_of(const char *name)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		if (strcasecmp(name, keymap_entry((enum action)i)->name) == 0)
			return (enum action)i;
	return ACTION_NONE;
}

int setting_apply(struct ui *ui, const char *name, const char *value, char *why, size_t size)
{
	enum action action;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strcmp(settings[i].name, name) == 0)
			return settings[i].set(ui, settings[i].arg, value, why, size);
	if (strncmp(name, KEY_PREFIX, strlen(KEY_PREFIX)) == 0) {
		action = action_of(name + strlen(KEY_PREFIX));
		if (action != ACTION_NONE)
			return keymap_bind(action, value, why, size);
	}
	return settings_wrong(why, size, "there is no setting \"%s\"", name);
}

void settings_reset(struct ui *ui)
{
	table_reset(&ui->maps);
	table_reset(&ui->goroutines);
	ui->wish = (struct layout_wish){0};
	ui->heat_pane.cursor.mode = HEAT_WHEN;
	ui->focus = PANE_MAPS;
	style_palette_set(PALETTE_VIRIDIS);
	keymap_reset();
}

void settings_print(struct ui *ui, FILE *file)
{
	char value[LINE_BYTES];

	fprintf(file, "# Settings of gomaptop's screen; F2 in gomaptop changes them, too.\n");
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		settings[i].get(ui, settings[i].arg, value, sizeof(value));
		fprintf(file, "\n# %s\n%s = %s\n", settings[i].help, settings[i].name, value);
	}
	fprintf(file, "\n# Keys that are not the usual ones.\n");
	for (int i = 0; i < ACTION_COUNT; i++) {
		const struct keymap_entry *entry = keymap_entry((enum action)i);

		if (!keymap_is_bound((enum action)i))
			continue;
		fprintf(file, KEY_PREFIX);
		for (const char *p = entry->name; *p; p++)
			fputc(tolower((unsigned char)*p), file);
		fprintf(file, " = %s\n", entry->keys);
	}
}

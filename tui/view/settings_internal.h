/* SPDX-License-Identifier: MIT */
/*
 * settings_internal: what the files of the settings share; only tui/view/settings*.c include it.
 */
#ifndef GOMAPTOP_TUI_SETTINGS_INTERNAL_H
#define GOMAPTOP_TUI_SETTINGS_INTERNAL_H

#include <stddef.h>
#include <stdio.h>

#define LINE_BYTES 512

struct ui;

/* Put words into why. Returns -EINVAL. */
int settings_wrong(char *why, size_t size, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* "name = value" of the file, a setting or the keys of an action. 0, or -EINVAL with words. */
int setting_apply(struct ui *ui, const char *name, const char *value, char *why, size_t size);
/* As if there were no file. */
void settings_reset(struct ui *ui);
/* All of them, as the file has them. */
void settings_print(struct ui *ui, FILE *file);

#endif

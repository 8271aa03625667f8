/* SPDX-License-Identifier: MIT */
#define _XOPEN_SOURCE_EXTENDED 1
#include "tui/term/keymap.h"

#include <curses.h>
#include <errno.h>
#include <string.h>

#define CTRL(letter) ((letter)&0x1f)

static const struct keymap_entry table[ACTION_COUNT] = {
#define X(id, keys, views, word, help) [ACTION_##id] = {#id, keys, views, word, help},
        ACTIONS(X)
#undef X
};

/* The same with keys that the user may have changed. */
static struct keymap_entry entries[ACTION_COUNT];
static char bound[ACTION_COUNT][KEYS_MAX];

__attribute__((constructor)) void keymap_reset(void)
{
	memcpy(entries, table, sizeof(entries));
}

/* Keys that are not their own name. One name may have several codes: terminals differ. */
static const struct {
	const char *name;
	int code;
} key_names[] = {
        {"Up", KEY_UP},        {"Down", KEY_DOWN},       {"Left", KEY_LEFT},
        {"Right", KEY_RIGHT},  {"PgUp", KEY_PPAGE},      {"PgDn", KEY_NPAGE},
        {"Home", KEY_HOME},    {"End", KEY_END},         {"Enter", '\r'},
        {"Enter", '\n'},       {"Enter", KEY_ENTER},     {"Esc", 0x1b},
        {"Tab", '\t'},         {"Shift-Tab", KEY_BTAB},  {"Backspace", KEY_BACKSPACE},
        {"Backspace", 0x7f},   {"Backspace", CTRL('H')}, {"Space", ' '},
        {"F1", KEY_F(1)},      {"F2", KEY_F(2)},         {"F3", KEY_F(3)},
        {"F4", KEY_F(4)},      {"F5", KEY_F(5)},         {"F6", KEY_F(6)},
        {"F7", KEY_F(7)},      {"F8", KEY_F(8)},         {"F9", KEY_F(9)},
        {"F10", KEY_F(10)},    {"F11", KEY_F(11)},       {"F12", KEY_F(12)},
        {"Del", KEY_DC},       {"Ins", KEY_IC},          {"Home", KEY_FIND},
        {"End", KEY_SELECT},   {"Ctrl-B", CTRL('B')},    {"Ctrl-F", CTRL('F')},
        {"Ctrl-L", CTRL('L')},
};

#define KEY_NAMES (sizeof(key_names) / sizeof(key_names[0]))

const struct keymap_entry *keymap_entry(enum action action)
{
	return action < ACTION_COUNT ? &entries[action] : NULL;
}

bool keymap_is_for(enum action action, enum view_id view)
{
	return action < ACTION_COUNT && entries[action].views >> view & 1;
}

/* ---- other keys ---------------------------------------------------------------------- */

static bool must_have_key(enum action action)
{
	return action == ACTION_QUIT || action == ACTION_BACK || action == ACTION_SETUP ||
	       action == ACTION_HELP;
}

int keymap_bind(enum action action, const char *keys, char *why, size_t why_size)
{
	if (strlen(keys) >= KEYS_MAX) {
		snprintf(why, why_size, "too many keys");
		return -EINVAL;
	}
	if (must_have_key(action) && strspn(keys, " ") == strlen(keys)) {
		snprintf(why, why_size, "%s needs a key", entries[action].name);
		return -EINVAL;
	}
	for (const char *p = keys; *p; p += strspn(p, " ")) {
		size_t length = strcspn(p, " ");

		if (length && keymap_code(p, length) < 0) {
			snprintf(why, why_size, "there is no key %.*s", (int)length, p);
			return -EINVAL;
		}
		p += length;
	}
	memmove(bound[action], keys, strlen(keys) + 1);
	entries[action].keys = bound[action];
	return 0;
}

/* The action, from first on, that has this key. */
static int action_with(const char *key, size_t length, int first)
{
	for (int i = first; i < ACTION_COUNT; i++)
		for (const char *p = entries[i].keys; *p; p += strspn(p, " ")) {
			size_t other = strcspn(p, " ");

			if (other == length && !memcmp(p, key, length))
				return i;
			p += other;
		}
	return ACTION_NONE;
}

int keymap_check(char *why, size_t why_size)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		for (const char *p = entries[i].keys; *p; p += strspn(p, " ")) {
			size_t length = strcspn(p, " ");
			int other = action_with(p, length, i + 1);

			if (length && other != ACTION_NONE) {
				snprintf(why, why_size, "%.*s is the key of two actions, %s and %s",
				         (int)length, p, entries[i].name, entries[other].name);
				return -EINVAL;
			}
			p += length;
		}
	return 0;
}

bool keymap_is_bound(enum action action)
{
	return strcmp(entries[action].keys, table[action].keys) != 0;
}

int keymap_code(const char *name, size_t length)
{
	for (size_t i = 0; i < KEY_NAMES; i++)
		if (strlen(key_names[i].name) == length && !memcmp(key_names[i].name, name, length))
			return key_names[i].code;
	return length == 1 ? (unsigned char)name[0] : -1;
}

/* Whether the key of this code is called name. */
static bool key_has_name(int code, const char *name, size_t length)
{
	for (size_t i = 0; i < KEY_NAMES; i++)
		if (key_names[i].code == code && strlen(key_names[i].name) == length &&
		    !memcmp(key_names[i].name, name, length))
			return true;
	return length == 1 && code == (unsigned char)name[0];
}

enum action keymap_action(int code)
{
	for (int action = 0; action < ACTION_COUNT; action++)
		for (const char *p = entries[action].keys; *p;) {
			size_t length = strcspn(p, " ");

			if (key_has_name(code, p, length))
				return (enum action)action;
			p += length;
			p += strspn(p, " ");
		}
	return ACTION_NONE;
}

/* A backslash begins an escape there. */
static void manual_put(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
}

int keymap_write_manual(FILE *out)
{
	for (int action = 0; action < ACTION_COUNT; action++) {
		fputs(".TP\n.B \"", out);
		manual_put(out, entries[action].keys);
		fprintf(out, "\"\n%s\n", entries[action].help);
	}
	return ferror(out) ? -1 : 0;
}

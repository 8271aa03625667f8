/* SPDX-License-Identifier: MIT */
/*
 * finding_bell: --bell: at the first conflict, unordered pair or crash the terminal rings, and its
 * title says what was found where, for somebody who looks at another window.
 */
#ifndef GOMAPTOP_TUI_FINDING_BELL_H
#define GOMAPTOP_TUI_FINDING_BELL_H

struct ui;

/* The rows are new. Rings once in the life of the screen, on an open screen only. */
void finding_bell_look(struct ui *ui);
/* Before the terminal is given back: the title of before, where it was changed. */
void finding_bell_over(struct ui *ui);

#endif

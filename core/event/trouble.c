/* SPDX-License-Identifier: MIT */
#include "core/event/trouble.h"

static const struct {
	const char *name, *words;
} rows[TROUBLE_COUNT] = {
#define X(id, name, words) [TROUBLE_##id] = {name, words},
        TROUBLES(X)
#undef X
};

const char *trouble_name(enum trouble trouble)
{
	return trouble < TROUBLE_COUNT ? rows[trouble].name : "";
}

const char *trouble_words(enum trouble trouble)
{
	return trouble < TROUBLE_COUNT ? rows[trouble].words : "";
}

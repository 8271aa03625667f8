/* SPDX-License-Identifier: MIT */
/* Words about the watch itself, from the threads that follow a file or processes. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "bpf/watch/watch_internal.h"

void watch_say(struct watch *w, const char *format, ...)
{
	struct watch_news *news = &w->news;
	uint64_t one = 1;
	va_list ap;

	pthread_mutex_lock(&news->lock);
	if (news->said - news->told == WATCH_NEWS_MAX)
		news->told++; /* the oldest is lost: nobody listened */
	va_start(ap, format);
	vsnprintf(news->text[news->said++ % WATCH_NEWS_MAX], WATCH_NEWS_TEXT, format, ap);
	va_end(ap);
	pthread_mutex_unlock(&news->lock);
	if (write(w->event_fd, &one, sizeof(one)) < 0)
		return; /* full: the consumer was told already */
}

bool watch_news(struct watch *w, char *text, size_t size)
{
	struct watch_news *news = &w->news;
	bool is;

	pthread_mutex_lock(&news->lock);
	is = news->told < news->said;
	if (is)
		snprintf(text, size, "%s", news->text[news->told++ % WATCH_NEWS_MAX]);
	pthread_mutex_unlock(&news->lock);
	return is;
}

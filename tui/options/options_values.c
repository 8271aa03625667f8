/* SPDX-License-Identifier: MIT */
/* Readers of the options' values. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "tui/options/options_internal.h"

static const struct {
	const char *name;
	double ns;
} TIME_UNITS[] = {
        {"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"m", 60e9}, {"h", 3600e9},
};

#define TIME_MAX_NS (1000.0 * 24 * 3600 * 1e9)

int time_parse(const char *text, uint64_t *ns, struct error *err)
{
	char *unit;
	double value;
	size_t i;

	/* strtod() alone would also take blanks, signs, hexadecimal, "inf" and "nan". */
	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		goto invalid;
	value = strtod(text, &unit);
	for (i = 0; i < sizeof(TIME_UNITS) / sizeof(TIME_UNITS[0]); i++) {
		if (strcmp(unit, TIME_UNITS[i].name) != 0)
			continue;
		value *= TIME_UNITS[i].ns;
		if (value > TIME_MAX_NS)
			return error_set(err, EINVAL,
			                 "'%s' is more than 1000 days: give a shorter time", text);
		*ns = (uint64_t)llround(value);
		return 0;
	}
invalid:
	return error_set(
	        err, EINVAL,
	        "'%s' is no time: write a number and ns, us, ms, s, m or h, as in 500ms; a "
	        "bare number is seconds",
	        text);
}

int time_range_parse(const char *text, uint64_t *min_ns, uint64_t *max_ns, struct error *err)
{
	const char *dots = strstr(text, "..");
	char first[32];
	int rc;

	if (!dots) {
		rc = time_parse(text, min_ns, err);
		*max_ns = *min_ns;
		return rc;
	}
	if ((size_t)(dots - text) >= sizeof(first))
		return error_set(err, EINVAL, "'%s' is no range: write MIN..MAX, as in 20us..1ms",
		                 text);
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = '\0';
	rc = time_parse(first, min_ns, err);
	if (!rc)
		rc = time_parse(dots + 2, max_ns, err);
	if (!rc && *min_ns > *max_ns)
		rc = error_set(err, EINVAL,
		               "'%s' runs backwards: write the shorter time first, as in "
		               "20us..1ms",
		               text);
	return rc;
}

/* host: an address as numbers; in brackets it has to be of IPv6, without of IPv4. */
static bool address_fill(struct listen_address *out, const char *host, bool bracketed, long port)
{
	struct sockaddr_in6 *six = (void *)&out->at;
	struct sockaddr_in *four = (void *)&out->at;

	if (bracketed) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		out->size = sizeof(*six);
		return inet_pton(AF_INET6, host, &six->sin6_addr) == 1;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)port);
	out->size = sizeof(*four);
	return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

/* Behind "unix:". */
static int local_parse(const char *text, struct listen_address *out, struct error *err)
{
	static const char key[] = ",mode=";
	struct sockaddr_un *at = (void *)&out->at;
	const char *mode = strstr(text, key);
	size_t length = mode ? (size_t)(mode - text) : strlen(text);
	char *end = NULL;
	unsigned long bits = mode ? strtoul(mode + strlen(key), &end, 8) : 0600;

	if (length == 0 || length >= sizeof(at->sun_path))
		return error_set(err, EINVAL,
		                 "'unix:%s' needs a path of 1 to %zu bytes: give one, as in "
		                 "unix:/run/gomaptop.sock",
		                 text, sizeof(at->sun_path) - 1);
	if (mode && (mode[strlen(key)] < '0' || mode[strlen(key)] > '7' || *end || bits > 0777))
		return error_set(
		        err, EINVAL,
		        "'unix:%s' has a mode that is not from 0 to 0777 (octal): give one, "
		        "as in mode=0660",
		        text);
	at->sun_family = AF_UNIX;
	memcpy(at->sun_path, text, length);
	out->size = sizeof(*at);
	out->mode = (mode_t)bits;
	return 0;
}

int listen_parse(const char *text, struct listen_address *out, struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool bracketed = length >= 2 && text[0] == '[' && colon[-1] == ']';
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";
	long port = 0;

	*out = (struct listen_address){0};
	if (strncmp(text, "unix:", 5) == 0)
		return local_parse(text + 5, out, err);
	if (number_parse(colon ? colon + 1 : text, 0, UINT16_MAX, &port, NULL))
		return error_set(err, EINVAL,
		                 "'%s' has no port from 0 to 65535: give a port, as in 9464, or "
		                 "an address and a port, as in 0.0.0.0:9464",
		                 text);
	if (colon && length == 0)
		return error_set(err, EINVAL,
		                 "'%s' names no address: give %ld for loopback, or 0.0.0.0:%ld "
		                 "for every network",
		                 text, port, port);
	if (colon && length < sizeof(host)) {
		memcpy(host, text + bracketed, length - 2 * bracketed);
		host[length - 2 * bracketed] = '\0';
	}
	if (length >= sizeof(host) || !address_fill(out, host, bracketed, port))
		return error_set(err, EINVAL,
		                 "'%s' has no address that is written in numbers (no names, IPv6 "
		                 "in brackets): give one, as in 127.0.0.1:9464 or [::1]:9464",
		                 text);
	out->any_port = port == 0;
	return 0;
}

int number_parse(const char *text, long min, long max, long *out, struct error *err)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text || text[0] < '0' || text[0] > '9' || value < min ||
	    value > max)
		return error_set(err, EINVAL, "'%s' is no number from %ld to %ld: give one", text,
		                 min, max);
	*out = value;
	return 0;
}

int string_keep(char **slot, const char *text, struct error *err)
{
	if (!*text)
		return error_set(err, EINVAL, "an empty name names nothing: give a path");
	free(*slot);
	*slot = strdup(text);
	return *slot ? 0 : error_no_memory(err);
}

/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* struct ucred */
#include "tui/app/metrics_clients.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)

/* With those that were shut down and that the server has not closed yet. */
#define TABLE_SIZE (2 * METRICS_CONNECTIONS_MAX)

enum state { FREE, ASKING, ASKED, SHUT }; /* ASKED: its answer is on the way */

struct metrics_client {
	struct metrics_clients *clients;
	enum state state;
	int fd;
	uint64_t since_ns; /* when the state began */
	uint64_t address;  /* what is counted as one */
};

struct metrics_clients {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;  /* a connection was opened, or over */
	bool over;
	struct metrics_client table[TABLE_SIZE];
};

/* ---- with the lock ------------------------------------------------------------------- */

static bool is_open(const struct metrics_client *client)
{
	return client->state == ASKING || client->state == ASKED;
}

static uint64_t deadline_of(const struct metrics_client *client)
{
	return client->since_ns +
	       (client->state == ASKING ? METRICS_CLIENT_SECONDS : METRICS_ANSWER_SECONDS) *
	               NS_PER_SECOND;
}

static void shut(struct metrics_client *client)
{
	shutdown(client->fd, SHUT_RDWR);
	client->state = SHUT;
}

static size_t count_of(const struct metrics_clients *clients, const uint64_t *address)
{
	size_t count = 0;

	for (size_t i = 0; i < TABLE_SIZE; i++)
		count += is_open(&clients->table[i]) &&
		         (!address || clients->table[i].address == *address);
	return count;
}

/* The one that has been asking for longest; where none asks, that has been answered for longest. */
static struct metrics_client *oldest_find(struct metrics_clients *clients, uint64_t address)
{
	struct metrics_client *oldest = NULL;

	for (size_t i = 0; i < TABLE_SIZE; i++) {
		struct metrics_client *c = &clients->table[i];

		if (!is_open(c) || c->address != address)
			continue;
		if (!oldest || c->state < oldest->state ||
		    (c->state == oldest->state && c->since_ns < oldest->since_ns))
			oldest = c;
	}
	return oldest;
}

/* The address with the most connections: when the server is full, room is made among those. */
static uint64_t address_crowded(const struct metrics_clients *clients)
{
	uint64_t crowded = 0;
	size_t most = 0;

	for (size_t i = 0; i < TABLE_SIZE; i++) {
		const struct metrics_client *c = &clients->table[i];
		size_t count = is_open(c) ? count_of(clients, &c->address) : 0;

		if (count > most) {
			most = count;
			crowded = c->address;
		}
	}
	return crowded;
}

/* Shut down those that are too many, but for those that are spared still; when the first of these
 * no longer is, UINT64_MAX: there is none. */
static uint64_t excess_shut(struct metrics_clients *clients, uint64_t now)
{
	for (;;) {
		uint64_t address = address_crowded(clients), spared;
		struct metrics_client *oldest;

		if (count_of(clients, NULL) <= METRICS_CLIENTS_MAX &&
		    count_of(clients, &address) <= METRICS_CLIENTS_PER_ADDRESS)
			return UINT64_MAX;
		oldest = oldest_find(clients, address);
		if (!oldest || oldest->state != ASKING)
			return UINT64_MAX;
		spared = oldest->since_ns + METRICS_SPARED_MS * NS_PER_MS;
		if (spared > now)
			return spared;
		shut(oldest);
	}
}

/* ---- the thread that looks after the deadlines --------------------------------------- */

/* Shut down those that are late; when the next one will be, UINT64_MAX: there is none. */
static uint64_t late_shut(struct metrics_clients *clients)
{
	uint64_t now = clock_now(), next = excess_shut(clients, now);

	for (size_t i = 0; i < TABLE_SIZE; i++) {
		struct metrics_client *c = &clients->table[i];

		if (!is_open(c))
			continue;
		if (deadline_of(c) <= now)
			shut(c);
		else if (deadline_of(c) < next)
			next = deadline_of(c);
	}
	return next;
}

static void *guard_run(void *ctx)
{
	struct metrics_clients *clients = ctx;

	pthread_mutex_lock(&clients->lock);
	while (!clients->over) {
		uint64_t next = late_shut(clients);
		struct timespec until = {.tv_sec = (time_t)(next / NS_PER_SECOND),
		                         .tv_nsec = (long)(next % NS_PER_SECOND)};

		if (next == UINT64_MAX)
			pthread_cond_wait(&clients->news, &clients->lock);
		else
			pthread_cond_timedwait(&clients->news, &clients->lock, &until);
	}
	pthread_mutex_unlock(&clients->lock);
	return NULL;
}

/* ---- public -------------------------------------------------------------------------- */

int metrics_clients_create(struct metrics_clients **out)
{
	struct metrics_clients *clients = calloc(1, sizeof(*clients));
	pthread_condattr_t attributes;
	sigset_t all, before;
	int rc;

	if (!clients)
		return -ENOMEM;
	pthread_mutex_init(&clients->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&clients->news, &attributes);
	pthread_condattr_destroy(&attributes);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	rc = -pthread_create(&clients->thread, NULL, guard_run, clients);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		free(clients);
		return rc;
	}
	*out = clients;
	return 0;
}

void metrics_clients_destroy(struct metrics_clients *clients)
{
	if (!clients)
		return;
	pthread_mutex_lock(&clients->lock);
	clients->over = true;
	pthread_cond_signal(&clients->news);
	pthread_mutex_unlock(&clients->lock);
	pthread_join(clients->thread, NULL);
	pthread_cond_destroy(&clients->news);
	pthread_mutex_destroy(&clients->lock);
	free(clients);
}

static uint64_t address_of(int fd, const struct sockaddr *from)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	uint64_t address = 0;

	switch (from ? from->sa_family : AF_UNSPEC) {
	case AF_INET:
		return ((const struct sockaddr_in *)(const void *)from)->sin_addr.s_addr;
	case AF_INET6:
		memcpy(&address, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
		       sizeof(address));
		return address;
	default:
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
		return peer.uid;
	}
}

struct metrics_client *metrics_client_open(struct metrics_clients *clients, int fd,
                                           const struct sockaddr *from)
{
	struct metrics_client *client = NULL;
	uint64_t address = address_of(fd, from);

	pthread_mutex_lock(&clients->lock);
	if (count_of(clients, NULL) >= METRICS_CONNECTIONS_MAX)
		shut(oldest_find(clients, address_crowded(clients)));
	for (size_t i = 0; i < TABLE_SIZE && !client; i++)
		if (clients->table[i].state == FREE)
			client = &clients->table[i];
	if (client)
		*client = (struct metrics_client){.clients = clients,
		                                  .state = ASKING,
		                                  .fd = fd,
		                                  .since_ns = clock_now(),
		                                  .address = address};
	else
		shutdown(fd, SHUT_RDWR);
	pthread_cond_signal(&clients->news);
	pthread_mutex_unlock(&clients->lock);
	return client;
}

static void state_set(struct metrics_client *client, enum state state)
{
	if (!client)
		return;
	pthread_mutex_lock(&client->clients->lock);
	if (is_open(client) || state == FREE) {
		client->state = state;
		client->since_ns = clock_now();
	}
	pthread_mutex_unlock(&client->clients->lock);
}

void metrics_client_asked(struct metrics_client *client)
{
	state_set(client, ASKED);
}

void metrics_client_answered(struct metrics_client *client)
{
	state_set(client, ASKING);
}

void metrics_client_close(struct metrics_client *client)
{
	state_set(client, FREE);
}

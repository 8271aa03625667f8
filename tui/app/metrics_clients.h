/* SPDX-License-Identifier: MIT */
/*
 * metrics_clients: the connections of the metrics server, and which of them has to go.
 *
 * libmicrohttpd has a time-out for silence only: a client that sends a byte every two seconds is
 * never silent, and sixteen of them took all the room there was. Here each request has a deadline
 * as a whole, and there is always room for a new connection: where there are too many, in all or
 * from one address, the oldest whose request is not complete is shut down. A new one is spared for
 * half a second, so that many connections at once do not push out one that is about to ask. One
 * that is shut down reads as closed by the client; libmicrohttpd does the rest.
 *
 * A thread of its own looks after the deadlines, with all signals blocked. All functions but create
 * and destroy: the server's thread.
 */
#ifndef GOMAPTOP_TUI_METRICS_CLIENTS_H
#define GOMAPTOP_TUI_METRICS_CLIENTS_H

#include <sys/socket.h>

#define METRICS_CLIENTS_MAX         16 /* connections that may stay open at a time */
#define METRICS_CLIENTS_PER_ADDRESS 12 /* of one address, one /64 of IPv6, or one user (unix) */
/* for a request to be complete, since the last one or the start */
#define METRICS_CLIENT_SECONDS 5
#define METRICS_ANSWER_SECONDS 10 /* for an answer to be taken */
#define METRICS_SPARED_MS      500

/* Those that are spared, too; with more even a new one makes room. */
#define METRICS_CONNECTIONS_MAX 256

struct metrics_clients;
struct metrics_client;

/* 0, -ENOMEM or -EAGAIN (no thread). */
int metrics_clients_create(struct metrics_clients **out);
void metrics_clients_destroy(struct metrics_clients *clients); /* accepts NULL; none may be open */

/* A connection was accepted. NULL: no room, it was shut down. */
struct metrics_client *metrics_client_open(struct metrics_clients *clients, int fd,
                                           const struct sockaddr *from);
/* Its request is complete; its answer has been sent; fd is about to be closed. All accept NULL. */
void metrics_client_asked(struct metrics_client *client);
void metrics_client_answered(struct metrics_client *client);
void metrics_client_close(struct metrics_client *client);

#endif

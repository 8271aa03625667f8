/* SPDX-License-Identifier: MIT */
/*
 * metrics_server: serves the newest metrics at http://ADDR:PORT/metrics, or the same on a unix
 * socket, for --listen.
 *
 * The model belongs to the thread that owns the session. That thread writes the document and
 * publishes it; a thread of the server's own hands out the newest one, and touches nothing else, so
 * no client, slow or stuck, ever keeps the session waiting. Clients are bounded in number and in
 * time, and a new one always finds room (tui/app/metrics_clients.h).
 */
#ifndef GOMAPTOP_TUI_METRICS_SERVER_H
#define GOMAPTOP_TUI_METRICS_SERVER_H

#include "core/base/error.h"
#include "core/model/model.h"
#include "core/report/snapshot.h"
#include "tui/app/metrics_clients.h"
#include "tui/options/options.h"

#define METRICS_CLIENT_BYTES (16 * 1024) /* of a request, its headers included */

struct metrics_server;

/* Listen, and serve a document that only says which gomaptop this is. The thread has all signals
 * blocked. A unix socket that no process listens on any more is replaced when it belongs to the
 * caller. 0, or -errno with words: -EADDRINUSE, -EADDRNOTAVAIL, -EACCES and others of bind(2). */
int metrics_server_start(const struct listen_address *address, struct metrics_server **out,
                         struct error *err);
/* Ends within moments, whatever clients do, and removes the unix socket. Accepts NULL. */
void metrics_server_stop(struct metrics_server *server);

/* What is served from now on. 0, or -ENOMEM: it is still the document of before. */
int metrics_server_update(struct metrics_server *server, const struct model *model,
                          const struct snapshot_context *context);

/* "http://127.0.0.1:9464/metrics", with the port that the kernel chose, or "unix:/run/x.sock".
 * Valid until the stop. */
const char *metrics_server_url(const struct metrics_server *server);

#endif

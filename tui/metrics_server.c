/* SPDX-License-Identifier: MIT */
#include "tui/metrics_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/metrics.h"

#define PATH "/metrics"

struct metrics_server {
	struct MHD_Daemon *daemon;
	/* Of fixed text, made at the start. */
	struct MHD_Response *elsewhere, *refusal;
	pthread_mutex_t
	        lock; /* of what follows; held for no longer than it takes to count a user */
	struct MHD_Response *newest;
	char url[64 + INET6_ADDRSTRLEN];
};

/* ---- documents ----------------------------------------------------------------------- */

/* Takes the text, which free() frees when its last reader has left. NULL: no memory. */
static struct MHD_Response *response_make(char *text, size_t size, const char *type)
{
	struct MHD_Response *response =
	        MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);

	if (!response) {
		free(text);
		return NULL;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) != MHD_YES) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

static struct MHD_Response *line_make(const char *text)
{
	char *copy = strdup(text);

	return copy ? response_make(copy, strlen(copy), "text/plain; charset=utf-8") : NULL;
}

static struct MHD_Response *document_make(const struct model *model,
                                          const struct snapshot_context *context)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return NULL;
	rc = metrics_write(model, context, out);
	if (fclose(out) || rc) {
		free(text);
		return NULL;
	}
	return response_make(text, size, METRICS_CONTENT_TYPE);
}

int metrics_server_update(struct metrics_server *server, const struct model *model,
                          const struct snapshot_context *context)
{
	struct MHD_Response *response = document_make(model, context), *before;

	if (!response)
		return -ENOMEM;
	pthread_mutex_lock(&server->lock);
	before = server->newest;
	server->newest = response;
	pthread_mutex_unlock(&server->lock);
	if (before) /* those that are being sent it have it still */
		MHD_destroy_response(before);
	return 0;
}

/* ---- requests, in the server's own thread -------------------------------------------- */

static enum MHD_Result newest_send(struct metrics_server *server, struct MHD_Connection *client)
{
	enum MHD_Result result;

	pthread_mutex_lock(&server->lock);
	result = MHD_queue_response(client, MHD_HTTP_OK, server->newest);
	pthread_mutex_unlock(&server->lock);
	return result;
}

/* Called when the head of a request is there. The answer does not wait for a body. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *client, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **request)
{
	struct metrics_server *server = ctx;

	(void)version;
	(void)body;
	(void)body_size;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return MHD_queue_response(client, MHD_HTTP_METHOD_NOT_ALLOWED, server->refusal);
	if (strcmp(url, PATH) != 0)
		return MHD_queue_response(client, MHD_HTTP_NOT_FOUND, server->elsewhere);
	return newest_send(server, client);
}

/* ---- listening ----------------------------------------------------------------------- */

/* "127.0.0.1:9464", "[::1]:9464". */
static void address_format(const struct sockaddr_storage *at, char *out, size_t size)
{
	const struct sockaddr_in6 *six = (const void *)at;
	const struct sockaddr_in *four = (const void *)at;
	char host[INET6_ADDRSTRLEN] = "";

	if (at->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(four->sin_port));
	}
}

static const char *advice(int code)
{
	static const struct {
		int code;
		const char *words;
	} table[] = {
	        {EADDRINUSE, "give another port, or 0 for one that is free"},
	        {EADDRNOTAVAIL, "give an address of this machine, as `ip address` lists them"},
	        {EACCES, "give a port from 1024 on, or run as root"},
	        {EAFNOSUPPORT, "give an address of a kind that this kernel has"},
	        {EMFILE, "raise `ulimit -n`"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].code == code)
			return table[i].words;
	}
	return "give another address or port";
}

/* A descriptor, or -errno. */
static int address_listen(const struct listen_address *address)
{
	const struct sockaddr *at = (const void *)&address->at;
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, rc;

	if (fd < 0)
		return -errno;
	/* Connections of an earlier run that linger are no reason to wait a minute. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* [::] is all of IPv6, and no more than that. */
	if (at->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, at, address->size) == 0 && listen(fd, METRICS_CLIENTS_MAX) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int url_make(struct metrics_server *server, int fd)
{
	char name[sizeof(server->url) - sizeof("http://" PATH)];
	struct sockaddr_storage at = {0};
	socklen_t size = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &size))
		return -errno;
	address_format(&at, name, sizeof(name));
	snprintf(server->url, sizeof(server->url), "http://%s" PATH, name);
	return 0;
}

/* ---- start and stop ------------------------------------------------------------------ */

static int documents_make(struct metrics_server *server)
{
	const struct snapshot_context context = {.tool_version = GOMAPTOP_VERSION};

	server->elsewhere = line_make("gomaptop: the metrics are at " PATH "\n");
	server->refusal = line_make("gomaptop: only GET and HEAD, of " PATH "\n");
	if (!server->elsewhere || !server->refusal ||
	    MHD_add_response_header(server->refusal, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") != MHD_YES)
		return -ENOMEM;
	return metrics_server_update(server, NULL, &context);
}

/* Threads inherit the mask: signals are for the thread that owns the session. The daemon owns fd if
 * it starts. */
static int daemon_start(struct metrics_server *server, int fd)
{
	sigset_t all, before;
	int code;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	errno = 0;
	server->daemon = MHD_start_daemon(
	        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, on_request, server,
	        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	        (unsigned int)METRICS_CLIENTS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
	        (unsigned int)METRICS_CLIENT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	        (size_t)METRICS_CLIENT_BYTES, MHD_OPTION_END);
	code = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (server->daemon)
		return 0;
	return code ? -code : -EIO;
}

int metrics_server_start(const struct listen_address *address, struct metrics_server **out,
                         struct error *err)
{
	struct metrics_server *server = calloc(1, sizeof(*server));
	char name[64];
	int fd, rc;

	if (!server)
		return error_set(err, ENOMEM, "out of memory: free some and try again");
	pthread_mutex_init(&server->lock, NULL);
	fd = address_listen(address);
	rc = fd < 0 ? fd : url_make(server, fd);
	if (!rc)
		rc = documents_make(server);
	if (!rc)
		rc = daemon_start(server, fd);
	if (!rc) {
		*out = server;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	metrics_server_stop(server);
	address_format(&address->at, name, sizeof(name));
	return error_set(err, -rc, "cannot serve metrics at %s: %s; %s", name, strerror(-rc),
	                 advice(-rc));
}

void metrics_server_stop(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->newest)
		MHD_destroy_response(server->newest);
	if (server->elsewhere)
		MHD_destroy_response(server->elsewhere);
	if (server->refusal)
		MHD_destroy_response(server->refusal);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

const char *metrics_server_url(const struct metrics_server *server)
{
	return server->url;
}

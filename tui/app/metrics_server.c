/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* AT_SYMLINK_NOFOLLOW of fchmodat(2) */
#include "tui/app/metrics_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/report/metrics.h"

#define PATH    "/metrics"
#define BACKLOG 256 /* connections that the kernel keeps until they are accepted */

struct metrics_server {
	struct MHD_Daemon *daemon;
	/* Of fixed text, made at the start. */
	struct MHD_Response *elsewhere, *refusal;
	pthread_mutex_t
	        lock; /* of what follows; held for no longer than it takes to count a user */
	struct MHD_Response *newest;
	struct metrics_clients *clients;
	struct listen_address address;
	struct stat file; /* the unix socket, once it is there (st_ino not 0) */
	char url[64 + sizeof(((struct sockaddr_un *)0)->sun_path)];
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

static struct metrics_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
	struct metrics_server *server = ctx;
	const union MHD_ConnectionInfo *fd, *from;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		metrics_client_close(*socket_context);
		return;
	}
	fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	*socket_context = metrics_client_open(server->clients, fd->connect_fd,
	                                      from ? from->client_addr : NULL);
}

static void on_answered(void *ctx, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode how)
{
	(void)ctx;
	(void)request;
	(void)how;
	metrics_client_answered(client_of(connection));
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
	metrics_client_asked(client_of(client));
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
	const struct sockaddr_un *local = (const void *)at;
	char host[INET6_ADDRSTRLEN] = "";

	if (at->ss_family == AF_UNIX) {
		snprintf(out, size, "unix:%s", local->sun_path);
	} else if (at->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(four->sin_port));
	}
}

static const char *advice(int code, bool local)
{
	static const struct {
		int code;
		const char *words, *local; /* local: for a unix socket */
	} table[] = {
	        {EADDRINUSE, "give another port, or 0 for one that is free",
	         "another process listens there, or it belongs to another user; give another path"},
	        {EADDRNOTAVAIL, "give an address of this machine, as `ip address` lists them",
	         NULL},
	        {EACCES, "give a port from 1024 on, or run as root",
	         "give a path in a folder that you may write to"},
	        {EAFNOSUPPORT, "give an address of a kind that this kernel has", NULL},
	        {EMFILE, "raise `ulimit -n`", "raise `ulimit -n`"},
	        {EEXIST, NULL, "what is there is not a socket; give another path"},
	        {ENOENT, NULL, "make the folder first, or give another path"},
	};

	if (code == EACCES && !local && geteuid() == 0)
		return "give a port from 1024 on";
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *words = local ? table[i].local : table[i].words;

		if (table[i].code == code && words)
			return words;
	}
	return local ? "give another path" : "give another address or port";
}

/* Take away a socket of the caller's that no process listens on any more. 0, or -errno. */
static int stale_remove(const struct sockaddr_un *at, socklen_t size)
{
	struct stat st;
	int fd, rc;

	if (lstat(at->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (st.st_uid != geteuid())
		return -EADDRINUSE;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)at, size) == 0 ? 0 : errno;
	close(fd);
	if (rc != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(at->sun_path) ? -errno : 0;
}

/* A descriptor, or -errno. The socket never has more permissions than it will have: bind(2) takes
 * the mode from the descriptor, and a umask can only take from that. */
static int local_listen(struct metrics_server *server)
{
	const struct listen_address *address = &server->address;
	const struct sockaddr_un *at = (const void *)&address->at;
	int fd = -1, rc = stale_remove(at, address->size);

	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, address->mode) || bind(fd, (const struct sockaddr *)at, address->size))
		goto failed;
	if (lstat(at->sun_path, &server->file) ||
	    fchmodat(AT_FDCWD, at->sun_path, address->mode, AT_SYMLINK_NOFOLLOW) ||
	    listen(fd, BACKLOG))
		goto failed;
	return fd;
failed:
	rc = -errno;
	close(fd);
	return rc;
}

/* Only if it is still ours. */
static void local_remove(const struct metrics_server *server)
{
	const struct sockaddr_un *at = (const void *)&server->address.at;
	struct stat st;

	if (server->file.st_ino && lstat(at->sun_path, &st) == 0 &&
	    st.st_ino == server->file.st_ino && st.st_dev == server->file.st_dev)
		unlink(at->sun_path);
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
	if (bind(fd, at, address->size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static int url_make(struct metrics_server *server, int fd)
{
	char name[sizeof(server->url) - sizeof("http://" PATH)];
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);

	if (server->address.at.ss_family == AF_UNIX) {
		address_format(&server->address.at, server->url, sizeof(server->url));
		return 0;
	}
	memset(&at, 0, sizeof(at));
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
	        (unsigned int)(METRICS_CONNECTIONS_MAX + METRICS_CLIENTS_MAX),
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)METRICS_CLIENT_SECONDS,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)METRICS_CLIENT_BYTES,
	        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
	        on_answered, server, MHD_OPTION_END);
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
	bool local = address->at.ss_family == AF_UNIX;
	char name[sizeof(server->url)];
	int fd, rc;

	if (!server)
		return error_no_memory(err);
	server->address = *address;
	pthread_mutex_init(&server->lock, NULL);
	fd = local ? local_listen(server) : address_listen(address);
	rc = fd < 0 ? fd : url_make(server, fd);
	if (!rc)
		rc = documents_make(server);
	if (!rc)
		rc = metrics_clients_create(&server->clients);
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
	                 advice(-rc, local));
}

void metrics_server_stop(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	local_remove(server);
	metrics_clients_destroy(server->clients);
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

/* SPDX-License-Identifier: MIT */
/* The server of metrics: what it answers, that no client can keep others out, and how it ends. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tui/app/metrics_server.h"

#define ANSWER_MAX (64 * 1024)

static struct metrics_server *server_new(const char *where)
{
	struct listen_address address;
	struct metrics_server *server;
	struct error err = {0};

	assert_int_equal(listen_parse(where, &address, NULL), 0);
	if (metrics_server_start(&address, &server, &err))
		fail_msg("%s", err.text);
	return server;
}

static uint16_t port_of(const struct metrics_server *server)
{
	return (uint16_t)strtoul(strrchr(metrics_server_url(server), ':') + 1, NULL, 10);
}

/* Nobody waits for ever here. */
static int client_connect(const struct metrics_server *server)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	                         .sin_port = htons(port_of(server))};
	const struct timeval patience = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The whole answer to a request, head and all; -1: none came. */
static ssize_t ask(const struct metrics_server *server, const char *request, char *out)
{
	int fd = client_connect(server);
	ssize_t size = 0, got;

	if (fd < 0)
		return -1;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
		close(fd);
		return -1;
	}
	while (size < ANSWER_MAX - 1 && (got = recv(fd, out + size, ANSWER_MAX - 1 - size, 0)) > 0)
		size += got;
	out[size] = '\0';
	close(fd);
	return size ? size : -1;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void assert_answer(const struct metrics_server *server, const char *request, int status,
                          const char *part)
{
	static char answer[ANSWER_MAX];
	char begin[32];

	snprintf(begin, sizeof(begin), "HTTP/1.1 %d ", status);
	assert_true(ask(server, request, answer) > 0);
	if (strncmp(answer, begin, strlen(begin)) != 0 || !strstr(answer, part))
		fail_msg("%s was answered: %s", request, answer);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A document that says which one it is. */
static void document_publish(struct metrics_server *server, const char *version)
{
	const struct snapshot_context context = {.tool_version = version};

	assert_int_equal(metrics_server_update(server, NULL, &context), 0);
}

/* ---- answers ------------------------------------------------------------------------- */

static void test_answers(void **state)
{
	struct metrics_server *server = server_new("0");
	char answer[ANSWER_MAX];

	(void)state;
	assert_int_equal(strncmp(metrics_server_url(server), "http://127.0.0.1:", 17), 0);
	assert_non_null(strstr(metrics_server_url(server), "/metrics"));
	assert_int_not_equal(port_of(server), 0);
	/* From the first moment. */
	assert_answer(server, GET("/metrics"), 200, "gomaptop_build_info{version=\"");
	assert_answer(server, GET("/metrics"), 200,
	              "\r\nContent-Type: application/openmetrics-text; version=1.0.0; "
	              "charset=utf-8\r\n");
	assert_answer(server, GET("/metrics?a=b"), 200, "\n# EOF\n");
	document_publish(server, "seventh");
	assert_answer(server, GET("/metrics"), 200, "gomaptop_build_info{version=\"seventh\"} 1\n");
	assert_answer(server, GET("/"), 404, "/metrics");
	assert_answer(server, GET("/metrics/"), 404, "/metrics");
	assert_answer(server, GET("/../etc/passwd"), 404, "/metrics");
	assert_answer(server, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
	              405, "\r\nAllow: GET, HEAD\r\n");
	assert_answer(server, "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "Allow");
	assert_true(ask(server, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", answer) > 0);
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n"); /* and no body */
	metrics_server_stop(server);
}

static void test_requests_that_make_no_sense(void **state)
{
	static const char *const requests[] = {"\r\n\r\n", "x", "GET\r\n\r\n", "\x16\x03\x01\x02",
	                                       "GET /metrics HTTP/9.9\r\n\r\n"};
	struct metrics_server *server = server_new("0");
	char *large = malloc(1 << 20), answer[ANSWER_MAX];
	int fd;

	(void)state;
	assert_non_null(large);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		fd = client_connect(server);
		assert_true(send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL) > 0);
		close(fd);
	}
	memset(large, 'x', 1 << 20);
	memcpy(large, "GET /metrics HTTP/1.1\r\nX: ", 26);
	large[(1 << 20) - 1] = '\0';
	/* Too large a head: an answer that says so, or none. */
	if (ask(server, large, answer) > 0 && strncmp(answer, "HTTP/1.1 4", 10) != 0 &&
	    strncmp(answer, "HTTP/1.1 5", 10) != 0)
		fail_msg("answered: %s", answer);
	assert_answer(server, GET("/metrics"), 200, "# EOF\n");
	free(large);
	metrics_server_stop(server);
}

/* ---- addresses ----------------------------------------------------------------------- */

static void test_port_in_use(void **state)
{
	struct metrics_server *server = server_new("0"), *other;
	struct listen_address address;
	struct error err = {0};
	char where[64];

	(void)state;
	snprintf(where, sizeof(where), "127.0.0.1:%u", port_of(server));
	assert_int_equal(listen_parse(where, &address, NULL), 0);
	assert_int_equal(metrics_server_start(&address, &other, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, where));
	assert_non_null(strstr(err.text, "another port"));
	metrics_server_stop(server);
	/* Free again at once. */
	assert_int_equal(metrics_server_start(&address, &other, &err), 0);
	assert_answer(other, GET("/metrics"), 200, "# EOF\n");
	metrics_server_stop(other);
}

static void test_address_of_others(void **state)
{
	struct listen_address address;
	struct metrics_server *server;
	struct error err = {0};

	(void)state;
	/* For documentation, by RFC 5737: nobody has it. */
	assert_int_equal(listen_parse("192.0.2.1:0", &address, NULL), 0);
	assert_int_equal(metrics_server_start(&address, &server, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "192.0.2.1:0"));
	assert_non_null(strstr(err.text, "address of this machine"));
}

static void test_six(void **state)
{
	struct listen_address address;
	struct metrics_server *server;
	struct error err = {0};
	int rc;

	(void)state;
	assert_int_equal(listen_parse("[::1]:0", &address, NULL), 0);
	rc = metrics_server_start(&address, &server, &err);
	if (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)
		skip(); /* no IPv6 here */
	assert_int_equal(rc, 0);
	assert_int_equal(strncmp(metrics_server_url(server), "http://[::1]:", 13), 0);
	metrics_server_stop(server);
	metrics_server_stop(NULL);
}

/* ---- clients that do not behave ------------------------------------------------------ */

/* As many as there is room for: silent ones, and some that stop within a request. */
static void clients_stick(const struct metrics_server *server, int *fds)
{
	for (int i = 0; i < METRICS_CLIENTS_MAX; i++) {
		const char *said = i % 2 ? "GET /met" : "";

		fds[i] = client_connect(server);
		assert_true(fds[i] >= 0);
		assert_true(send(fds[i], said, strlen(said), MSG_NOSIGNAL) >= 0);
	}
}

static void test_stuck_clients(void **state)
{
	struct metrics_server *server = server_new("0");
	int fds[METRICS_CLIENTS_MAX];
	double began = seconds_now();

	(void)state;
	clients_stick(server, fds);
	for (int i = 0; i < 1000; i++)
		document_publish(server, i % 2 ? "odd" : "even");
	assert_true(seconds_now() - began < 2); /* far from one client's patience */
	/* There is room for one more, at once. */
	assert_answer(server, GET("/metrics"), 200, "version=\"odd\"");
	assert_true(seconds_now() - began < 3);
	for (int i = 0; i < METRICS_CLIENTS_MAX; i++)
		close(fds[i]);
	metrics_server_stop(server);
}

/* Clients that send a byte of a request now and then, and come again when they are shut down. */
struct drippers {
	const struct metrics_server *server;
	size_t count;
	unsigned int period_ms;
	atomic_size_t shut; /* how often one was shut down */
	atomic_bool over;
};

static void *drippers_run(void *ctx)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\nX-Padding: ";
	struct drippers *d = ctx;
	struct {
		int fd;
		size_t sent;
	} *clients = calloc(d->count, sizeof(*clients));

	for (size_t i = 0; i < d->count; i++)
		clients[i].fd = -1;
	while (!atomic_load(&d->over)) {
		for (size_t i = 0; i < d->count; i++) {
			size_t at = clients[i].sent++ % (sizeof(request) - 1);
			char end;

			if (clients[i].fd >= 0 &&
			    (recv(clients[i].fd, &end, 1, MSG_DONTWAIT) == 0 ||
			     send(clients[i].fd, request + at, 1, MSG_NOSIGNAL) < 0)) {
				close(clients[i].fd);
				clients[i].fd = -1;
				atomic_fetch_add(&d->shut, 1);
			}
			if (clients[i].fd < 0) {
				clients[i].fd = client_connect(d->server);
				clients[i].sent = 0;
			}
		}
		usleep(d->period_ms * 1000);
	}
	for (size_t i = 0; i < d->count; i++)
		close(clients[i].fd);
	free(clients);
	return NULL;
}

/* Twelve scrapes, all answered soon. */
static void scrapes_succeed(size_t count, unsigned int period_ms, double *seconds)
{
	struct drippers drippers = {
	        .server = server_new("0"), .count = count, .period_ms = period_ms};
	pthread_t thread;
	double began = seconds_now();

	assert_int_equal(pthread_create(&thread, NULL, drippers_run, &drippers), 0);
	usleep(500000);
	for (int i = 0; i < 12; i++) {
		double asked = seconds_now();

		assert_answer((struct metrics_server *)drippers.server, GET("/metrics"), 200,
		              "# EOF\n");
		assert_true(seconds_now() - asked < 3);
		usleep((unsigned int)(*seconds * 1e6 / 12));
	}
	*seconds = seconds_now() - began;
	atomic_store(&drippers.over, true);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&drippers.shut) >= count / 2);
	metrics_server_stop((struct metrics_server *)drippers.server);
}

static void test_dripping_clients(void **state)
{
	double seconds = METRICS_CLIENT_SECONDS + 2; /* that their deadline passes, once */

	(void)state;
	scrapes_succeed(16, 500, &seconds);
	seconds = 3;
	scrapes_succeed(200, 500, &seconds);
}

/* One that is never silent has no more time than one that is. */
static void test_deadline(void **state)
{
	struct metrics_server *server = server_new("0");
	int fd = client_connect(server);
	double began = seconds_now();
	char byte;

	(void)state;
	while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN &&
	       seconds_now() - began < 2 * METRICS_CLIENT_SECONDS) {
		send(fd, "G", 1, MSG_NOSIGNAL);
		usleep(200000);
	}
	assert_true(seconds_now() - began > METRICS_CLIENT_SECONDS - 1);
	assert_true(seconds_now() - began < METRICS_CLIENT_SECONDS + 2);
	close(fd);
	metrics_server_stop(server);
}

/* ---- a unix socket ------------------------------------------------------------------- */

static int local_connect(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void assert_local_answer(const char *path)
{
	static char answer[ANSWER_MAX];
	int fd = local_connect(path);
	size_t size = 0;
	ssize_t got;

	assert_true(fd >= 0);
	assert_true(send(fd, "GET /metrics HTTP/1.0\r\n\r\n", 25, MSG_NOSIGNAL) == 25);
	while ((got = recv(fd, answer + size, sizeof(answer) - 1 - size, 0)) > 0)
		size += (size_t)got;
	answer[size] = '\0';
	close(fd);
	assert_int_equal(strncmp(answer, "HTTP/1.", 7), 0);
	assert_non_null(strstr(answer, "# EOF\n"));
}

static int local_start(const char *where, struct metrics_server **out, struct error *err)
{
	struct listen_address address;

	assert_int_equal(listen_parse(where, &address, NULL), 0);
	return metrics_server_start(&address, out, err);
}

static void test_unix_socket(void **state)
{
	char folder[] = "/tmp/test_metrics_XXXXXX", path[64], where[128];
	struct metrics_server *server, *other;
	struct error err = {0};
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	snprintf(where, sizeof(where), "unix:%s", path);
	umask(0);
	assert_int_equal(local_start(where, &server, &err), 0);
	assert_string_equal(metrics_server_url(server), where);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_local_answer(path);
	assert_local_answer(path);
	/* In use, by this very process: not taken away. */
	assert_int_equal(local_start(where, &other, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another process listens there"));
	assert_local_answer(path);
	metrics_server_stop(server);
	assert_int_equal(access(path, F_OK), -1);

	/* A stale one is replaced; one of another user is not; nor is a file. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 12345), 0);
		assert_int_equal(local_start(where, &server, &err), -EADDRINUSE);
		assert_int_equal(access(path, F_OK), 0);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	umask(077);
	snprintf(where, sizeof(where), "unix:%s,mode=0660", path);
	assert_int_equal(local_start(where, &server, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_local_answer(path);
	/* Taken away meanwhile, and something else is there: that stays. */
	unlink(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	metrics_server_stop(server);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(local_start(where, &server, &err), -EEXIST);
	assert_non_null(strstr(err.text, "not a socket"));
	unlink(path);
	assert_int_equal(local_start("unix:/nonexistent/sock", &server, &err), -ENOENT);
	assert_non_null(strstr(err.text, "make the folder first"));
	umask(022);
	assert_int_equal(rmdir(folder), 0);
}

static void test_stop_with_clients(void **state)
{
	struct metrics_server *server = server_new("0");
	int fds[METRICS_CLIENTS_MAX];
	double began;

	(void)state;
	clients_stick(server, fds);
	began = seconds_now();
	metrics_server_stop(server);
	assert_true(seconds_now() - began < 1);
	for (int i = 0; i < METRICS_CLIENTS_MAX; i++)
		close(fds[i]);
}

/* ---- threads ------------------------------------------------------------------------- */

struct readers {
	struct metrics_server *server;
	atomic_int whole, broken;
	atomic_bool over;
};

static void *reader_run(void *ctx)
{
	struct readers *readers = ctx;
	char *answer = malloc(ANSWER_MAX);

	while (answer && !atomic_load(&readers->over)) {
		ssize_t size = ask(readers->server, GET("/metrics"), answer);

		if (size > 6 && strcmp(answer + size - 6, "# EOF\n") == 0)
			atomic_fetch_add(&readers->whole, 1);
		else
			atomic_fetch_add(&readers->broken, 1);
	}
	free(answer);
	return NULL;
}

/* Documents come and go while they are sent: every one arrives whole. */
static void test_update_while_serving(void **state)
{
	struct readers readers = {.server = server_new("0")};
	pthread_t threads[2];
	double began = seconds_now();

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readers), 0);
	while (seconds_now() - began < 0.5 || atomic_load(&readers.whole) < 20) {
		document_publish(readers.server, "again");
		if (seconds_now() - began > 20)
			break;
	}
	atomic_store(&readers.over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&readers.whole) >= 20);
	assert_int_equal(atomic_load(&readers.broken), 0);
	metrics_server_stop(readers.server);
}

/* Signals of a thread of this process that are blocked. */
static uint64_t signals_blocked(const char *thread)
{
	uint64_t blocked = 0;
	char path[300], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "SigBlk:", 7) == 0)
			blocked = strtoull(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return blocked;
}

/* Those that end gomaptop are for the thread that owns the session; and that thread's own mask is
 * as it was. */
static void test_signals(void **state)
{
	const uint64_t ending = 1ULL << (SIGTERM - 1) | 1ULL << (SIGINT - 1) | 1ULL << (SIGHUP - 1);
	struct metrics_server *server = server_new("0");
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	int others = 0;

	(void)state;
	/* A thread that is only being made has its signals blocked by the C library. */
	assert_answer(server, GET("/metrics"), 200, "# EOF\n");
	while ((entry = readdir(folder))) {
		bool own = atoi(entry->d_name) == getpid();

		if (entry->d_name[0] == '.')
			continue;
		if (own)
			assert_int_equal(signals_blocked(entry->d_name) & ending, 0);
		else if (signals_blocked(entry->d_name) & ending)
			others++;
	}
	closedir(folder);
	assert_true(others >= 1);
	metrics_server_stop(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_answers),
	        cmocka_unit_test(test_requests_that_make_no_sense),
	        cmocka_unit_test(test_port_in_use),
	        cmocka_unit_test(test_address_of_others),
	        cmocka_unit_test(test_six),
	        cmocka_unit_test(test_stuck_clients),
	        cmocka_unit_test(test_dripping_clients),
	        cmocka_unit_test(test_deadline),
	        cmocka_unit_test(test_unix_socket),
	        cmocka_unit_test(test_stop_with_clients),
	        cmocka_unit_test(test_update_while_serving),
	        cmocka_unit_test(test_signals),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

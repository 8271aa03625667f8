/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* reallocarray() */
#include "core/process/socket_ends.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#define ROWS_MAX 262144 /* of all tables: a second's work */
#define PORTS    65536

/* include/net/tcp_states.h: the other end was there when the connection got there. */
#define STATE_ESTABLISHED 1
#define STATE_CLOSE_WAIT  8

/* An address as the table has it, words of hexadecimal digits; of IPv4 as IPv6 has it (::ffff:). */
struct place {
	uint32_t address[4];
	uint32_t port;
};

struct row {
	struct place local, remote;
	uint64_t inode; /* 0: nobody has it yet, or any more */
	bool udp;
	uint8_t state;
};

struct unix_end {
	uint64_t inode; /* first: socket_ends_order() */
	uint64_t peer;
};

struct socket_ends {
	struct row *rows; /* by row_order() */
	size_t row_count, row_room;
	const struct row **own; /* rows of the process's sockets, by inode */
	size_t own_count;
	struct unix_end *unix_ends; /* by inode */
	size_t unix_count;
};

int socket_ends_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool inode_among(uint64_t inode, const uint64_t *inodes, size_t count)
{
	return count && bsearch(&inode, inodes, count, sizeof(*inodes), socket_ends_order);
}

/* ---- tables -------------------------------------------------------------------------------- */

/* "0100007F:1F90", or four words in place of the one. */
static const char *place_read(const char *text, struct place *out)
{
	size_t words = strspn(text, "0123456789ABCDEF") / 8;
	char digits[9] = "", *end;

	if (words != 1 && words != 4)
		return NULL;
	*out = (struct place){0};
	for (size_t i = 0; i < words; i++, text += 8) {
		memcpy(digits, text, 8);
		out->address[4 - words + i] = strtoul(digits, NULL, 16);
	}
	if (words == 1) { /* as IPv6's table prints it */
		union {
			uint8_t bytes[4];
			uint32_t word;
		} mapped = {{0, 0, 0xff, 0xff}};

		out->address[2] = mapped.word;
	}
	if (*text != ':')
		return NULL;
	out->port = strtoul(text + 1, &end, 16);
	return *end == ' ' ? end + 1 : NULL;
}

/* "  0: LOCAL REMOTE STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE ...": net/ipv4/tcp_ipv4.c,
 * tcp4_seq_show(), and its relatives. */
static bool row_read(const char *line, bool udp, struct row *out)
{
	const char *at = strchr(line, ':');
	unsigned int state;

	*out = (struct row){.udp = udp};
	if (!at || at[1] != ' ')
		return false;
	at = place_read(at + 2, &out->local);
	at = at ? place_read(at, &out->remote) : NULL;
	if (!at || sscanf(at, "%x %*s %*s %*s %*u %*d %" SCNu64, &state, &out->inode) != 2)
		return false;
	out->state = (uint8_t)state;
	return true;
}

static int row_add(struct socket_ends *ends, const struct row *row)
{
	size_t wanted = ends->row_room ? ends->row_room * 2 : 256;
	struct row *grown;

	if (ends->row_count == ROWS_MAX)
		return -E2BIG;
	if (ends->row_count == ends->row_room) {
		grown = reallocarray(ends->rows, wanted, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		ends->rows = grown;
		ends->row_room = wanted;
	}
	ends->rows[ends->row_count++] = *row;
	return 0;
}

static int table_read(struct socket_ends *ends, pid_t pid, const char *name, bool udp)
{
	char path[64], line[512];
	struct row row;
	int rc = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (rc == 0 && fgets(line, sizeof(line), file)) {
		if (row_read(line, udp, &row))
			rc = row_add(ends, &row);
	}
	fclose(file);
	return rc;
}

static int row_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = x->udp - y->udp;

	if (order == 0)
		order = memcmp(&x->local, &y->local, sizeof(x->local));
	return order ? order : memcmp(&x->remote, &y->remote, sizeof(x->remote));
}

static int own_order(const void *a, const void *b)
{
	return socket_ends_order(&(*(const struct row *const *)a)->inode,
	                         &(*(const struct row *const *)b)->inode);
}

static int own_find(struct socket_ends *ends, const uint64_t *inodes, size_t count)
{
	if (!ends->row_count)
		return 0;
	qsort(ends->rows, ends->row_count, sizeof(*ends->rows), row_order);
	ends->own = calloc(ends->row_count, sizeof(*ends->own));
	if (!ends->own)
		return -ENOMEM;
	for (size_t i = 0; i < ends->row_count; i++) {
		if (inode_among(ends->rows[i].inode, inodes, count))
			ends->own[ends->own_count++] = &ends->rows[i];
	}
	qsort(ends->own, ends->own_count, sizeof(*ends->own), own_order);
	return 0;
}

/* The first of the own rows that have this inode, or own_count. */
static size_t own_first(const struct socket_ends *ends, uint64_t inode)
{
	size_t low = 0, high = ends->own_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ends->own[middle]->inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ends->own_count && ends->own[low]->inode == inode ? low : ends->own_count;
}

/* ---- TCP and UDP --------------------------------------------------------------------------- */

/* 127.0.0.0/8, ::1, or the socket's own address: the other end is on this machine. */
static bool is_here(const struct row *row)
{
	const uint8_t *bytes = (const uint8_t *)row->remote.address;
	static const uint8_t one[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(row->local.address, row->remote.address, sizeof(row->local.address)) == 0 ||
	       memcmp(bytes, one, sizeof(one)) == 0 ||
	       (memcmp(bytes, mapped, sizeof(mapped)) == 0 && bytes[12] == 127);
}

/* The other end of a connection has the same pair of addresses, the other way round. */
static bool tcp_outside(const struct socket_ends *ends, const struct row *row, const uint64_t *own,
                        size_t own_count)
{
	struct row mirrored = {.local = row->remote, .remote = row->local};
	const struct row *end = ends->rows + ends->row_count, *at;

	if (row->state != STATE_ESTABLISHED && row->state != STATE_CLOSE_WAIT)
		return false;
	at = bsearch(&mirrored, ends->rows, ends->row_count, sizeof(*at), row_order);
	if (!at)
		return !is_here(row); /* one that is must be in the table */
	while (at > ends->rows && row_order(at - 1, &mirrored) == 0)
		at--;
	for (; at < end && row_order(at, &mirrored) == 0; at++) {
		if (!at->inode || inode_among(at->inode, own, own_count))
			return false;
	}
	return true;
}

/* Whatever the address is (there are wildcards and groups): no own socket has the port. */
static bool udp_outside(const struct socket_ends *ends, const struct row *row)
{
	if (row->state != STATE_ESTABLISHED || !row->remote.port)
		return false;
	for (size_t i = 0; i < ends->own_count; i++) {
		if (ends->own[i]->udp && ends->own[i]->local.port == row->remote.port)
			return false;
	}
	return true;
}

/* ---- unix sockets -------------------------------------------------------------------------- */

struct unix_request {
	struct nlmsghdr header;
	struct unix_diag_req body;
};

/* The inode of the other end; 0: there is none, or it is nobody's. */
static uint64_t peer_of_answer(struct nlmsghdr *header, size_t length)
{
	struct unix_diag_msg *answer = NLMSG_DATA(header);
	uint32_t peer = 0;
	struct rtattr *attribute;
	int left;

	if (!NLMSG_OK(header, length) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*answer)))
		return 0;
	attribute = (struct rtattr *)(answer + 1);
	left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*answer)));
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(attribute) >= sizeof(peer))
			memcpy(&peer, RTA_DATA(attribute), sizeof(peer));
	}
	return peer;
}

static uint64_t unix_peer(int kernel, uint64_t inode)
{
	struct unix_request request = {
	        .header = {.nlmsg_len = sizeof(request),
	                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	                   .nlmsg_flags = NLM_F_REQUEST},
	        .body = {.sdiag_family = AF_UNIX,
	                 .udiag_states = ~0u,
	                 .udiag_ino = (uint32_t)inode,
	                 .udiag_show = UDIAG_SHOW_PEER,
	                 .udiag_cookie = {~0u, ~0u}}, /* INET_DIAG_NOCOOKIE: any */
	};
	union {
		struct nlmsghdr header;
		char bytes[1024];
	} answer;
	ssize_t length;

	if (inode > UINT32_MAX || send(kernel, &request, sizeof(request), 0) < 0)
		return 0;
	length = recv(kernel, &answer, sizeof(answer), MSG_DONTWAIT); /* it is there already */
	return length < 0 ? 0 : peer_of_answer(&answer.header, (size_t)length);
}

/* Is the process in this thread's network namespace? */
static bool same_network(pid_t pid)
{
	char path[64], own[64], other[64];
	ssize_t own_length = readlink("/proc/thread-self/ns/net", own, sizeof(own)), length;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	length = readlink(path, other, sizeof(other));
	return length > 0 && length == own_length && memcmp(own, other, (size_t)length) == 0;
}

static int unix_read(struct socket_ends *ends, pid_t pid, const uint64_t *inodes, size_t count)
{
	int kernel;

	if (!count || !same_network(pid))
		return 0;
	ends->unix_ends = calloc(count, sizeof(*ends->unix_ends));
	if (!ends->unix_ends)
		return -ENOMEM;
	kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (kernel < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t peer = 0;

		if (own_first(ends, inodes[i]) == ends->own_count)
			peer = unix_peer(kernel, inodes[i]);
		if (peer)
			ends->unix_ends[ends->unix_count++] = (struct unix_end){inodes[i], peer};
	}
	close(kernel);
	return 0;
}

/* ---- all ----------------------------------------------------------------------------------- */

int socket_ends_read(pid_t pid, const uint64_t *inodes, size_t count, struct socket_ends **out)
{
	static const struct {
		const char *name;
		bool udp;
	} tables[] = {{"tcp", false}, {"tcp6", false}, {"udp", true}, {"udp6", true}};
	struct socket_ends *ends = calloc(1, sizeof(*ends));
	int rc = ends ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && count && i < sizeof(tables) / sizeof(tables[0]); i++)
		rc = table_read(ends, pid, tables[i].name, tables[i].udp);
	if (rc == 0)
		rc = own_find(ends, inodes, count);
	if (rc == 0)
		rc = unix_read(ends, pid, inodes, count);
	if (rc) {
		socket_ends_free(ends);
		ends = NULL;
	}
	*out = ends;
	return rc;
}

void socket_ends_free(struct socket_ends *ends)
{
	if (!ends)
		return;
	free(ends->rows);
	free(ends->own);
	free(ends->unix_ends);
	free(ends);
}

bool socket_ends_outside(const struct socket_ends *ends, uint64_t inode, const uint64_t *own,
                         size_t own_count)
{
	size_t at = own_first(ends, inode);
	const struct unix_end *end = NULL;

	if (at == ends->own_count) {
		if (ends->unix_count)
			end = bsearch(&inode, ends->unix_ends, ends->unix_count,
			              sizeof(*ends->unix_ends), socket_ends_order);
		return end && !inode_among(end->peer, own, own_count);
	}
	/* Some kinds have several rows (MPTCP). */
	for (; at < ends->own_count && ends->own[at]->inode == inode; at++) {
		if (ends->own[at]->udp ? !udp_outside(ends, ends->own[at])
		                       : !tcp_outside(ends, ends->own[at], own, own_count))
			return false;
	}
	return true;
}

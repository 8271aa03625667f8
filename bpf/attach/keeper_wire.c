/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */
#include "bpf/attach/keeper_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static struct msghdr message(struct iovec *byte, union control *control)
{
	return (struct msghdr){.msg_iov = byte,
	                       .msg_iovlen = 1,
	                       .msg_control = control->room,
	                       .msg_controllen = sizeof(control->room)};
}

int keeper_wire_send(int socket, int fd)
{
	char byte = 0;
	struct iovec iov = {&byte, 1};
	union control control = {0};
	struct msghdr m = message(&iov, &control);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t sent;

	if (fd < 0) {
		m.msg_control = NULL;
		m.msg_controllen = 0;
	} else {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int keeper_wire_receive(int socket, int *fd)
{
	char byte;
	struct iovec iov = {&byte, 1};
	union control control = {0};
	struct msghdr m = message(&iov, &control);
	struct cmsghdr *c;
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? -errno : -EPIPE;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return 0;
}

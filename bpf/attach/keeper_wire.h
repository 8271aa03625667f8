/* SPDX-License-Identifier: MIT */
/*
 * keeper_wire: one byte through a lane's socket, and a descriptor with it where there is one.
 */
#ifndef GOMAPTOP_BPF_KEEPER_WIRE_H
#define GOMAPTOP_BPF_KEEPER_WIRE_H

/* fd: -1 for none; it stays the caller's. 0 or -errno; -EPIPE: the other end is closed. */
int keeper_wire_send(int socket, int fd);

/* Waits. *fd is the caller's from now on, -1: none came along. 0, -EPIPE or -errno. */
int keeper_wire_receive(int socket, int *fd);

#endif

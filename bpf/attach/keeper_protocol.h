/* SPDX-License-Identifier: MIT */
/*
 * keeper_protocol: what gomaptop and its keeper process (link_keeper.h) share.
 *
 * One region of memory, mapped before the fork, and a few lanes: pairs of sockets. A request is
 * written into the lane's part of the memory; one byte through the socket says that it is there,
 * and carries descriptors; one byte back says that the answer is there. A lane serves one thread of
 * gomaptop at a time, and has a thread of its own in the keeper: that a probe takes long to go
 * delays no other request.
 */
#ifndef GOMAPTOP_BPF_KEEPER_PROTOCOL_H
#define GOMAPTOP_BPF_KEEPER_PROTOCOL_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/attach/link_keeper.h"
#include "bpf/attach/probe_link.h"
#include "core/base/file_identity.h"

#define KEEPER_LANES      4
#define KEEPER_POINTS_MAX 16384 /* of one request */

#define KEEPER_BEAT_NS     500000000ULL   /* the governor is not running after this silence */
#define KEEPER_ROUND_MS    50             /* how often the keeper looks at heartbeat and files */
#define KEEPER_SILENT_NS   1500000000ULL  /* the keeper is not running after this silence */
#define KEEPER_STARTING_NS 20000000000ULL /* the same before anything is governed */

enum keeper_op {
	KEEPER_PROGRAM,     /* descriptor: the BPF program of all probes to come */
	KEEPER_FILE_ADD,    /* descriptor: an executable; identity, file. Answer: its index */
	KEEPER_FILE_REMOVE, /* file */
	KEEPER_RUNNER,      /* descriptor: pidfd of a process that runs the file; pid */
	KEEPER_OPEN,        /* file, pid, mode, points. Answer: how many are in place; handle */
	KEEPER_CLOSE,       /* handles */
	KEEPER_DROP,        /* all links */
};

struct keeper_request {
	enum keeper_op op;
	int32_t answer; /* as the functions of link_keeper.h return it */
	int32_t file;
	pid_t pid;
	enum probe_link_mode mode;
	uint32_t count; /* of points, or of handles */
	link_handle handle;
	struct file_identity identity;
	union {
		struct probe_point points[KEEPER_POINTS_MAX];
		link_handle handles[KEEPER_POINTS_MAX];
	};
};

struct keeper_shared {
	atomic_ullong beat_ns; /* CLOCK_MONOTONIC of the governor's last sign; 0: not yet */
	atomic_ullong kept_ns; /* of the keeper's last sign */
	atomic_uint drops;     /* how often all links were let go */
	atomic_uint paused;    /* 1: no probe goes in */
	atomic_uint confines;  /* 1: a link can be confined to one process, all its threads */
	atomic_uint files[LINK_KEEPER_FILES]; /* enum link_file_state */
	atomic_uint gone[LINK_KEEPER_FILES];  /* how often all links of that file were let go */
	struct keeper_request lanes[KEEPER_LANES];
};

/* The keeper process: serves the lanes until the first of them is closed at the other end, and does
 * not return. After fork(), in the child. */
_Noreturn void keeper_process_run(struct keeper_shared *shared, const int sockets[KEEPER_LANES]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * error_stream: a standard error that never keeps its writers waiting.
 *
 * The governor keeps the cost limit, and the collector counts what is lost: neither may wait until
 * a stopped terminal or a full pipe takes a line. After error_stream_open() `stderr` is a stream
 * that hands each message to a writer (core/base/writer.h). Messages that find no room are left
 * out, counted, and told of as soon as there is room.
 */
#ifndef GOMAPTOP_CORE_ERROR_STREAM_H
#define GOMAPTOP_CORE_ERROR_STREAM_H

/* Once, before there are other threads. Without memory or threads stderr stays what it is. At exit
 * the stream is drained for as long as it takes data, and a second longer. */
void error_stream_open(void);

#endif

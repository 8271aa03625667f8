#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A file system that answers until it is told to hang, as a network mount whose server is gone.

    tests/live/hung_mount.py FILE FOLDER

Mounts a file system with one file, `program`, a copy of FILE, at FOLDER (needs root and /dev/fuse);
prints "mounted" and serves it. After a line on standard input it reads requests and answers none:
whoever opens the file waits for ever. At the end of its standard input it unmounts and ends.

Without caches, so that each open and read asks the server (linux/fuse.h has the messages).
"""
import ctypes
import os
import select
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, INTERRUPT, BATCH_FORGET = (
    1, 2, 3, 14, 15, 18, 25, 26, 36, 42)
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT, PROGRAM = 1, 2     # node ids
ENOENT, ENOSYS = 2, 38
DIRECT = 1               # FOPEN_DIRECT_IO
MNT_DETACH = 2
REQUEST_MAX = 1 << 17

libc = ctypes.CDLL(None, use_errno=True)


class Server:
    def __init__(self, content):
        self.content = content
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        self.mute = False

    def attributes(self, node):
        mode, size = (0o40755, 0) if node == ROOT else (0o100755, len(self.content))
        return struct.pack("<6Q10I", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1,
                           0, 0, 0, 4096, 0)

    def answer(self, kind, node, body):
        """The answer's body, or an error number."""
        if kind == INIT:
            major, minor = struct.unpack_from("<II", body)
            return struct.pack("<4I2H2I2H8I", major, min(minor, 31), 65536, 0, 8, 8, 65536, 1, 0,
                               0, *[0] * 8)
        if kind == LOOKUP:
            if body.rstrip(b"\0") != b"program":
                return ENOENT
            return struct.pack("<4Q2I", PROGRAM, 0, 0, 0, 0, 0) + self.attributes(PROGRAM)
        if kind == GETATTR:
            return struct.pack("<Q2I", 0, 0, 0) + self.attributes(node)
        if kind == OPEN:
            return struct.pack("<Q2I", 0, 0, 0)
        if kind == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.content[offset:offset + size]
        return b"" if kind in (RELEASE, FLUSH) else ENOSYS

    def serve_one(self):
        request = os.read(self.fd, REQUEST_MAX)
        _, kind, unique, node = struct.unpack_from("<IIQQ", request)
        if self.mute or kind in UNANSWERED:
            return
        answer = self.answer(kind, node, request[40:])
        body = answer if isinstance(answer, bytes) else b""
        error = 0 if isinstance(answer, bytes) else -answer
        os.write(self.fd, struct.pack("<IiQ", 16 + len(body), error, unique) + body)

    def serve(self):
        while True:
            for fd in select.select([self.fd, 0], [], [])[0]:
                if fd == self.fd:
                    self.serve_one()
                elif not os.read(0, 100):
                    return
                else:
                    self.mute = True
                    print("hung", flush=True)


def main():
    path, folder = sys.argv[1:]
    with open(path, "rb") as file:
        server = Server(file.read())
    options = f"fd={server.fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"hung", os.fsencode(folder), b"fuse", 0, options.encode()):
        error = ctypes.get_errno()
        sys.exit(f"cannot mount: {os.strerror(error)}")
    print("mounted", flush=True)
    try:
        server.serve()
    finally:
        os.close(server.fd)      # who waits gets an error from now on
        libc.umount2(os.fsencode(folder), MNT_DETACH)


if __name__ == "__main__":
    main()

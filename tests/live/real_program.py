# SPDX-License-Identifier: MIT
"""A published program that runs on loopback with its data in a folder of its own, and what its
clients have in common. What a client asks has one right answer, and every answer is compared.
"""
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Wrong(AssertionError):
    """An answer that is not the right one."""


class NotHere(Exception):
    """The program cannot be fetched here; the text says why."""


def expect(seen, wanted, what):
    if seen != wanted:
        raise Wrong(f"{what}: {str(seen)[:300]!r} instead of {str(wanted)[:300]!r}")


def expect_in(wanted, seen, what):
    if wanted not in seen:
        raise Wrong(f"{what}: no {wanted!r} in {str(seen)[:300]!r}")


def fetch(registry, name, last):
    """Folder of ("debian", suite, package) or ("npm", name, version)."""
    run = subprocess.run([os.path.join(HERE, "fetch-program"), registry, name, last],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise NotHere((run.stderr.strip().splitlines() or ["fetch-program failed"])[-1])
    return run.stdout.strip()


class Http:
    """One client with a connection that is kept."""

    def __init__(self, port, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.headers = headers or {}

    def ask(self, method, path, body=None, status=200, headers=None):
        """The body of an answer, as text."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        self.connection.request(method, path, body, dict(self.headers, **(headers or {})))
        answer = self.connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.status != status:
            raise Wrong(f"{method} {path}: status {answer.status}: {text[:200]}")
        return text

    def get(self, path):
        return self.ask("GET", path)

    def get_json(self, path):
        return json.loads(self.ask("GET", path))

    def post_json(self, path, body):
        return json.loads(self.ask("POST", path, body))

    def close(self):
        self.connection.close()


class Program:
    """What every program needs; a subclass a program.

    source: where it is from, path: the executable in the package, libraries: sources of shared
    libraries that it needs. prepare() writes what it needs
    into self.work, command() starts it, client(number) makes what request(client, number, n) uses
    for request n of client `number`. clients: how many ask at a time."""
    source, path, libraries, clients = (), "", (), 2
    type_endings = ()      # (part of a function, end of the type of all maps first used there)
    known_conflicts = ()   # (function, function) of faults that the program is known to have

    def __init__(self):
        self.exe = os.path.join(fetch(*self.source), self.path)
        self.library_path = ":".join(os.path.join(fetch(*library), "usr/lib/x86_64-linux-gnu")
                                     for library in self.libraries)
        self.process = None
        self.stack = contextlib.ExitStack()
        self.work = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="gomaptop-real-"))
        self.port, self.port2 = self.free_ports(2)
        self.log = None

    @staticmethod
    def free_ports(count):
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            return [one.getsockname()[1] for one in sockets]

    def file(self, name, text):
        path = os.path.join(self.work, name)
        part = os.path.join(self.work, "part")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(part, "w", encoding="utf-8") as out:
            out.write(text)
        os.replace(part, path)   # who reads it meanwhile gets one text or the other
        return path

    def environment(self):
        env = {"PATH": os.environ["PATH"], "HOME": self.work, "LANG": "C.UTF-8"}
        return dict(env, LD_LIBRARY_PATH=self.library_path) if self.library_path else env

    def prepare(self):
        pass

    def command(self):
        raise NotImplementedError

    def client(self, number):  # pylint: disable=unused-argument
        return Http(self.port)

    def request(self, client, number, n):
        raise NotImplementedError

    def pipes(self):
        """Where its standard input and output go."""
        return {"stdin": subprocess.DEVNULL, "stdout": self.log}

    def start(self):
        self.prepare()
        self.log = self.stack.enter_context(open(os.path.join(self.work, "log"), "w+b"))
        self.process = subprocess.Popen(self.command(), cwd=self.work, env=self.environment(),
                                        stderr=self.log, start_new_session=True, **self.pipes())

    def wait_ready(self, timeout=40):
        """Until it gives right answers."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                client = self.client(99)
                self.request(client, 99, 0)
                return client.close()
            except (Wrong, OSError, ValueError, KeyError, http.client.HTTPException) as error:
                if not self.running() or time.monotonic() > deadline:
                    raise RuntimeError(f"it does not answer: {error}; {self.log_end()}") from error
            time.sleep(0.2)

    def running(self):
        return self.process.poll() is None

    def log_end(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-600:]

    def stop(self):
        """Its status when it is asked to end; None: it had to be killed."""
        try:
            if self.running():
                self.process.terminate()
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            status = None
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)   # a group of its own
            self.process.wait()
        self.stack.close()

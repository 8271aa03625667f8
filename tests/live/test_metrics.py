# SPDX-License-Identifier: MIT
"""--listen: what a scraper gets while real processes are watched, and what it cannot do to them."""
import contextlib
import os
import re
import signal
import socket
import stat
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

from harness import (GOMAPTOP, PAIRED, ROOT, SWISS, NotMet, Watching, gomaptop, program, racing,
                     scratch, twin, until_met)

sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests", "screen")]
from openmetrics import CONTENT_TYPE, Document, sums, went_down  # noqa: E402 pylint: disable=C0413
from terminal import Terminal  # noqa: E402 pylint: disable=C0413

PARTS = ("hits_seconds_total", "held_seconds_total", "waiting_seconds_total", "base_seconds_total",
         "budget_ratio", "estimate_ratio", "interval_ratio")
CLIENTS_MAX = 16


def fetch(url, method="GET"):
    """(status, content type, text)."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20) as got:
            return got.status, got.headers["Content-Type"], got.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode("utf-8")


def url_said(watching):
    watching.wait_said("metrics at ")
    return re.search(r"metrics at (http://\S+)\n", watching.error_text())[1]


def address_of(url):
    host, port = re.fullmatch(r"http://(.*):(\d+)/metrics", url).groups()
    return host, int(port)


def listens(pid):
    """Inodes of the TCP sockets on which a process listens."""
    sockets = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            sockets.update(re.findall(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{name}")))
    found = set()
    for kind in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/net/{kind}", encoding="ascii") as f:
            found.update(line.split()[9] for line in f if line.split()[3] == "0A")
    return sockets & found


class Scraper:
    """Each document is held against the format, the sums, and the one before."""

    def __init__(self, test, url):
        self.test, self.url, self.last, self.count = test, url, None, 0

    def scrape(self):
        status, kind, text = fetch(self.url)
        self.test.assertEqual((status, kind), (200, CONTENT_TYPE), text)
        document = Document(text)
        if document.one("gomaptop_watched_seconds_total") is not None:   # it watches already
            self.test.assertEqual(list(sums(document)), [])
            if self.last is not None:
                self.test.assertEqual(went_down(self.last, document), {})
            self.last = document
            self.count += 1
        return document

    def until(self, wanted, seconds):
        """The first document for which wanted(document) is true."""
        end = time.monotonic() + seconds
        while True:
            document = self.scrape()
            if self.last is document and wanted(document):
                return document
            if time.monotonic() > end:
                raise NotMet(f"not seen in {seconds} s of scraping")
            time.sleep(0.2)


class MetricsTest(unittest.TestCase):
    at_once = PAIRED

    def test_conflict(self):
        """A racy program: its conflict, exact sums, counters that only grow, what it costs."""
        def attempt():
            with twin("racy", SWISS) as target, Watching(
                    "-p", target.pid, "--listen", "0", interval="1h") as watching:
                with racing(target):
                    scraper = Scraper(self, url_said(watching))
                    # Two writes may meet before a read and a write do.
                    scraper.until(
                        lambda d: d.sum("gomaptop_conflict_sightings_total", kind="read-write") > 0,
                        60)
                    # Counts come later than conflicts.
                    scraper.until(lambda d: d.sum("gomaptop_goroutines_seen_total") >= 2 and all(
                        d.sum("gomaptop_operations_total", op=op) for op in ("read", "write")), 60)
                    while scraper.count < 5:   # five intervals or so
                        time.sleep(0.5)
                        scraper.until(lambda d: True, 1)
                result = watching.finish()
                return target.pid, scraper.last, result

        pid, last, result = until_met(attempt)
        pid = str(pid)
        self.assertGreater(last.one("gomaptop_conflicts_total", pid=pid), 0)
        self.assertGreater(last.sum("gomaptop_conflict_sightings_total", kind="read-write"), 0)
        self.assertGreater(last.one("gomaptop_map_conflicts_total", pid=pid,
                                    type="map[uint64]uint64"), 0)
        self.assertEqual(last.one("gomaptop_map_verdict", pid=pid, verdict="conflict"), 1)
        self.assertEqual(last.one("gomaptop_maps", verdict="conflict"), 1)
        self.assertEqual(last.one("gomaptop_target_running", pid=pid), 1)
        info = dict(next(iter(last.all("gomaptop_target_info", pid=pid))))
        self.assertEqual((os.path.basename(info["exe"]), info["map_runtime"]), ("twins", "swiss"))
        self.assertRegex(info["go_version"], r"^go1\.")
        for op in ("read", "write"):
            self.assertGreater(last.one("gomaptop_operations_total", pid=pid, op=op), 0)
        self.assertGreaterEqual(last.one("gomaptop_goroutines_seen_total", pid=pid), 2)
        for part in PARTS:
            self.assertIsNotNone(last.one("gomaptop_overhead_" + part), part)
        self.assertGreater(last.one("gomaptop_overhead_hits_seconds_total"), 0)
        self.assertGreater(last.one("gomaptop_target_cpu_seconds_total"), 0)
        self.assertLess(abs(float(last.one("gomaptop_counts_timestamp_seconds")) - time.time()), 60)
        # Reads, writes, ... of those that were hit; order is not always seen.
        self.assertGreaterEqual(
            len(last.all("gomaptop_overhead_hit_seconds", basis="measured")), 4)
        # The same counters, a moment later, as the report has them.
        coverage = result.snapshot["coverage"]
        self.assertEqual(result.status, 3, result)
        self.assertLessEqual(last.one("gomaptop_probe_hits_total"), coverage["hits"])
        self.assertLessEqual(last.sum("gomaptop_conflicts_total"),
                             sum(m["conflicts"] for m in result.snapshot["maps"]))

    def test_what_else_is_asked(self):
        with twin("mutex", SWISS) as target, \
                Watching("-p", target.pid, "--listen", "0") as watching:
            url = url_said(watching)
            status, _, text = fetch(url[:-len("metrics")])
            self.assertEqual((status, "/metrics" in text), (404, True))
            self.assertEqual(fetch(url, "HEAD"), (200, CONTENT_TYPE, ""))
            self.assertEqual(fetch(url, "DELETE")[0], 405)
            # On loopback, that is on this one address, and nowhere else.
            host, port = address_of(url)
            self.assertEqual(host, "127.0.0.1")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port), 5)
            self.assertEqual(len(listens(watching.process.pid)), 1)
            # Nothing more was said than was asked for.
            result = watching.finish()
        self.assertEqual(result.stderr, f"gomaptop: metrics at {url}\n")
        self.assertEqual(result.status, 0)

    def test_off_by_default(self):
        with twin("mutex", SWISS) as target, Watching("-p", target.pid) as watching:
            watching.wait_attached()
            self.assertEqual(listens(watching.process.pid), set())
            with open(f"/proc/{watching.process.pid}/maps", encoding="ascii") as maps:
                self.assertIn("libmicrohttpd", maps.read())   # or listens() proves nothing
            self.assertEqual(watching.finish().stderr, "")

    def test_port_in_use(self):
        """Told of before anything is started or probed; the same with a port that is free says
        nothing."""
        with scratch() as folder, socket.create_server(("127.0.0.1", 0)) as other:
            where = f"127.0.0.1:{other.getsockname()[1]}"
            mark = os.path.join(folder, "started")
            result = gomaptop("-b", "-d", "5", "-v", "--listen", where, "--", "/bin/touch", mark)
            self.assertEqual(result.status, 1, result)
            self.assertEqual(len(result.stderr.strip().splitlines()), 1, result.stderr)
            self.assertIn(where, result.stderr)
            self.assertIn("another port", result.stderr)
            self.assertFalse(os.path.exists(mark))
            other.close()
            with twin("mutex", SWISS) as target:
                result = gomaptop("-b", "-d", "1", "--inconclusive-ok", "--listen", where, "-p",
                                  target.pid)
            self.assertEqual((result.status, result.stderr), (0, ""))

    def test_child_has_no_part_in_it(self):
        """A program that is started does not inherit the socket."""
        with Watching("--listen", "0", "--", program("twins", SWISS), "-mode", "mutex", "-for",
                      "20s") as watching:
            scraper = Scraper(self, url_said(watching))
            seen = scraper.until(lambda d: d.sum("gomaptop_operations_total") > 0, 20)
            pid = dict(next(iter(seen.all("gomaptop_target_running"))))["pid"]
            self.assertEqual(listens(int(pid)), set())
            self.assertEqual(len(listens(watching.process.pid)), 1)
            watching.finish(signal.SIGTERM)

    def test_dripping_clients(self):
        """Two hundred clients that are never silent and never done keep nobody out."""
        with twin("mutex", SWISS) as target, contextlib.ExitStack() as stack, Watching(
                "-p", target.pid, "--listen", "0") as watching:
            url, over = url_said(watching), threading.Event()

            def drip():
                clients = []
                while not over.wait(0.3):
                    kept = []
                    for client in clients:
                        with contextlib.suppress(OSError):
                            client.send(b"x")
                            kept.append(client)
                            continue
                        client.close()
                    clients = kept
                    for _ in range(200 - len(clients)):
                        clients.append(socket.create_connection(address_of(url), 20))
                        clients[-1].send(b"GET /metrics HTTP/1.1\r\nX: ")
                for client in clients:
                    client.close()

            thread = threading.Thread(target=drip)
            thread.start()
            stack.callback(thread.join)
            stack.callback(over.set)
            time.sleep(1)
            for _ in range(12):
                began = time.monotonic()
                self.assertEqual(fetch(url)[0], 200)
                self.assertLess(time.monotonic() - began, 5)
                time.sleep(0.5)

    def test_unix_socket(self):
        """Served to those whom the mode lets in, gone at the end, a stale one replaced."""
        with twin("mutex", SWISS) as target, scratch() as folder:
            path = os.path.join(folder, "sock")
            for number in (signal.SIGKILL, signal.SIGTERM):
                with Watching("-v", "-p", target.pid, "--listen",
                          f"unix:{path},mode=0660") as watching:
                    watching.wait_said(f"metrics at unix:{path}")
                    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
                    with socket.socket(socket.AF_UNIX) as client:
                        client.connect(path)
                        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                        text = b""
                        while chunk := client.recv(65536):
                            text += chunk
                    self.assertTrue(text.endswith(b"# EOF\n"), text)
                    watching.process.send_signal(number)
                    watching.process.wait(timeout=20)
                self.assertEqual(os.path.exists(path), number == signal.SIGKILL)

    def test_end_with_clients(self):
        """A signal ends it at once, however many clients hang; and they had kept nothing
        waiting."""
        with twin("mutex", SWISS) as target, contextlib.ExitStack() as clients, Watching(
                "-p", target.pid, "--listen", "0") as watching:
            url = url_said(watching)
            first = Scraper(self, url).until(
                lambda d: d.sum("gomaptop_operations_total") > 0, 20)
            for i in range(CLIENTS_MAX):
                client = clients.enter_context(socket.create_connection(address_of(url), 5))
                client.sendall(b"GET /metrics HT" if i % 2 else b"")
            hits = int(first.one("gomaptop_probe_hits_total"))
            self.assertIsNotNone(watching.wait_for(
                lambda s: s["coverage"]["hits"] > hits, 20), "reports go on")
            began = time.monotonic()
            result = watching.finish(signal.SIGTERM, timeout=20)
            self.assertLess(time.monotonic() - began, 2)
            self.assertEqual(result.status, 0, result)
            self.assertTrue(target.running())


class ScreenTest(unittest.TestCase):
    at_once = PAIRED

    def test_screen(self):
        """While the screen is frozen the metrics are not, and what it forgets they keep."""
        def attempt():
            with scratch() as folder, twin("racy", SWISS) as target, Terminal(
                    [GOMAPTOP, "--max-overhead", "100", "--listen", "0", "-p", str(target.pid)],
                    rows=40, columns=120, cwd=folder) as terminal:
                with racing(target):
                    terminal.wait_for(r"Maps")
                    terminal.press("m")
                    terminal.wait_for(r"metrics are served at http://127\.0\.0\.1:\d+/metrics")
                    url = re.search(r"http://\S+/metrics", terminal.text())[0]
                    scraper = Scraper(self, url)
                    self.read(terminal, scraper, lambda d: d.sum("gomaptop_conflicts_total") > 0)
                    terminal.press("Esc", "Space")
                    frozen = scraper.scrape()
                    self.grow(terminal, scraper, frozen)
                    terminal.press("Space", "r", "y")
                    self.grow(terminal, scraper, scraper.scrape())
                    terminal.press("q")
                    self.assertEqual(terminal.wait_end(), 0)
                    with self.assertRaises(OSError):
                        fetch(url)

        until_met(attempt)

    def grow(self, terminal, scraper, before):
        """Conflicts (of all, and of the map by itself) and hits grow."""
        for name in ("gomaptop_probe_hits_total", "gomaptop_conflicts_total",
                     "gomaptop_map_conflicts_total"):
            self.read(terminal, scraper,
                      lambda d, name=name: d.all(name) and d.sum(name) > before.sum(name))

    def read(self, terminal, scraper, wanted):
        """Scrape until wanted(document); somebody has to read the terminal meanwhile."""
        end = time.monotonic() + 30
        while not wanted(scraper.scrape()):
            if time.monotonic() > end:
                raise NotMet("not seen in 30 s")
            terminal.read(0.2)


if __name__ == "__main__":
    unittest.main()

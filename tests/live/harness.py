# SPDX-License-Identifier: MIT
"""What every live test needs: Go programs built by several releases, processes that are watched,
gomaptop run on them, and its words parsed and held against the schema.

A test is an ordinary unittest.TestCase. Class attribute `at_once` allows the runner to run so many
tests of that kind beside each other: WAITING those that only wait for something not to happen,
PAIRED those that look for something that takes the time it takes, or look at no times at all.
"""
import contextlib
import functools
import itertools
import json
import math
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GO_DIR = os.path.join(ROOT, "tests", "go")
GOMAPTOP = os.path.abspath(os.environ.get("GOMAPTOP", os.path.join(ROOT, "gomaptop")))
SCHEMA = os.path.join(ROOT, "core", "report", "snapshot.schema.json")
OUT = os.path.join(ROOT, "build", "go")

PAIRED, WAITING = 2, 8   # tests at a time, on two CPUs
HMAP, SWISS = "1.19", "1.24"
# `make test-matrix` names one release after the other.
RELEASES = tuple(os.environ.get("GOMAPTOP_LIVE_RELEASES", f"{HMAP} {SWISS}").split())
BUILDS = tuple((release, stripped) for release in RELEASES for stripped in (False, True))

# ---- Go programs ---------------------------------------------------------------------------------

_build_lock = threading.Lock()
ending = threading.Event()   # the run was interrupted: tests beside each other do not go on


@functools.lru_cache(maxsize=None)
def toolchain(release):
    """Path of the go command of a release."""
    run = subprocess.run([os.path.join(GO_DIR, "fetch-toolchains"), release],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        return run.stderr.strip().splitlines()[-1]
    return run.stdout.split(None, 1)[1].strip()


@functools.lru_cache(maxsize=None)
def _build(name, release, stripped, arch, cgo, mode, tags, gcflags):
    go = toolchain(release)
    if not os.path.isabs(go):
        return None
    folder = os.path.join(OUT, release + ("-stripped" if stripped else "") +
                          "".join(f"-{word}" for word in (
                              arch, cgo and f"cgo-{cgo}", mode, tags,
                              gcflags and re.sub("[^a-z]+", "", gcflags)) if word))
    path = os.path.join(folder, name)
    os.makedirs(folder, exist_ok=True)
    ldflags = ["-s -w"] * stripped + [f"-linkmode={cgo}"] * bool(cgo)
    command = [go, "build", "-o", path, f"-ldflags={' '.join(ldflags)}"]
    command += [f"-buildmode={mode}"] * bool(mode) + [f"-tags={tags}"] * bool(tags)
    command += [f"-gcflags={gcflags}"] * bool(gcflags) + ["./" + name]
    env = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="", CGO_ENABLED="1" if cgo else "0")
    if arch:
        env["GOARCH"] = arch
    run = subprocess.run(command, cwd=GO_DIR, env=env, stderr=subprocess.PIPE, text=True,
                         check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(command)}: {run.stderr}")
    return path


def program(name, release, stripped=False, arch=None, cgo=None, mode=None, tags=None,
            gcflags=None):
    """Path of a program of tests/go built as asked for (once in a run). cgo: "internal" or
    "external", who links it; mode: "pie"; tags and gcflags as the go command has them."""
    with _build_lock:
        path = _build(name, release, stripped, arch, cgo, mode, tags, gcflags)
    if path is None:
        raise unittest.SkipTest(f"no Go {release} here: {toolchain(release)}")
    return path


def source_lines(name, pattern):
    """{(file name, line)} of the lines of a Go program that match a pattern."""
    found = set()
    folder = os.path.join(GO_DIR, name)
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".go"):
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as source:
            for number, text in enumerate(source, 1):
                if re.search(pattern, text):
                    found.add((file, number))
    return found


# ---- processes that are watched ------------------------------------------------------------------


class NotMet(AssertionError):
    """The two sides did not meet in time: chance, and worth a second try."""
    tries, kind = 2, "missed"


class Died(NotMet):
    """They met all too well: the runtime's own check ended the target before it had served the
    test. Where other machines take the CPU away at any moment that is every second or two."""
    tries, kind = 15, "ended"

    def __init__(self, text="the runtime's own check was faster"):
        super().__init__(text)


def survived(target):
    """Whether a target with a planted conflict still runs: the runtime's own check may end it at
    any time. Whatever else ended it is a failure."""
    if not target.running() and not target.killed_by_runtime():
        raise AssertionError(f"the target ended: {target.error_text()[:2000]}")
    return target.running()


@contextlib.contextmanager
def racing(target):
    """For the time in which a target with a planted conflict has to live: what goes wrong because
    the runtime's own check has ended it is Died. What is seen is judged outside of it."""
    try:
        yield
    except NotMet:
        raise
    except Exception as error:
        if not target.killed_by_runtime():
            raise
        raise Died() from error
    if not survived(target):
        raise Died()


class Tries:
    """What was left to chance in this run: how many searches there were, and how often one had to
    be made again, by cause. A search may be made again many times and then pass, so a fault of
    which gomaptop sees one in many would never be noticed: all of them together may not be too
    many."""
    # How many second tries a search takes on average at the worst that is still good, and how the
    # sum is told. "missed": two sides that are given their time do not meet in 1 of 100 searches.
    # "ended": where the machine takes CPUs away in the middle of an operation, every second start
    # of a racing twin is ended by the runtime's own check before it has served. "outpaced": a
    # service with a planted fault lives for about a minute, and shows it to gomaptop in a few
    # seconds.
    EXPECTED = {"missed": (0.01, "missed what they looked for"),
                "ended": (1.0, "of racing twins that ended too soon"),
                "outpaced": (0.15, "of services that ended before their fault was found")}

    def __init__(self):
        self.searches = dict.fromkeys(self.EXPECTED, 0)
        self.again = dict.fromkeys(self.EXPECTED, 0)
        self._lock = threading.Lock()

    def begin(self, *kinds):
        """A search that may have to be made again for these causes."""
        with self._lock:
            for kind in kinds:
                self.searches[kind] += 1

    def repeat(self, kind):
        """A search is made again, for this cause."""
        with self._lock:
            self.again[kind] += 1

    def bound(self, kind):
        """The most that chance explains: four standard deviations above the mean of a sum of
        geometric distributions, which one good run in ten thousand exceeds; 2 where there were
        hardly any searches."""
        expected, searches = self.EXPECTED[kind][0], self.searches[kind]
        deviation = math.sqrt(searches * expected * (1 + expected))
        return max(2, math.floor(searches * expected + 4 * deviation))

    def problems(self):
        return [f"{self.again[kind]} {words}, of {self.searches[kind]} searches; chance explains "
                f"{self.bound(kind)}" for kind, (_, words) in self.EXPECTED.items()
                if self.again[kind] > self.bound(kind)]

    def __str__(self):
        return "second tries: " + "; ".join(
            f"{self.again[kind]} {words} ({self.searches[kind]} searches, at most "
            f"{self.bound(kind)})" for kind, (_, words) in self.EXPECTED.items())


tries = Tries()     # of this run


def until_met(attempt):
    """What attempt() returns; one that ends with NotMet is made again, four times at least."""
    tries.begin("missed", "ended")
    for number in itertools.count(1):
        try:
            return attempt()
        except NotMet as reason:
            if number >= max(reason.tries, 4):
                raise
            tries.repeat(reason.kind)


class Target:
    """A running Go program. Its first line of output is JSON and says that it is ready."""

    def __init__(self, path, *args, **popen):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([path, *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        **popen)
        self.pid = self.process.pid
        self.lines = []
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.first = self.line_where(lambda line: True)

    def _read(self):
        for text in self.process.stdout:
            with self._more:
                self.lines.append(json.loads(text))
                self._more.notify_all()
        with self._more:
            self.lines.append(None)
            self._more.notify_all()

    def line_where(self, wanted, start=0, timeout=60):
        """The first line of output, from number start on, for which wanted(line) is true."""
        deadline = time.monotonic() + timeout
        with self._more:
            while True:
                for line in self.lines[start:]:
                    if line is None:
                        self.process.wait(10)
                        survived(self)
                        raise Died()
                    if wanted(line):
                        return line
                start = len(self.lines)
                if not self._more.wait(deadline - time.monotonic()):
                    raise TimeoutError("the target did not say what was waited for")

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def running(self):
        return self.process.poll() is None

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read()

    def killed_by_runtime(self):
        """The Go runtime's own check ended it: that is the fault's doing, not ours."""
        return not self.running() and "fatal error: concurrent map" in self.error_text()

    def stop(self):
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def twin(mode, release, *args, stripped=False):
    return Target(program("twins", release, stripped), "-mode", mode, *args)


@contextlib.contextmanager
def ledger(release, fault=None, rate=1200, stripped=False):
    """ledgerd under load; yields (ledgerd, load)."""
    path = program("ledgerd", release, stripped)
    load_path = program("ledgerload", HMAP)
    with Target(path, *(["-fault", fault] if fault else [])) as service:
        with Target(load_path, "-to", service.first["listening"], "-rate", str(rate), "-for",
                    "1h", "-every", "1s") as load:
            yield service, load


# ---- gomaptop ------------------------------------------------------------------------------------


def json_values(text):
    """All JSON values of a text, one behind the other."""
    decoder = json.JSONDecoder()
    values, at = [], 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return values
        value, at = decoder.raw_decode(text, at)
        values.append(value)


@functools.lru_cache(maxsize=None)
def _validator():
    import jsonschema  # pylint: disable=import-outside-toplevel
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def validate(snapshot):
    """Raise unless a snapshot is what the schema says. That its sums are exact is for sums()."""
    _validator().validate(snapshot)


def sums(snapshot):
    """(hits, filtered + counted, made, delivered + lost) of a snapshot."""
    coverage = snapshot["coverage"]
    events = coverage["events"]
    return (coverage["hits"], sum(coverage["filtered"].values()) + coverage["counted"],
            events["made"], events["delivered"] + sum(events["lost"].values()))


class Result:
    """What a finished gomaptop left behind."""

    def __init__(self, status, stdout, stderr, seconds):
        self.status, self.stdout, self.stderr, self.seconds = status, stdout, stderr, seconds

    @functools.cached_property
    def snapshots(self):
        return json_values(self.stdout)

    @property
    def snapshot(self):
        """The last one, validated."""
        if not self.snapshots:
            raise AssertionError(f"no snapshot; status {self.status}, stderr: {self.stderr}")
        validate(self.snapshots[-1])
        return self.snapshots[-1]

    def __str__(self):
        return f"status {self.status} after {self.seconds:.1f} s, stderr: {self.stderr.strip()}"


def gomaptop(*args, timeout=120, env=None, **popen):
    """Run gomaptop to its end."""
    began = time.monotonic()
    run = subprocess.run([GOMAPTOP, *map(str, args)], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         timeout=timeout, env=dict(os.environ, **(env or {})), check=False,
                         **popen)
    return Result(run.returncode, run.stdout, run.stderr, time.monotonic() - began)


def overhead_options(overhead):
    """Options: so many percent may be spent; None: what users get who say nothing. Tests of what is
    counted want all of it."""
    return () if overhead is None else ("--max-overhead", str(overhead))


def watch(*args, seconds, overhead=100, **more):
    """Run `gomaptop -b --format json` for some seconds; only the last report is printed."""
    return gomaptop("-b", "--format", "json", "-i", "1h", "-d", seconds,
                    *overhead_options(overhead), *args, timeout=seconds + 60, **more)


USUAL_HIT_NS = 1000    # of a probed operation, on most machines


@functools.lru_cache(maxsize=None)
def hit_ns():
    """What a probed operation takes here, as gomaptop measures it: some virtual machines need ten
    times as long as others for a trap."""
    with Target(program("opsloop", SWISS), "-op", "read", "-rounds", "0", "-n", "1000") as target:
        seen = watch("-p", target.pid, seconds=0.3).snapshot
    return seen["coverage"]["overhead"]["ns_per_hit"]


def percent(usual):
    """A limit that allows as many hits as `usual` percent do on most machines: for tests of what is
    done with it."""
    return usual * min(max(1, hit_ns() / USUAL_HIT_NS), 10)


END = "\n}\n"   # of a snapshot, and of nothing within one


class Watching:
    """A gomaptop that runs beside the test and reports every interval.

    It writes to a file, so that it never waits for the test; what a snapshot says adds up, so only
    the newest is ever read. How much was seen is not in its status."""

    def __init__(self, *args, interval="500ms", env=None, fmt="json", overhead=100,
                 command=(GOMAPTOP,)):
        self.errors = tempfile.TemporaryFile("w+")
        self.output = tempfile.TemporaryFile("w+b")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "-b", "--inconclusive-ok", "--format", fmt, "-i", interval,
             *overhead_options(overhead), *map(str, args)],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.errors, text=True,
            env=dict(os.environ, **(env or {})))
        self._read = 0     # bytes of output read so far
        self._tail = b""   # those that may belong to a snapshot that is not complete
        self.last = None   # the newest complete snapshot

    def newest(self):
        """The newest complete snapshot; None before the first."""
        end = END.encode()
        size = os.fstat(self.output.fileno()).st_size
        self._tail += os.pread(self.output.fileno(), size - self._read, self._read)
        self._read = size
        if end in self._tail:
            complete, self._tail = self._tail.rsplit(end, 1)
            self.last = json.loads((end + complete).rsplit(end, 1)[1] + end)
        return self.last

    def wait_for(self, wanted, timeout):
        """The first snapshot read for which wanted(snapshot) is true, or None: time is over, or
        gomaptop has ended."""
        deadline = time.monotonic() + timeout
        seen = None
        while True:
            if ending.is_set():
                raise KeyboardInterrupt
            ended = self.process.poll() is not None
            over = time.monotonic() > deadline
            newest = self.newest()
            if newest is not None and newest is not seen and wanted(newest):
                return newest
            seen = newest
            if ended or over:
                return None
            time.sleep(0.05)

    def wait_attached(self, timeout=30):
        """A report that says that probes are in place."""
        seen = self.wait_for(lambda s: s["coverage"]["probes"]["attached"] > 0, timeout)
        if seen is None:
            raise AssertionError(f"gomaptop did not attach: {self.error_text()}")
        return seen

    def wait_said(self, words, timeout=30):
        """Wait until it has said this on standard error (-v: that probes are in place); all that it
        has said."""
        deadline = time.monotonic() + timeout
        while words not in self.error_text():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"{words!r} was not said: {self.error_text()}")
            time.sleep(0.02)
        return self.error_text()

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read()

    def finish(self, how=signal.SIGINT, timeout=30):
        """End it with a signal (or wait for its own end: None). Of JSON reports the result holds
        the last one."""
        if how is not None and self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout)
        seconds = time.monotonic() - self.began
        self.output.seek(0)
        text = self.output.read().decode(errors="replace")
        text = text[text.rfind(END, 0, -len(END)) + len(END):] if END in text[:-3] else text
        return Result(self.process.returncode, text, self.error_text(), seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.output.close()
        self.errors.close()


# ---- reading snapshots ---------------------------------------------------------------------------


def place(frame):
    """(file name, line) of a frame."""
    return (os.path.basename(frame["file"] or ""), frame["line"])


def caught(snapshot):
    """The conflicts that were seen as such: overlaps, and fatal errors of the runtime. Unordered
    pairs are found sooner, and need never meet."""
    return [c for c in snapshot["conflicts"] if c["evidence"] != "unordered"]


def places_of(conflicts):
    """Set of (place, place) of each, a pair in sorted order."""
    return {tuple(sorted(place(c[side]["stack"][0]) for side in "ab"))
            for c in conflicts if c["a"]["stack"] and c["b"]["stack"]}


def conflict_places(snapshot):
    """Those of every conflict that was caught."""
    return places_of(caught(snapshot))


def check_met(test, result, target):
    """A search has ended with a conflict of which both sides are known. The runtime's fatal error
    is a conflict too, with one side: where it came first, the two did not meet."""
    both = result.status == 3 and conflict_places(result.snapshot)
    if not both and target.killed_by_runtime():
        raise Died()
    test.assertEqual(result.status, 3, result)


def map_at(snapshot, address):
    """The row of the map at an address, a living one before one that ended, or None."""
    rows = [m for m in snapshot["maps"] if int(m["addr"], 16) == int(address, 16)]
    return min(rows, key=lambda m: m["ended"], default=None)


def decided(snapshot):
    """How pairs of conflicting accesses were decided, over all maps."""
    total = {}
    for row in snapshot["maps"]:
        for key, count in row["order"].items():
            if isinstance(count, int):
                total[key] = total.get(key, 0) + count
    return total


def scratch():
    """A folder for one test: with path(...) inside; removed at its end."""
    return tempfile.TemporaryDirectory(prefix="gomaptop-")


# ---- one test for each row of a table ------------------------------------------------------------


def cases(*rows):
    """Mark a method `each_x(self, *arguments)` of a class under @table: for every row
    (name, *arguments) there will be a test `test_x_name`. A row's name that ends in "!" is left
    out of --quick."""
    def mark(method):
        method.rows = rows
        return method
    return mark


def table(cls):
    for name, method in list(vars(cls).items()):
        for row in getattr(method, "rows", ()):
            def test(self, method=method, arguments=row[1:]):
                method(self, *arguments)
            test.__name__ = f"test_{name.replace('each_', '', 1)}_{row[0].rstrip('!')}"
            test.slow = row[0].endswith("!")
            setattr(cls, test.__name__, test)
    return cls


def build_name(release, stripped):
    return f"go{release}" + ("_stripped" if stripped else "")


BUILD_ROWS = tuple((build_name(*build) + ("" if build in ((HMAP, False), (SWISS, True)) else "!"),
                    *build) for build in BUILDS)
RELEASE_ROWS = tuple((f"go{release}", release) for release in RELEASES)

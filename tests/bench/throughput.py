# SPDX-License-Identifier: MIT
"""Throughput and slowest answers (p99) of a target that has all the work it can do, watched with
each budget against unwatched.

Spans of load unwatched and watched take turns; a watched one is compared with the two unwatched
ones around it, and the median of these ratios is told. The answers of the load are checked: a wrong
one ends the measurement.
"""
import contextlib
import json
import math
import os
import re
import statistics
import time

import measuring
import real_servers
from cost import Loop
from measuring import Skip, Watcher, cpu_seconds, median, row
from real_program import NotHere

TARGET = 0.98   # of unwatched, at the default budget
# Watched, but no map operation is probed: what the rounds show of this is their own error.
CONTROL = ("nothing probed", 0)
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Span:
    """Some seconds of load: operations a second, seconds of the slowest in a hundred, and CPU
    seconds of the target for one."""

    def __init__(self, rate, p99, cpu):
        self.rate, self.p99, self.cpu = rate, p99, cpu


class Ledgerd:
    """ledgerd whose sides do not take turns, and ledgerload with more than it can do."""
    name, judged = "ledgerd under HTTP load", True

    def __init__(self, stack):
        target = measuring.harness.Target(measuring.go_program("ledgerd"), "-turns=false")
        self.target = stack.enter_context(target)
        self.pid = self.target.pid
        self.load = measuring.go_program("ledgerload")

    def span(self, seconds):
        cpu = cpu_seconds(self.pid)
        said = json.loads(measuring.output_of(
            self.load, "-to", self.target.first["listening"], "-rate", 60000, "-clients", 32,
            "-for", f"{seconds}s").splitlines()[-1])
        if said["errors"]:
            raise RuntimeError(f"{said['errors']} wrong answers")
        return Span(said["rate"], said["p99"], (cpu_seconds(self.pid) - cpu) / said["requests"])


class MapLoop:
    """A goroutine that does nothing but read a map; p99 is of 20,000 reads in a row."""
    name, judged = "a loop of map reads", False

    def __init__(self, stack):
        self.loop = stack.enter_context(Loop("read"))
        self.pid = self.loop.pid

    def span(self, seconds):
        self.loop.count()
        self.loop.times.clear()
        operations, cpu, began = self.loop.count(), cpu_seconds(self.pid), time.monotonic()
        while time.monotonic() < began + seconds:
            time.sleep(0.02)
            self.loop.count()
        done, took = self.loop.count() - operations, time.monotonic() - began
        times = sorted(self.loop.times)
        return Span(done / took, times[int(0.99 * (len(times) - 1))],
                    (cpu_seconds(self.pid) - cpu) / done)


class Server:
    """A published server, asked by wrk: a subclass says which, and what for."""
    judged = True
    kind, script = None, ""

    def __init__(self, stack):
        self.wrk = measuring.need("wrk", "wrk")
        try:
            self.program = stack.enter_context(self.kind())   # pylint: disable=not-callable
        except NotHere as reason:
            raise Skip(str(reason)) from reason
        self.program.start()
        self.program.wait_ready()
        self.pid = self.program.process.pid
        self.questions = self.program.file("load.lua", self.script)

    def span(self, seconds):
        cpu = cpu_seconds(self.pid)
        text = measuring.output_of(self.wrk, "-t1", "-c16", f"-d{seconds}s", "--latency", "-s",
                                   self.questions, f"http://127.0.0.1:{self.program.port}/")
        wrong = re.search(r"(Non-2xx.*|Socket errors.*)", text)
        if wrong:
            raise RuntimeError(f"{wrong.group(1)}; {self.program.log_end()}")
        slow, unit = re.search(r"^\s+99%\s+([\d.]+)(\w+)", text, re.MULTILINE).groups()
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        return Span(float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
                    float(slow) * UNITS[unit], (cpu_seconds(self.pid) - cpu) / requests)


class Etcd(Server):
    """Puts and reads through the JSON gateway, one after the other."""
    name = "etcd, puts and reads"
    kind = real_servers.Etcd
    # Keys "0000" to "0999" in base64, four digits to eight characters.
    script = """
local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for k = 3, 0, -1 do
      local d = math.floor(n / 64 ^ k) % 64
      out[#out + 1] = digits:sub(d + 1, d + 1)
    end
    if not b then out[#out - 1] = "=" end
    if not c then out[#out] = "=" end
  end
  return table.concat(out)
end
local n = 0
request = function()
  n = n + 1
  local key = base64(string.format("%04d", math.floor(n / 2) % 1000))
  local json = { ["Content-Type"] = "application/json" }
  if n % 2 == 0 then
    return wrk.format("POST", "/v3/kv/put", json,
      '{"key":"' .. key .. '","value":"' .. base64(tostring(n)) .. '"}')
  end
  return wrk.format("POST", "/v3/kv/range", json, '{"key":"' .. key .. '"}')
end
"""


class Prometheus(Server):
    """Scrapes itself, and is asked for sums, rates, series and its own metrics."""
    name = "prometheus, scraped and queried"
    kind = real_servers.Prometheus
    script = """
local paths = {
  "/api/v1/query?query=sum(up)",
  "/api/v1/query?query=sum%20by%20(handler)(rate(prometheus_http_requests_total%5B30s%5D))",
  "/api/v1/query_range?query=time()&start=1000&end=1100&step=10",
  "/api/v1/series?match%5B%5D=go_memstats_alloc_bytes",
  "/api/v1/label/job/values",
  "/metrics",
}
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", paths[1 + n % #paths])
end
"""


# ---- paired rounds -------------------------------------------------------------------------------


class Pairs:
    """What a budget did: spans watched, and the means of the unwatched ones around each."""

    def __init__(self):
        self.watched, self.unwatched, self.coverage = [], [], []

    def add(self, watched, around, coverage):
        self.watched.append(watched)
        self.unwatched.append(Span(*(sum(getattr(s, key) for s in around) / len(around)
                                     for key in ("rate", "p99", "cpu"))))
        self.coverage.append(coverage)

    def of(self, key):
        """(watched, unwatched, watched to unwatched), medians."""
        pairs = [(getattr(w, key), getattr(u, key))
                 for w, u in zip(self.watched, self.unwatched)]
        return (median([w for w, _ in pairs]), median([u for _, u in pairs]),
                median([w / u for w, u in pairs if u]))

    def error(self):
        """Standard error of the median ratio of rates, as the rounds differ; None: too few."""
        ratios = [w.rate / u.rate for w, u in zip(self.watched, self.unwatched) if u.rate]
        if len(ratios) < 3:
            return None
        return math.sqrt(math.pi / 2 / len(ratios)) * statistics.stdev(ratios)

    def note(self):
        """What gomaptop itself said, what the target's clock says, and how sure the ratio is."""
        armed = median([c["armed_fraction"] for c in self.coverage if c["armed_fraction"]])
        said = median([c["overhead"]["estimate"] for c in self.coverage
                       if c["overhead"]["estimate"] is not None])
        cpu, error = self.of("cpu")[2], self.error()
        return "; ".join(text for text in (
            f"error of the ratio {error:.2f}" if error is not None else "",
            f"CPU an operation x{cpu:.3f}" if cpu else "",
            f"estimate {100 * said:.2g} %" if said is not None else "",
            f"armed {100 * armed:.2g} %" if armed is not None else "") if text)


def loaded_span(target, seconds, settle):
    """A span of a target that has been busy for a while: the first moments of a load, watched or
    not, say nothing of what follows."""
    target.span(settle)
    return target.span(seconds)


def watched_span(target, budget, seconds, settle):
    with Watcher(*measuring.budget_args(budget), "-p", target.pid) as watcher:
        watcher.wait_attached()
        span = loaded_span(target, seconds, settle)
        watcher.finish()
        return span, watcher.snapshot()["coverage"]


def compare(target, budgets, judged, rounds, seconds, settle):
    """{budget's name: Pairs}. The budget that is judged has a span in each round, others in every
    third."""
    pairs = {name: Pairs() for name, _ in budgets}
    before = loaded_span(target, seconds, seconds)
    for number in range(rounds):
        first = number % len(budgets)   # not always in one order
        for name, budget in budgets[first:] + budgets[:first]:
            if name != judged and number % 3:
                continue
            watched, coverage = watched_span(target, budget, seconds, settle)
            after = loaded_span(target, seconds, settle)
            pairs[name].add(watched, (before, after), coverage)
            before = after
    return pairs


def rows_of(target, pairs, judged_budget):
    judged = judged_budget if target.judged else None
    for name, taken in pairs.items():
        figure, than, ratio = taken.of("rate")
        yield row(f"{target.name}, {name}", figure, "1/s", beside="unwatched", than=than,
                  ratio=ratio, note=taken.note(), readme=name in (judged_budget, CONTROL[0]),
                  target=("ratio", ">=", TARGET) if name == judged else None)
    for name, taken in pairs.items():
        figure, than, ratio = taken.of("p99")
        yield row(f"{target.name}, p99, {name}", figure, "s", beside="unwatched", than=than,
                  ratio=1 / ratio if ratio else None, readme=name == judged)


def throughput_of(kind):
    def part(run):
        budgets = measuring.budgets(run.quick)
        judged = budgets[0 if len(budgets) < 3 else 1][0]
        rounds, seconds, settle = (2, 1, 1) if run.quick else (9 if kind.judged else 4, 3, 1)
        with contextlib.ExitStack() as stack:
            target = kind(stack)
            budgets = budgets + [CONTROL] if measuring.has_budget() else budgets
            yield from rows_of(
                target, compare(target, budgets, judged, rounds, seconds, settle), judged)
            if not os.path.exists(f"/proc/{target.pid}"):
                raise RuntimeError("the target ended")
    return part


PARTS = {"throughput-" + kind.__name__.lower(): throughput_of(kind)
         for kind in (Ledgerd, MapLoop, Etcd, Prometheus)}

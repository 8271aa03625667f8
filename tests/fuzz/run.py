#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run every fuzzer for some time, all at once: a line each, and a closing line with the sums.

    FUZZ_SECONDS=30 tests/fuzz/run.py PROGRAM...

FUZZ_SECONDS are those of a CPU: together they run as long as it takes for each to have as many.

Each begins with the seeds (make_seeds.py), the inputs that once found something
(tests/fuzz/regressions) and what earlier runs found worth keeping (build/fuzz/corpus). A crash, a
leak, more than 256 MB of memory or more than 5 s for one input fail; the input is then kept as
build/fuzz/found-*: when the reason is understood it belongs into tests/fuzz/regressions.
"""
import concurrent.futures
import math
import os
import re
import subprocess
import sys

FOLDER = "build/fuzz"
SEEDS = os.path.join(FOLDER, "seeds")
REGRESSIONS = "tests/fuzz/regressions"
LIMITS = ("-timeout=5", "-rss_limit_mb=256", "-malloc_limit_mb=64", "-max_len=65536")
BARE = 100   # edges: less means that the seeds were not understood


def run(program, seconds):
    name = os.path.basename(program)
    corpus = os.path.join(FOLDER, "corpus", name)
    os.makedirs(corpus, exist_ok=True)
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:quarantine_size_mb=8",
               UBSAN_OPTIONS="print_stacktrace=1")
    command = [program, *LIMITS, f"-max_total_time={seconds}", "-print_final_stats=1",
               f"-artifact_prefix={FOLDER}/found-{name}-", corpus, SEEDS, REGRESSIONS]
    child = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=seconds + 300, check=False)
    return child.returncode, child.stdout.decode(errors="replace")


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def make_seeds():
    """Seeds, each of which has to be a program that can be read and probed."""
    subprocess.run([sys.executable, "tests/fuzz/make_seeds.py", SEEDS], check=True)
    for seed in sorted(os.listdir(SEEDS)):
        subprocess.run([os.path.join(FOLDER, "fuzz_go_binary"), os.path.join(SEEDS, seed)],
                       env=dict(os.environ, FUZZ_SEEDS="1"), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)


def report(program, status, output):
    """Say how it went; True: well."""
    edges = last_number(r"cov: (\d+)", output)
    good = status == 0 and edges >= BARE
    print(f"{'ok' if good else 'FAIL':4} {os.path.basename(program)}: {edges} edges, "
          f"{last_number(r'stat::number_of_executed_units: +([0-9]+)', output)} inputs, "
          f"{last_number(r'stat::peak_rss_mb: +([0-9]+)', output)} MB", flush=True)
    if not good:
        at = re.search(r"==\d+==|runtime error|ERROR|tests/fuzz/.*: ", output)
        print("---- " + output[max(0, at.start() - 200) if at else -4000:][:6000] + "\n----")
    return good


def main():
    programs = sys.argv[1:]
    each = int(os.environ.get("FUZZ_SECONDS") or 30)
    seconds = math.ceil(each * max(1, len(programs) / (os.cpu_count() or 1)))
    os.makedirs(REGRESSIONS, exist_ok=True)
    make_seeds()
    with concurrent.futures.ThreadPoolExecutor(max(1, len(programs))) as pool:
        runs = [(p, pool.submit(run, p, seconds)) for p in programs]
        good = [report(program, *future.result()) for program, future in runs]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

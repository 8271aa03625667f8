# SPDX-License-Identifier: MIT
"""Whatever becomes of gomaptop, the target lives and gets its speed back."""
import random
import signal
import statistics
import time
import unittest

from harness import RELEASE_ROWS, Target, Watching, cases, ledger, program, table

KILLS = 20
ROUND = 20000   # operations in one line of opsloop


def speed(target, rounds=15, timeout=20):
    """Median nanoseconds an operation over the next rounds, the first of them left out."""
    begin = len(target.lines)
    target.line_where(lambda line: len(target.lines) >= begin + rounds, begin, timeout)
    return statistics.median(line["ns_per_op"] for line in target.lines[begin + 1:begin + rounds])


@table
class HarmlessTest(unittest.TestCase):
    def returns_to_speed(self, target, normal):
        """Its speed is back to what it was, give or take what two busy CPUs do."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            now = speed(target)
            if now < 2 * normal:
                return
        self.fail(f"{now:.0f} ns an operation where it was {normal:.0f}")

    @cases(("go1.19!", "1.19"), ("go1.24", "1.24"))
    def each_sigkill(self, release):
        """SIGKILL while attached, twenty times: a loop of map operations and a service."""
        with ledger(release, rate=300) as (service, load), \
                Target(program("opsloop", release), "-op", "write", "-rounds", "0", "-n",
                       str(ROUND)) as loop:
            normal = speed(loop)
            slowed = 0
            for _ in range(KILLS):
                with Watching("-p", f"{service.pid},{loop.pid}") as watching:
                    watching.wait_attached()
                    time.sleep(random.uniform(0, 0.3))
                    slowed += speed(loop, 4) > 2 * normal
                    watching.finish(signal.SIGKILL)
                self.returns_to_speed(loop, normal)
                self.assertTrue(service.running() and loop.running(), loop.error_text())
            # Had the probes not been there, nothing would have been tested.
            self.assertGreater(slowed, KILLS / 2)
            load.line_where(lambda line: True, len(load.lines), 5)
            self.assertEqual(sum(line["errors"] for line in load.lines), 0)

    @cases(*RELEASE_ROWS)
    def each_orderly_end(self, release):
        """After an ordinary end the same holds."""
        with Target(program("opsloop", release), "-op", "read", "-rounds", "0", "-n",
                    str(ROUND)) as loop:
            normal = speed(loop)
            with Watching("-p", loop.pid) as watching:
                watching.wait_attached()
                time.sleep(1)
                self.assertEqual(watching.finish(signal.SIGTERM).status, 0)
            self.returns_to_speed(loop, normal)


if __name__ == "__main__":
    unittest.main()

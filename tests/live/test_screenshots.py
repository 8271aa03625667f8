# SPDX-License-Identifier: MIT
"""The pictures of the README can be made, show what they should, and nothing of this machine."""
import glob
import os
import socket
import subprocess
import sys
import unittest

from harness import GOMAPTOP, PAIRED, ROOT, Died

import screenshots

OUT = os.path.join(ROOT, "build", "screenshots")


class ScreenshotsTest(unittest.TestCase):
    at_once = PAIRED

    def test_every_view_can_be_shown(self):
        for path in glob.glob(os.path.join(OUT, "*")):
            os.unlink(path)
        if not os.path.samefile(GOMAPTOP, os.path.join(ROOT, "gomaptop")):
            self.skipTest("the demo runs ./gomaptop, which is not what is tested here")
        run = subprocess.run([sys.executable, screenshots.__file__, "-o", OUT], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280,
                             check=False)
        with open(os.path.join(ROOT, "build", "demo", "ledgerd.log"), encoding="utf-8") as log:
            if run.returncode and "fatal error: concurrent map" in log.read():
                raise Died("the runtime's own check ended the demo's service meanwhile")
        self.assertEqual(run.returncode, 0, run.stdout)
        texts = sorted(glob.glob(os.path.join(OUT, "*.txt")))
        self.assertEqual(len(texts), len(screenshots.VIEWS))
        for path in texts:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertNotIn(ROOT, text, path)
            self.assertNotIn(socket.gethostname(), text, path)
            with open(path[:-3] + "png", "rb") as picture:
                self.assertEqual(picture.read(8), b"\x89PNG\r\n\x1a\n", path)


if __name__ == "__main__":
    unittest.main()

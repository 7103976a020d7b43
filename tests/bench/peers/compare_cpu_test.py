#!/usr/bin/env python3
"""bench/peers/compare_cpu says in a sentence what it lacks, and leaves nothing half done."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent


class CompareCpu(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        peers = self.root / "bench/peers"
        (peers / "onnxruntime").mkdir(parents=True)
        shutil.copy(ROOT / "bench/peers/compare_cpu", peers)

    def run_it(self, *arguments):
        command = [sys.executable, self.root / "bench/peers/compare_cpu", *arguments]
        # An empty PATH: no npm.
        return subprocess.run(command, env={"PATH": str(self.root)}, capture_output=True, text=True)

    def build(self):
        (self.root / "build/bin").mkdir(parents=True)
        for name in ("bunch", "compare-cpu"):
            (self.root / "build/bin" / name).touch()

    def test_without_npm_it_is_skipped_with_a_sentence(self):
        self.build()

        done = self.run_it("--build", "build")

        self.assertEqual(done.returncode, 77)
        self.assertIn("there is no npm here", done.stdout)

    def test_a_program_that_was_not_built_is_named(self):
        done = self.run_it("--build", "build")

        self.assertEqual(done.returncode, 1)
        self.assertIn("build/bin/bunch is missing", done.stderr)

    def test_a_model_that_is_not_compared_is_named(self):
        done = self.run_it("lenet")

        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no model lenet", done.stderr)


if __name__ == "__main__":
    unittest.main()

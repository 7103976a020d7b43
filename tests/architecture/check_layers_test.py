#!/usr/bin/env python3
"""The layer check finds what it is there to find."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_layers  # noqa: E402

LAYERS = check_layers.read_layers("core:\nscheduler: core\nbackends/host: core monitoring/log.h\nmonitoring: core\n")


def problems(path, text):
    return list(check_layers.problems_in(path, text, LAYERS))


class CheckLayers(unittest.TestCase):
    def test_an_arrow_that_points_up_is_named_with_its_line(self):
        found = problems("core/a.h", '#pragma once\n#include "scheduler/scheduler.h"\n')
        self.assertEqual(found, ["core/a.h:2: core may not include scheduler/scheduler.h (see tools/layers.txt)"])

    def test_own_and_lower_layers_are_allowed(self):
        self.assertEqual(problems("scheduler/a.cpp", '#include "scheduler/b.h"\n#include "core/c.h"\n'), [])

    def test_a_single_header_may_be_allowed(self):
        self.assertEqual(problems("backends/host/a.cpp", '#include "monitoring/log.h"\n'), [])
        self.assertEqual(len(problems("backends/host/a.cpp", '#include "monitoring/metrics.h"\n')), 1)

    def test_the_scheduler_has_no_clock_and_no_threads(self):
        self.assertEqual(len(problems("scheduler/a.cpp", "#include <thread>\nauto t = now();\n")), 2)


if __name__ == "__main__":
    unittest.main()

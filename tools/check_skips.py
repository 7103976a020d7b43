#!/usr/bin/env python3
"""Compares the tests that CTest skipped with the list of those that may be: check_skips.py JUNIT LIST."""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def skipped_in(junit):
    root = ElementTree.fromstring(junit)
    return [case.get("name") for case in root.iter("testcase") if case.get("status") in ("notrun", "disabled")]


def allowed_in(text):
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def main():
    junit, expected = (pathlib.Path(argument).read_text() for argument in sys.argv[1:3])
    allowed = allowed_in(expected)
    unexpected = []
    for name in skipped_in(junit):
        fits = any(name == entry or (entry.endswith("*") and name.startswith(entry[:-1])) for entry in allowed)
        print(f"skipped: {name}" + ("" if fits else "  <- not in the list of expected skips"))
        if not fits:
            unexpected.append(name)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Checks every #include of the project against tools/layers.txt; exit 1 and a line per wrong arrow."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# The scheduler and core are values only: no clock, thread, lock or system call.
PURE = ("core", "scheduler")
IMPURE = re.compile(
    r"#\s*include\s+<(thread|mutex|shared_mutex|condition_variable|future|atomic|fstream|iostream|"
    r"unistd\.h|sys/[^>]+|pthread\.h|time\.h|ctime)>"
)
CLOCK = re.compile(r"\bnow\(\)|_clock::now")


def read_layers(text):
    layers = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, allowed = line.partition(":")
            layers[folder.strip()] = allowed.split()
    return layers


def layer_of(path, layers):
    fits = [folder for folder in layers if path == folder or path.startswith(folder + "/")]
    return max(fits, key=len) if fits else None


def problems_in(path, text, layers):
    """Yields one sentence per include of the file at `path` (relative to the root) that breaks the rules."""
    layer = layer_of(path, layers)
    if layer is None:
        return
    allowed = layers[layer]
    for match in INCLUDE.finditer(text):
        target = match.group(1)
        target_layer = layer_of(target, layers)
        if target_layer is None or target_layer == layer or "*" in allowed:
            continue
        if target_layer not in allowed and target not in allowed:
            line = text.count("\n", 0, match.start(1)) + 1
            yield f"{path}:{line}: {layer} may not include {target} (see tools/layers.txt)"
    if layer in PURE:
        for pattern in (IMPURE, CLOCK):
            for match in pattern.finditer(text):
                if path == "core/time.h":
                    continue
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {layer} is values only, no {match.group(0).strip()}"


def main():
    layers = read_layers((ROOT / "tools/layers.txt").read_text())
    files = [p for p in ROOT.rglob("*") if p.suffix in (".h", ".cpp") and "build" not in p.relative_to(ROOT).parts]
    found = [
        problem
        for file in sorted(files)
        for problem in problems_in(str(file.relative_to(ROOT)), file.read_text(), layers)
    ]
    print("\n".join(found) if found else f"{len(files)} files keep their layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

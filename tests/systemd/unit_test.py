#!/usr/bin/env python3
"""unit_test.py verify|security UNIT: what systemd itself says of the unit.

verify:   it has no line that systemd does not understand.
security: its exposure, on systemd's scale from 0 to 10, is at most 2.0.
Exit 77: systemd-analyze is not installed.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MOST_EXPOSURE = 2.0


def checkable_copy(unit, folder):
    """The unit with a program that exists here, since the daemon is not installed."""
    text = re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
    copy = pathlib.Path(folder) / unit.name
    copy.write_text(text)
    return copy


def run(*command):
    result = subprocess.run(["systemd-analyze", *command], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def verify(unit):
    code, output = run("verify", "--man=no", str(unit))
    complaints = [line for line in output.splitlines() if unit.name in line]
    return code == 0 and not complaints, output


def security(unit):
    _, output = run("security", "--offline=true", "--no-pager", str(unit))
    level = re.search(r"exposure level for .*: ([0-9.]+)", output)
    return level is not None and float(level.group(1)) <= MOST_EXPOSURE, output


def main():
    what, unit = sys.argv[1], pathlib.Path(sys.argv[2])
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        good, output = {"verify": verify, "security": security}[what](checkable_copy(unit, folder))
    print(output)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

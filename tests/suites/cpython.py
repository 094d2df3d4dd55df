"""Compares what CPython's tests gave on a real directory and in a workspace, test by test.

cpython.py GATHERED SUITES [--write]: GATHERED holds WHO.SIDE.xml, and WHO.SIDE.again.xml of what was played again.
cpython.py --differ GATHERED WHO: the names of those that pass on the real directory and not in the workspace.
"""

import os
import sys
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

BAD = {"failure": "fails", "error": "fails", "skipped": "skipped"}
SHOWN = 40


def read(path):
    """What each test gave, and what it said if it failed."""
    results = {}
    if not path.exists():
        return results
    for test in xml.parse(path).getroot().iter("testcase"):
        result, says = "ok", ""
        for child in test:
            if child.tag in BAD:
                result = BAD[child.tag]
                lines = (child.text or "").strip().splitlines()
                says = lines[-1] if lines else child.get("message", "")
        if test.get("result") == "skipped" or test.get("status") == "notrun":
            result = "skipped"
        # A name may be there twice (a method and what cleans up behind it): the worse counts.
        if results.get(test.get("name"), ("ok", ""))[0] != "fails":
            results[test.get("name")] = (result, says)
    return results


class Who:
    def __init__(self, gathered, name):
        self.name = name
        self.native = read(gathered / f"{name}.native.xml")
        self.mount = read(gathered / f"{name}.mount.xml")
        self.native.update(read(gathered / f"{name}.native.again.xml"))
        self.mount.update(read(gathered / f"{name}.mount.again.xml"))

    def result(self, test):
        nothing = ("missing", "")
        return self.native.get(test, nothing), self.mount.get(test, nothing)

    def differ(self):
        """Those that do not give the same, and pass on one side."""
        names = sorted(self.native.keys() | self.mount.keys())
        return [name for name in names if self.result(name)[0][0] != self.result(name)[1][0]]

    def misses(self):
        return [name for name in self.differ() if self.result(name)[0][0] == "ok"]


def module(test):
    """`test.test_os.BlockingTests.test_blocking` and `setUpClass (test.test_os.BlockingTests)` are of test_os."""
    return test.rsplit("(", 1)[-1].split(".")[1]


def known_reasons(path):
    reasons = {}
    for line in path.read_text().splitlines():
        if line.startswith("cpython "):
            name, reason = line.removeprefix("cpython ").split(": ", 1)
            reasons[name] = reason
    return reasons


def text_of(users, reasons, absent):
    lines = [
        "# Written by `scripts/cpython-tests --write`: tests of CPython on ext4 and in a workspace, as root and as an ordinary",
        "# user who has no name. After each run the tree was as before, the store whole, and nothing had been made or removed",
        f"# on the disk. Tests of {os.environ['VERSION']}, as Debian packs them.",
        "",
        f"{'':34} on ext4                   in a workspace",
        f"{'who':5} {'module':18} {'tests':>9} {'pass':>6} {'skipped':>8} {'fail':>6}   {'pass':>6} {'skipped':>8} {'fail':>6}",
    ]
    for who in users:
        for name in sorted({module(test) for test in who.native}):
            tests = [test for test in who.native if module(test) == name]
            native = Counter(who.result(test)[0][0] for test in tests)
            mount = Counter(who.result(test)[1][0] for test in tests)
            sides = ["{:6} {:8} {:6}".format(side["ok"], side["skipped"], side["fails"] + side["missing"]) for side in (native, mount)]
            lines.append(f"{who.name:5} {name:18} {len(tests):9} {'   '.join(sides)}")
    lines += ["", "## Not in the package", ""] + absent
    lines += ["", "## Misses: what passes on ext4 and not in a workspace", ""]
    for who in users:
        for name in who.misses():
            lines.append(f"{who.name}: {name}: {reasons.get(name, '')}: {who.result(name)[1][1]}")
    lines += ["", "## What fails on ext4, too", ""]
    for who in users:
        for name in sorted(who.native):
            (native, says), (mount, _) = who.result(name)
            if native == "fails":
                lines.append(f"{who.name}: {name}: {mount} in a workspace: {says}")
    return "\n".join(lines) + "\n"


def main():
    if sys.argv[1] == "--differ":
        print("".join(f"{name}\n" for name in Who(Path(sys.argv[2]), sys.argv[3]).differ()), end="")
        return
    gathered, suites = Path(sys.argv[1]), Path(sys.argv[2])
    reasons = known_reasons(suites / "reasons.txt")
    users = [Who(gathered, name) for name in ("root", "user") if (gathered / f"{name}.native.xml").exists()]
    absent = gathered / "absent"
    absent = absent.read_text().splitlines() if absent.exists() else []
    if "--write" in sys.argv:
        (suites / "cpython.txt").write_text(text_of(users, reasons, absent))
    wrong = []
    for who in users:
        passed = [name for name, (result, _) in who.native.items() if result == "ok"]
        both = [name for name in passed if who.result(name)[1][0] == "ok"]
        print(f"CPython's tests as {who.name}: {len(both)} of {len(passed)} that pass on the real directory pass in the workspace")
        if not passed:
            wrong.append(f"{who.name}: no test was played")
        for name in who.differ():
            native, mount = who.result(name)
            print(f"{who.name}: {name}: {native[0]} on the real directory, {mount[0]} in the workspace: {mount[1] or native[1]}")
            if native[0] == "ok" and name not in reasons:
                wrong.append(f"{who.name}: {name}: passes on the real directory only, and has no reason in reasons.txt")
    print("\n".join(wrong[:SHOWN]) or "nothing is missing")
    if len(wrong) > SHOWN:
        print(f"and {len(wrong) - SHOWN} more")
    sys.exit(1 if wrong else 0)


main()

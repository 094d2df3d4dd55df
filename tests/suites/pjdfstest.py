"""Compares what the pjdfstest suite said on a real directory and in a workspace, with each other and with the table.

pjdfstest.py GATHERED SUITES [--write]: GATHERED holds root.native, root.mount, user.native, user.mount (or the last two).
"""

import re
import sys
from pathlib import Path

RESULT = re.compile(r"^(\S+::\S+)\s+(ok|skipped|FAILED)$")
WANTED = 95
SHOWN = 40


class Case:
    def __init__(self, result, becomes):
        self.result = result
        self.becomes = becomes
        self.says = ""


def read(path):
    cases, last, becomes, open_text = {}, None, False, False
    for line in path.read_text(errors="replace").splitlines():
        found = RESULT.match(line)
        if found:
            last = Case({"FAILED": "fails"}.get(found[2], found[2]), becomes)
            cases[found[1]] = last
            becomes, open_text = False, found[2] == "FAILED"
        elif line == "\tbecomes another user":
            becomes = True
        elif line.startswith(("Backtrace:", "Error:")) or not line.strip():
            open_text = False
        elif open_text:
            text = re.sub(r"/\S+", "PATH", line.strip()).rstrip(".")
            text = re.sub(r"value: \d+$", "value: N", text)
            last.says = f"{last.says}; {text}" if last.says else text
    return cases


def known_reasons(path):
    reasons = {}
    for line in path.read_text().splitlines():
        if line.startswith("pjdfstest "):
            name, reason = line.removeprefix("pjdfstest ").split(": ", 1)
            reasons[name] = reason
    return reasons


class Who:
    """What both sides gave for one user."""

    def __init__(self, gathered, name):
        self.name = name
        self.native = read(gathered / f"{name}.native")
        self.mount = read(gathered / f"{name}.mount")

    def result(self, case):
        nothing = Case("missing", False)
        return self.native.get(case, nothing).result, self.mount.get(case, nothing).result

    def passed(self, becomes):
        """Those that pass natively, and of these those that pass in the workspace."""
        native = [name for name, case in self.native.items() if case.result == "ok" and case.becomes == becomes]
        return native, [name for name in native if self.result(name)[1] == "ok"]

    def misses(self, becomes):
        native, mount = self.passed(becomes)
        return sorted(set(native) - set(mount))


def text_of(users, reasons):
    lines = [
        "# Written by `scripts/pjdfstest --write`: the cases of pjdfstest 0.2.2 on ext4 and in a workspace, as root and as an",
        "# ordinary user. What fails in a workspace only has its reason in reasons.txt. After each run the tree was as before,",
        "# the store whole, and nothing had been made or removed on the disk.",
        "",
        "## Counts",
        "",
    ]
    for who in users:
        for becomes, what in ((False, "cases as one user"), (True, "cases that become another user")):
            native, mount = who.passed(becomes)
            if native:
                share = 100 * len(mount) / len(native)
                lines.append(f"{who.name}: {what}: {len(mount)} of {len(native)} that pass on ext4 pass, {share:.1f} %")
        skipped = sum(case.result == "skipped" for case in who.native.values())
        lines.append(f"{who.name}: {len(who.native)} cases in all, {skipped} of them skipped by the suite")
    lines += ["", "## Misses: cases as one user", ""]
    for who in users:
        for name in who.misses(False):
            lines += [f"{who.name}: {name}: {reasons.get(name, '')}", f"    it says: {who.mount[name].says}"]
    lines += ["", "## Cases that become another user: on ext4, in a workspace, and what the suite says", ""]
    for who in users:
        for name in sorted(name for name, case in who.native.items() if case.becomes):
            native, mount = who.result(name)
            says = who.mount[name].says if mount == "fails" else ""
            lines.append(f"{who.name}: {name:48} {native:8} {mount:8} {says}".rstrip())
            if mount != "ok" and name in reasons:
                lines.append(f"    {reasons[name]}")
    lines += ["", "## All cases", "", f"{'case':56} {'root: ext4':12} {'workspace':12} {'user: ext4':12} {'workspace':12}".rstrip()]
    for name in sorted(users[0].native):
        results = [result for who in users for result in who.result(name)]
        lines.append(f"{name:56} {' '.join(f'{result:12}' for result in results)}".rstrip())
    return "\n".join(lines) + "\n"


def expected(path, user):
    """The cases that the table says pass in a workspace."""
    lines = path.read_text().split("## All cases\n", 1)[1].splitlines()[2:]
    column = {"root": 2, "user": 4}[user]
    return {line.split()[0] for line in lines if line.split()[column] == "ok"}


def main():
    gathered, suites = Path(sys.argv[1]), Path(sys.argv[2])
    reasons = known_reasons(suites / "reasons.txt")
    users = [Who(gathered, name) for name in ("root", "user") if (gathered / f"{name}.native").exists()]
    table = suites / "pjdfstest.txt"
    if "--write" in sys.argv:
        table.write_text(text_of(users, reasons))
    wrong = []
    for who in users:
        if len(who.native) < 398 or len(who.mount) < 398:
            wrong.append(f"{who.name}: not all cases were played: {len(who.native)} and {len(who.mount)}")
        by_table = expected(table, who.name)
        for name in sorted(by_table):
            native, mount = who.result(name)
            if mount != "ok" and native == "ok":
                says = who.mount[name].says if name in who.mount else ""
                wrong.append(f"{who.name}: {name}: passes by the table, now: {mount} {says}")
            elif mount != "ok":
                print(f"{who.name}: {name}: not for this machine ({native} on the real directory)")
        for name in who.misses(False) + who.misses(True):
            if name not in reasons and name not in by_table:
                wrong.append(f"{who.name}: {name}: fails in a workspace only, and has no reason in reasons.txt")
        native, mount = who.passed(False)
        if len(mount) * 100 < WANTED * len(native):
            wrong.append(f"{who.name}: {len(mount)} of {len(native)} is less than {WANTED} %")
        both = who.passed(True)
        print(
            f"pjdfstest as {who.name}: {len(mount)} of {len(native)} cases as one user pass as on the real directory, "
            f"{len(both[1])} of {len(both[0])} that become another user"
        )
    print("\n".join(wrong[:SHOWN]) or "as the table says")
    if len(wrong) > SHOWN:
        print(f"and {len(wrong) - SHOWN} more")
    sys.exit(1 if wrong else 0)


main()

"""
Faults that a review found, and the tests that hold them.

A test that holds one is marked `@pytest.mark.fault("A2", before="…")`, where `before` is what the test said
while the fault was there. `python -m tests.support.faults` prints the table: fault, test, what it said.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[1]

#: By its name, what was wrong.
FAULTS = {
    "A1": "A claim outlived a comment that was never written, and silenced every later run.",
    "A2": "A cut answer made a device that had rows read as nothing found.",
    "A3": "Without the device card, devices read as silent beside a hunt with rows.",
    "A4": "A hunt for the tools of Linux found nothing on Windows, where it cannot find anything.",
    "A5": "A query with ago() looked at the wrong time on an old incident.",
    "A6": "Rows that name no device read as found and nothing found at once.",
    "A7": "Evidence that is no device, address, URL or file was dropped without a word.",
    "A8": "A hash that no hunt takes read as hunted for.",
    "A9": "Nothing found was settled in the first minute, and what came later was never hunted.",
    "A10": "The limit of entities came before the ledger: the 101st indicator was never hunted.",
    "A11": "The ledger was closed although the comment was refused.",
    "A12": "A sweep's 10,100 new rows of one device suppressed another incident's comment.",
    "A13": "One odd character in an incident stopped the watch for all.",
    "A14": "A run's age counted as the outage's: seven seconds of it read as two hours.",
    "A15": "The watch hunted again after a person's run, and commented without news.",
    "A16": "With the state lost, the same findings were commented twice.",
    "A17": "Outrider's own pace read as Microsoft's throttling.",
    "A18": "Indicators were read as others than they are: a scheme within, a CIDR, mapped addresses.",
    "A19": "A domain was found in any text that contains it: t.co in microsoft.com.",
    "A20": "Every hunt file that cannot be used stood in every comment as a hunt not run.",
    "A21": "Every file in HUNTS_DIR ran on every incident: 324 calls, half of them without sense.",
    "A22": "A row without a device id marked every device known by name; an unknown system excluded one.",
    "A23": "A baseline counted as found: the verdict told the operating system, not the danger.",
    "A24": "A row with the incident's own address was line two of twelve, unmarked; rarest first was latest first.",
    "A25": "A headline named a device on which nothing was; one event was two rows.",
    "A26": "Sweeps read as nothing found, or as other counts, where their blocks or answers were odd.",
    "A27": "A repeated request was refused, or answered for another caller, or read as waiting.",
    "A28": "Settings were accepted that failed later, or never counted.",
    "A29": "A look had no end, a sweep's day was lost, an incident failed for good, decoys starved another.",
    "A30": "A sweep's comment counted as the time to an incident's first comment.",
    "A31": "A hunt that was added broke tests that were not its own, and one for hashes could not pass them.",
    "B1": "Two patterns took quadratic time: one incident's values held a worker for a minute.",
    "B7": "Column names from an answer made a live link, a forged line, a formula.",
    "B8": "Passwords stayed in half of the command lines, in titles, reasons and the ledger's keys.",
    "B9": "A formula behind a semicolon, or in full-width signs, stood in the CSV.",
    "B10": "A value faked columns and facts, hid its end behind padding, left domains live, forged the marker.",
    "B2": "Text inside a literal such as bool(…) hid a table that was then read over the whole fleet.",
    "B3": "A comma inside materialize(T | project a, b) was read as a table, and published hunts were refused.",
    "B4": "Joins on constants and ranges without bound were accepted without a word.",
    "B13": "A hunt file could break the loader, or be read as what its author did not write.",
    "B12": "A next page at another host was asked.",
    "B15": "Deep nesting raised RecursionError, or was read as deep as the caller happened to stand.",
    "B5": "A Sentinel incident's name left out its workspace, and any workspace was let through.",
    "B6": "Whoever was signed in might do everything, as often as it pleased.",
    "B11": "A caller's link was live, its times overflowed, and its hunts' names came back many times over.",
    "B14": "Another site's page could start work; the self-test hunted beside the pace; a local server took any name.",
    "H1": "A run that killed its worker took its neighbours with it.",
    "H2": "What a stop or a lost instance cut off waited for ten minutes.",
    "H3": "A watch that had stopped looking was told nowhere: every light was green.",
    "H4": "A wrong setting left a host without any function, which said nothing.",
    "H5": "The sandbox's host did what the real one does not.",
    "H6": "A body that the host dropped, for being sent in chunks, was told as empty.",
    "H7": "A wait for Outrider's own pace was told as Microsoft's throttling.",
    "H9": "A sweep whose timer fired early took the name of the hour before.",
    "H10": "Documents, messages and small things of the host did not agree with what happens.",
    "T1": "The templates asked for what Azure refuses: a property of another plan, names too long or of odd letters.",
    "T2": "Two environments of one resource group shared playbooks, and deployments of the same name.",
    "T3": "Whoever signed in needed an administrator's consent, which nobody was told to give.",
    "T4": "Parameters could not be set but by editing a file that an update overwrites.",
    "T5": "Modules told Microsoft of each deployment, and the page said that there was no switch.",
    "T6": "A new identity was given its Graph roles before Entra knew it everywhere.",
    "G1": "A caller whose id was empty was assigned nothing, and read as done.",
    "G2": "A forgotten comma made an id the address that the token for Graph is sent to.",
    "G3": "What was wrong with an application or a caller was found when half was assigned.",
    "G4": "A call that failed said something else, or nothing: neither role nor principal nor who may.",
    "G5": "What a PowerShell session preferred, or a folder was called, broke the script that assigns roles.",
    "G7": "Beyond 999 assignments, one that is there already was sent again.",
    "G8": "An id in capitals was sent again where its role is there already.",
    "G9": "Who may assign callers but no Graph roles was refused, and reached no caller.",
    "S1": "Transitive requirements floated: a package that was deployed again was another app.",
    "S2": "The app imported six packages that came only with others, in whatever version those liked.",
    "S3": "The package was tried beside all that the sandbox and the tests require.",
    "C": "A judgement's line could be broken on purpose, and no test noticed.",
}


class Held(NamedTuple):
    """A test that holds a fault: where it is, and what it said while the fault was there."""

    fault: str
    test: str
    before: str


def held() -> list[Held]:
    """Return every mark in the tests, sorted by fault and test."""
    found = []
    for file in sorted(TESTS.rglob("test_*.py")):
        if "node_modules" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                place = f"{file.relative_to(TESTS).as_posix()}::{node.name}"
                found += [Held(*mark, place) for mark in _marks(node)]
    return sorted((Held(fault, test, before) for fault, before, test in found), key=_order)


def _marks(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[tuple[str, str]]:
    marks = []
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == "pytest.mark.fault":
            name, before = ast.literal_eval(each.args[0]), ast.literal_eval(each.keywords[0].value)
            marks.append((name, before))
    return marks


def _order(one: Held) -> tuple[str, int, str]:
    return one.fault[0], int(one.fault[1:] or 0), one.test


def main() -> None:
    """Print the table."""
    for fault, about in FAULTS.items():
        print(f"{fault}: {about}")
        for each in held():
            if each.fault == fault:
                print(f"    {each.test}\n        before: {each.before}")


if __name__ == "__main__":
    main()

"""
Break the code on purpose, one line at a time, and see whether a test notices: `make mutants`, or

    python -m tests.mutants [--group NAME] [--seed N] [--count N] [--minutes N] [--share PERCENT] [FOLDER OR FILE …]

draws mutants of a group of rooms, or of the folders and files named, and lists those that no test of the group notices,
with the reason if `accepted.toml` beside this file has one. Ends with 1 if too few were noticed, or if the time did not
suffice.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tomllib
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from .running import Job, Tests, measure, preload, run_all
from .sources import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Rooms, and the tests that may notice their mutants. The others start whole processes, a browser or Node, are
#: benchmarks, or hold other rooms.
GROUPS = {
    "deciding": (
        ("shared/outcomes", "shared/enrichment", "shared/state", "shared/entities"),
        ("tests/enrichment", "tests/entities", "tests/incident", "tests/outcomes", "tests/selftest", "tests/sentinel",
         "tests/state", "tests/test_telemetry.py", "tests/watch/test_watch.py"),
    ),
    "writing": (
        ("shared/comment", "shared/kql"),
        ("tests/comment", "tests/kql", "tests/catalog", "tests/hunts", "tests/incident", "tests/pages"),
    ),
}  # fmt: skip
#: Of these, a test takes ten seconds and more: whole days, and many runs at once.
UNUSED = ("tests/enrichment/test_replay.py", "tests/enrichment/test_isolation.py")
#: Seconds. Tests that take longer are not used, either.
_SLOWEST = 4.0

#: Why nothing has to notice a mutant, by its key.
Accepted = dict[tuple[str, str, int, str], str]


def read_mutants(places: Iterable[str]) -> list[Mutant]:
    """Return every mutant of the files and folders named."""
    files = [
        file
        for place in places
        for file in ([Path(place)] if Path(place).is_file() else sorted(Path(place).glob("*.py")))
    ]
    return [one for file in files for one in mutants(file.as_posix(), file.read_text(encoding="utf-8"))]


def draw(every: list[Mutant], count: int, seed: str) -> list[Mutant]:
    """
    Return *count* mutants, of each file as many as is its share of them all.

    A mutant's chance depends on nothing but *seed* and itself, so that a changed line leaves the others drawn.
    """

    def chance(mutant: Mutant) -> bytes:
        return sha256(f"{seed} {mutant.key}".encode()).digest()

    count = min(count, len(every))
    exact = {file: count * of / len(every) for file, of in Counter(mutant.file for mutant in every).items()}
    places = {file: int(share) for file, share in exact.items()}
    for file in sorted(exact, key=lambda file: places[file] - exact[file])[: count - sum(places.values())]:
        places[file] += 1
    return [
        mutant
        for file, number in places.items()
        for mutant in sorted(
            sorted((one for one in every if one.file == file), key=chance)[:number], key=_place
        )
    ]


def _place(mutant: Mutant) -> tuple[int, int, str]:
    return mutant.line, mutant.column, mutant.change


def read_accepted(file: Path) -> Accepted:
    """Read the reasons."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("accepted", [])
    return {
        (entry["file"], entry["line"], entry["column"], entry["change"]): entry["reason"] for entry in entries
    }


def stale(accepted: Accepted, every: list[Mutant]) -> list[str]:
    """Return the entries about files of *every* that are about none of its mutants any more."""
    known = {mutant.key for mutant in every}
    files = {mutant.file for mutant in every}
    return [
        ": ".join(map(str, key))
        for key in accepted
        if key not in known and (key[0] in files or not Path(key[0]).exists())
    ]


def run(
    drawn: list[Mutant], tests: Tests, folder: Path, *, cores: int, until: float
) -> tuple[dict[str, list[Mutant]], str]:
    """
    Run the tests on each mutant; return the mutants by what became of them.

    The tests are also run on the files as they are, as mutants get them. If one then fails, the second value is what
    pytest says, and what became of the mutants says nothing; else it is ''.
    """
    jobs = [Job(mutant, tests.of(mutant)) for mutant in drawn]
    used = {
        test: seconds for test, seconds in tests.seconds.items() if any(test in job.tests for job in jobs)
    }
    print(f"{len(used)} tests may notice them.", flush=True)
    todo = [Job(None, used), *(job for job in jobs if job.tests)]
    (_, unchanged), *ended = run_all(todo, folder, cores=cores, until=until)
    found: dict[str, list[Mutant]] = {
        "survived": [job.mutant for job in jobs if job.mutant and not job.tests]
    }
    for job, verdict in ended:
        if job.mutant:
            found.setdefault(verdict, []).append(job.mutant)
    sound = unchanged in ("survived", "left")
    return found, "" if sound else (folder / "000" / "log").read_text(encoding="utf-8")[-5000:]


def main() -> int:
    """Draw, run and report; return 1 if the tests noticed too few."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("places", nargs="*")
    parser.add_argument("--group", choices=GROUPS, default="deciding")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=85, help="percent that must be noticed")
    parser.add_argument("--tests", nargs="+")
    asked = parser.parse_args()
    rooms, held = GROUPS[asked.group]
    places, named = asked.places or rooms, asked.tests or held
    cores = min(2, os.cpu_count() or 1)
    started = time.monotonic()
    every = read_mutants(places)
    drawn = draw(every, asked.count, asked.seed)
    print(f"{len(drawn)} of {len(every)} mutants, drawn by seed {asked.seed}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
        chosen = [*named, *(f"--ignore={file}" for file in UNUSED)]
        tests = measure(folder, chosen, places, cores=cores, slowest=_SLOWEST)
        print(f"Used are {', '.join(named)}, but not {', '.join(UNUSED)}, and none with a browser or Node.")
        for test, reason in sorted(tests.unused.items()):
            print(f"Not used, since it {reason}: {test}")
        preload(folder)
        found, trouble = run(drawn, tests, folder, cores=cores, until=started + 60 * asked.minutes)
    accepted = read_accepted(Path(__file__).with_name("accepted.toml"))
    for mutant in sorted(found["survived"], key=drawn.index):
        reason = accepted.get(mutant.key, "no reason is given")
        print(f"survived: {mutant.name}\n    in: {mutant.text}\n    why: {reason}")
    for entry in stale(accepted, every):
        print(f"accepted.toml is about no mutant any more: {entry}")
    slow, left = len(found.get("timed out", ())), len(found.get("left", ()))
    killed = len(found.get("killed", ())) + slow
    percent = 100 * killed / len(drawn)
    print(
        f"{percent:.1f} % killed: {killed} of {len(drawn)}, {slow} of them since they took too long; {left} left undone; "
        f"{(time.monotonic() - started) / 60:.1f} minutes on {cores} cores."
    )
    if trouble:
        print(f"This says nothing: the tests fail on the files as they are, as mutants get them.\n{trouble}")
    return int(percent < asked.share or left > 0 or bool(trouble))


if __name__ == "__main__":
    sys.exit(main())

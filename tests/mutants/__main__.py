"""
Break the code on purpose, one line at a time, and see whether a test notices: `make mutants`, or

    python -m tests.mutants [--seed N] [--count N] [--minutes N] [--share PERCENT] [FILE …]

It draws mutants of ROOMS, or of the files named, and lists those that no test noticed. `accepted.toml` beside this file
has the reasons of those that none has to notice. Fails if too few were noticed, or if the time did not suffice.
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

from .operators import Mutant, mutants
from .running import ROOT, Job, measure, preload, run_all

ROOMS = ("shared/outcomes", "shared/enrichment", "shared/state", "shared/entities")
#: The tests that may notice a mutant. The others start whole processes, a browser or Node, are benchmarks, or hold
#: other rooms.
TESTS = tuple(
    f"tests/{name}"
    for name in (
        "enrichment", "entities", "incident", "outcomes", "selftest", "sentinel", "state", "test_watch.py",
    )
)  # fmt: skip
#: These take ten seconds and more, a test: whole days, and many runs at once.
UNUSED = ("tests/enrichment/test_replay.py", "tests/enrichment/test_isolation.py")
#: Seconds. Tests that take longer are not used, either.
_SLOWEST = 4.0

Accepted = dict[tuple[str, str, str], str]


def draw(every: list[Mutant], count: int, seed: str) -> list[Mutant]:
    """
    Return *count* mutants, of each file as many as is its share of them all.

    A mutant's chance depends on nothing but *seed* and itself, so that a change of one line draws few others.
    """

    def chance(mutant: Mutant) -> bytes:
        return sha256(f"{seed} {mutant.file} {mutant.text} {mutant.column} {mutant.change}".encode()).digest()

    totals = Counter(mutant.file for mutant in every)
    exact = {file: min(count, len(every)) * total / len(every) for file, total in totals.items()}
    places = {file: int(share) for file, share in exact.items()}
    rest = min(count, len(every)) - sum(places.values())
    for file in sorted(exact, key=lambda file: places[file] - exact[file])[:rest]:
        places[file] += 1
    drawn = [
        mutant
        for file, number in places.items()
        for mutant in sorted((one for one in every if one.file == file), key=chance)[:number]
    ]
    return sorted(drawn, key=lambda mutant: (mutant.file, mutant.line, mutant.column, mutant.change))


def read_accepted(file: Path) -> Accepted:
    """Read the reasons, by file, text of the line and change."""
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("accepted", [])
    return {(entry["file"], entry["line"], entry["change"]): entry["reason"] for entry in entries}


def stale(accepted: Accepted, every: list[Mutant]) -> list[str]:
    """Return the entries that are about no mutant any more."""
    known = {(mutant.file, mutant.text, mutant.change) for mutant in every}
    return [f"{file}: {line}: {change}" for file, line, change in accepted if (file, line, change) not in known]


def main() -> int:
    """Draw, run and report; return 1 if the tests noticed too few."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("files", nargs="*", help="of the rooms; all of them where none is named")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", type=float, default=85, help="percent that must be noticed")
    parser.add_argument("--cores", type=int, default=min(2, os.cpu_count() or 1))
    asked = parser.parse_args()
    started = time.monotonic()
    files = [file.relative_to(ROOT).as_posix() for room in ROOMS for file in sorted((ROOT / room).glob("*.py"))]
    every = [mutant for file in files for mutant in mutants(file, (ROOT / file).read_text(encoding="utf-8"))]
    accepted = read_accepted(Path(__file__).with_name("accepted.toml"))
    drawn = draw([one for one in every if not asked.files or one.file in asked.files], asked.count, asked.seed)
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(folder / "hypothesis")
        chosen = [*TESTS, *(f"--ignore={file}" for file in UNUSED)]
        print(f"a: {time.monotonic()-started:.0f}"); tests = measure(folder, chosen, ROOMS, cores=asked.cores, slowest=_SLOWEST)
        preload(folder)
        jobs = [Job(mutant, of := tests.of(mutant), 20 + 5 * sum(map(tests.seconds.__getitem__, of))) for mutant in drawn]
        used = sorted({test for job in jobs for test in job.tests}, key=tests.seconds.__getitem__)
        control = Job(None, used, 60 + 5 * sum(tests.seconds.values()))
        print(f"{len(drawn)} of {len(every)} mutants, seed {asked.seed}; {len(used)} tests may notice them")
        print(f"Not used: all but {' '.join(TESTS)}; of these, {' '.join(UNUSED)}, browser and node")
        for test, reason in tests.unused.items():
            print(f"Not used, since it {reason}: {test}")
        print(f"b: {time.monotonic()-started:.0f}"); todo = [control, *(job for job in jobs if job.tests)]
        ended = run_all(todo, folder, cores=asked.cores, until=started + 60 * asked.minutes)
        if ended[0][1] not in ("survived", "left"):
            print((folder / "000" / "log").read_text(encoding="utf-8")[-5000:])
            raise SystemExit("the tests fail on the files as they are, in the order in which mutants get them")
    verdicts = Counter(verdict for _, verdict in ended[1:])
    survivors = [job.mutant for job, verdict in ended[1:] if verdict == "survived"]
    survivors += [job.mutant for job in jobs if not job.tests]
    for mutant in sorted(survivors, key=drawn.index):
        reason = accepted.get((mutant.file, mutant.text, mutant.change), "no reason is given")
        print(f"{mutant.name}\n    {mutant.text}\n    {reason}")
    for entry in stale(accepted, every):
        print(f"accepted.toml is about no mutant any more: {entry}")
    noticed = verdicts["killed"] + verdicts["timed out"]
    percent = 100 * noticed / len(drawn)
    minutes = (time.monotonic() - started) / 60
    print(
        f"{percent:.1f} % killed: {noticed} of {len(drawn)}, {verdicts['timed out']} of them by time; "
        f"{verdicts['left']} left; {minutes:.1f} minutes on {asked.cores} cores"
    )
    return int(percent < asked.share or verdicts["left"] > 0)


if __name__ == "__main__":
    sys.exit(main())

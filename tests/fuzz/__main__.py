"""
Fuzz: `make fuzz`, or

    python -m tests.fuzz [--seconds N] [--seed N] [TARGET …]

tries each target for N seconds with inputs that hypothesis draws, and prints how many became what. Of an input that fails,
it prints the smallest that fails as well, and how to see it again. Ends with 1 if any failed.
"""

from __future__ import annotations

import argparse
import logging
import time

from .running import fuzz
from .targets import TARGETS


def main(arguments: list[str] | None = None) -> int:
    """Run the targets named, or all of them; return how many failed, at most 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Try every target with made-up inputs."
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default"
    )
    parser.add_argument("--seconds", type=float, default=600, help="for each target; 600 by default")
    parser.add_argument(
        "--seed",
        type=int,
        default=time.time_ns() // 10**9,
        help="of the first round; another one each time by default",
    )
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    failed = 0
    for name in asked.targets or TARGETS:
        done = fuzz(TARGETS[name], asked.seconds, asked.seed)
        ends = ", ".join(f"{count:,} {end}" for end, count in done.ends.most_common())
        print(f"{name}: {done.ends.total():,} tried, seeds {asked.seed} to {done.seed}: {ends}", flush=True)
        if done.failure:
            failed = 1
            print(
                f"{done.failure}\n{name} FAILED. Again: make fuzz TARGET={name} SEED={done.seed} SECONDS=1\n",
                flush=True,
            )
    return failed


if __name__ == "__main__":
    # Warnings about each odd incident would hide the figures.
    logging.disable(logging.WARNING)
    raise SystemExit(main())

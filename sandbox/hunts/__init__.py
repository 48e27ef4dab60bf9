"""
A hunt author's bench: `python -m sandbox hunts new | check | render | run | test`.

Begin with `commands`, which names them all, each in a file of its own. `cases` reads the rows that stand beside a hunt, and runs
it on them; `schema` writes what editors check a hunt file by. May import the app, `telemetry`, `tenant` and `kusto`.
"""

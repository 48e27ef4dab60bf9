"""
Hunt files: read one (`file`), load all of them (`load`), and choose among them (`select`).

Begin with `load.load_hunts`, which returns the `Catalog` that a process works with. `query` writes the KQL
that is sent for a hunt, `about` says what one needs, and `attack` and `layer` where hunts stand in MITRE ATT&CK. May import `kql` and `model`.
"""

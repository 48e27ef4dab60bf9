"""
Hunt files: read one (`file`), load all of them (`load`), and choose among them (`select`).

Begin with `load.load`, which returns the `Catalog` that a process works with. May import `kql` and `model`.
"""

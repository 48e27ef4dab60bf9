"""
Turn a hunt's answer (`reading`, `unpacking`) into what it found (`summarizing`), and that into an outcome (`deciding`).

Begin with `deciding.decide`: it keeps the five outcomes apart, so that *not run* never reads as *nothing
found*. May import `catalog`, `kql` and `model`.
"""

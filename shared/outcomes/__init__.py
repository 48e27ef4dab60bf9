"""
Turn a hunt's answer into what it found (`reading`), and that into an outcome (`deciding`).

Begin with `deciding.decide`: it keeps the five outcomes apart, so that *not run* never reads as *nothing
found*. May import `catalog` and `model`.
"""

"""
A hunt's answer -> what it found (`reading`) -> how the hunt ended (`deciding`).

Begin with `deciding.decide`: it keeps the five outcomes apart, so that *not run* never reads as *nothing found*. May
import `model`.
"""

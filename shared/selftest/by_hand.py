"""What the app cannot see of a tenant by itself, since it shows on pages that people open alone."""

from __future__ import annotations

#: infra/live-check.md has each of them, by these words, with how to try it, and what to do if it is otherwise.
BY_HAND = (
    "A comment shows on its incident in the Defender portal",
    "A comment shows in an incident case",
    "A comment shows on the incident into which another was merged",
    "An incident that Sentinel syncs has one comment, in both",
    "An analyst who is no administrator opens a report",
)

"""
Outcomes -> the comment on an incident. Values in, text out: nothing here waits, reads or stores.

`saying` chooses what a comment says, `verdict` its first line; `text` and `html` write it down. `neutral` makes
values from telemetry harmless, `marker` recognises a comment of ours. May import `model`.
"""

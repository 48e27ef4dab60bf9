"""
Turn outcomes into the comment on an incident; nothing here waits, reads or stores.

`saying` chooses what a comment says, `verdict` writes its first line; `text` and `html` format it. `neutral`
makes values from telemetry harmless, `secrets` masks by the table in `forms`, `marker` recognises Outrider's own
comments. May import `model`.
"""

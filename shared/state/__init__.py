"""
What outlives a call: stored objects and queued messages.

Begin with `runs.Runs`, which stores runs and sends their ids. `objects` is the store beneath it, `queue` sends the
messages, `ledger` keeps what was hunted on each incident. May import `model`.
"""

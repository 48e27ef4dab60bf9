"""
Everything that outlives a call: stored objects and queued messages.

Begin with `runs.Runs`, which stores runs and sends their ids to the queues. `objects` is the store beneath
it, `queue` sends the messages, `ledger` logs what was hunted on each incident, `claims` are the right to
post, `quota` says when a hunting call may be sent, and `recent` counts how often each hunt ran. May import `model`.
"""

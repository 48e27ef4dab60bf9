"""
One run, from its incident or request to its comment.

Begin with `flow`, which shows the whole of it: `planning` chooses entities, hunts and windows, `hunting` asks Graph,
`ending` decides what came out. May import everything but `sweep` and `pages`.
"""

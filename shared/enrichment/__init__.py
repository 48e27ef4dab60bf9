"""
An enrichment run, from an incident or a request to the comment on the incident.

Begin with `flow`, which shows every step. `planning` chooses entities, hunts and time windows (`windows`),
`sharing` leaves out what was already hunted on the incident, `hunting` queries Graph, and `ending` decides
how every hunt ended. May import every package of `shared/` except `sweep`, `pages` and `selftest`.
"""

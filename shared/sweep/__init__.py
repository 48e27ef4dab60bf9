"""
Hunts over the whole fleet: what is new since yesterday, the rarest first.

Begin with `flow`. `asking` makes the queries that `parts` divides the fleet into; `record` keeps their answers;
`rows`, `tally` and `summary` count and rank them; `ending` decides, `comments` tells incidents, `report` shows it.
"""

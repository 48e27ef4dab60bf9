"""
Sweeps: run hunts over the whole fleet, and rank what is new since yesterday, the rarest first.

Begin with `flow`. `counting` counts devices and rows, and `together` asks for the hunts that fit into one answer in one
call. For each of the others `survey` decides what to ask next, and `asking` sends it: one query for the fleet, or one for
each of the `parts` into which it is divided. `record` stores the answers; `rows`, `tally`, `ranking`
and `summary` count and rank them. `ending` decides how each hunt ended. `comments` posts what is new on open
incidents, which `incidents` finds, with the rows that `news` gathers for them.
`report` shows a sweep as a page, and `serving` reads its rows.
"""

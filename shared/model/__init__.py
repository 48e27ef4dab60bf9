"""
The values that are stored and passed from room to room; nothing here reads, writes or decides.

Begin with `record` (`Work`, `Plan`, `Done`: what is kept of a run). `entity`, `hunt`, `finding`, `outcome` and
`incident` hold what those are made of. Imports nothing of Outrider's.
"""

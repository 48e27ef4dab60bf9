"""
The values that are stored and passed between packages; nothing here reads, writes or decides.

Begin with `record`: `Work`, `Plan` and `Done` are what is stored of a run. `entity`, `hunt`, `finding`,
`outcome` and `incident` hold the parts of those. Imports no other package of Outrider.
"""

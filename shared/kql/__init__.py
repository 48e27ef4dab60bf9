"""
Kusto Query Language: read a hunt's query, and write the query that is sent.

`write` writes the query of one hunt (`device_query`, `indicator_query`, `fleet_query`), and `batch` that of many;
`front` is what stands in front of a hunt's text, `names` among it, and `prevalence` counts values over the fleet. A
value enters only as a literal, which `literals` writes. `read` finds out which tables a query reads, and reports a
query that could escape its scope; it builds on `lexer`, `vocabulary`, `tables` and `walk` (with `operators`,
`scalars`, and `plain` for forms that are sent as others, as `edit` writes them), on `origin` for whether all rows
stem from a device, on `clock` for how far back it looks and from when, and on `columns` and `shaping` for whose its
rows are. `binding` puts values where a query declares its own, and `rarity` finds what counts the fleet. `fair`
limits rows for each of those they are about. `portal` makes links to the Defender portal. May import `model`.
"""

"""
Kusto Query Language: read a hunt's query, and write the query that is sent.

`write` writes the query of one hunt (`device_query`, `indicator_query`, `fleet_query`), and `batch` that of many; `front` is
what stands in front of a hunt's text, and `prevalence` counts values over the fleet. A value enters only as a literal, which `literals` writes.
`read` finds out which tables a query reads, and reports a query that could escape its scope; it builds on
`lexer`, `vocabulary` and `walk`, on `clock` for how far back it looks, and on `columns` and `shaping` for whose its
rows are. `fair` limits rows for each of those they are about. `portal` makes links to the Defender portal. May
import `model`.
"""

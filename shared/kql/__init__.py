"""
Kusto Query Language: read a hunt's query, and write the query that is sent.

`write` is the only place where a value is put next to KQL: `device_query`, `indicator_query`, `fleet_query`.
`read` finds out which tables a query reads, and reports a query that could escape its scope; it builds on
`lexer`, `vocabulary` and `walk`, on `clock` for how far back it looks, and on `columns` and `shaping` for whose its
rows are. `fair` limits rows for each of those they are about. `portal` makes links to the Defender portal. May
import `model`.
"""

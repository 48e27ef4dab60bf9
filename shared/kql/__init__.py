"""
Kusto Query Language: reading a hunt's text, and writing the query that is sent.

`write` is the only place where a value is put next to KQL: `device_query`, `indicator_query`, `fleet_query`. `read`
tells what a query reads and refuses one that could escape its scope; it stands on `lexer` and `vocabulary`. May
import `model`.
"""

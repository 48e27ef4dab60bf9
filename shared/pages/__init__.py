"""
Show a run: as a page (`run`), a hunt's rows as JSON or CSV (`rows`), or as JSON for a playbook (`summary`).

`catalogue` is the page of all hunts. `layout` has the style and the templates, which the page of a sweep uses, too. May
import `catalog`, `comment`, which makes values harmless, `kql`, `model`, `outcomes` and `state`.
"""

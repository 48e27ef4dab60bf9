"""
A tenant of Microsoft's cloud, in memory: Graph security, Sentinel in Resource Manager, and a page to look at.

Begin with `app.build_app`. `state.Tenant` holds what the tenant knows; `graph` and `arm` answer as Microsoft
does, and `faults` makes them fail. `incidents`, `evidence`, `intrusions` and `sentinel` make what can be
found, `filters` reads what narrows an answer, `tokens` makes those that show their claims, and `page` shows
the incidents. May import `telemetry`.
"""

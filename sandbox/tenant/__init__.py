"""
A tenant of Microsoft's cloud, in memory: Graph security, Sentinel through Resource Manager, and a page to look at.

Begin with `app.build_app`. `state.Tenant` is what it knows; `graph` and `arm` answer as Microsoft does, and `faults`
makes them fail. `incidents`, `evidence`, `intrusions` and `sentinel` make what there is to find. May import
`telemetry`.
"""

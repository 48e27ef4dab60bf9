"""
Microsoft Sentinel through Azure Resource Manager: incidents, their entities and comments.

Begin with `client.Arm`, the only class that calls Resource Manager. `body` reads what Sentinel's incident
trigger sends and what Resource Manager answers. May import `entities` and `model`.
"""

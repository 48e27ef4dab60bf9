"""
The telemetry of a made-up fleet, and the engine that runs hunts on it.

Begin with `engine.Engine`, which runs KQL over Defender's tables; `generation.generate` fills them, and
`rows` makes single rows. Knows nothing of incidents.
"""

"""
The telemetry of a made-up fleet, and the engine that runs hunts on it.

Begin with `engine.Engine`, which runs KQL over Defender's tables; `generation.generate` fills them, with
what an ordinary fleet does (`life`); `rows` and `traces` make the rows of an intrusion, and `noise` measures hunts by both. Knows
nothing of incidents.
"""

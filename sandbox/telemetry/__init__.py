"""
What the fleet's devices sent, and the engine that hunts in it.

Begin with `engine.Engine`, which runs KQL over Defender's tables; `generation.generate` fills them. Knows nothing of
incidents.
"""

"""
Azurite, Microsoft's emulator of Azure Storage, with the app's own way in: its addresses, TLS and managed identity.

Begin with `emulator.running`. `machine` says what this machine lacks for it, and `certificate` makes the one that it
shows. Nothing here changes anything outside of the user's own cache folder. May import `tenant`.
"""

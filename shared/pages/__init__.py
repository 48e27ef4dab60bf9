"""
A run as its readers want it: a page or CSV (`run`), or JSON for a playbook (`summary`).

May import `comment`, which makes values harmless, and everything that `comment` may.
"""

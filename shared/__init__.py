"""The application, independent of its triggers; DESIGN.md lists the modules in reading order."""

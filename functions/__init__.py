"""The app's functions: each module reads a trigger's input, calls `shared`, and makes the answer."""

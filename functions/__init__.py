"""The triggers: one a file, parse in, call `shared`, map out."""

"""Runs: recordings, a model, options and a folder become tables."""

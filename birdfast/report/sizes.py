"""Sizes: how much a page holds, unless somebody says otherwise; light, so that commands can tell it."""

MOST, MOST_EVER = 200_000, 500_000  # rows, and those that a browser still lays out
CLIPS_MB = 10.0
BEST = 5  # clips of each species, if there is room
CONTEXT_S = 1.0  # heard before and behind a detection

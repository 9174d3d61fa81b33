"""Faults on purpose: `failing.c` is preloaded, `preload` tells it what fails, `house` what runs."""

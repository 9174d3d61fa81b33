"""Runtimes: the libraries of others that run networks, a file each."""

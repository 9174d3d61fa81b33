"""The version: what the package, its journals and its caches are called by."""

__version__ = "0.1.0"

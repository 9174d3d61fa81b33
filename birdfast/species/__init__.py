"""Species: which classes lists mean, which are expected at a place, what they are called in a language."""

from __future__ import annotations

from . import expected, languages, lists
from .expected import Expected

__all__ = ["Expected", "expected", "languages", "lists"]

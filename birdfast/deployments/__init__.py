"""Deployments: where and when a recording was made: by its name, what its file says, and a table of sites."""

from __future__ import annotations

from . import clock, sites
from .content import Content
from .names import FAMILIES, Deployment, compiled, of

__all__ = ["FAMILIES", "Content", "Deployment", "clock", "compiled", "of", "sites"]

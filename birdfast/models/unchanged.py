"""Whether models' files still hold what is meant."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ModelError
from .kinds import Digests
from .model import Model


def check_unchanged(models: Sequence[Model], meant: Sequence[Digests]) -> None:
    """Refuse models whose files hold something else than they did.

    Raises
    ------
    ModelError
        The message names the file; or one cannot be read.
    """
    for model, digest in zip(models, meant, strict=True):
        for path, now, then in zip(model.files, model.digests().every, digest.every, strict=True):
            if now != then:
                raise ModelError(
                    f"{path}: was replaced or changed since the workers were started (its SHA-256 is"
                    f" {now[:12]}..., no longer {then[:12]}...)"
                )

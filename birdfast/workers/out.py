"""Out: a bundle of a run's files that an executor has, and what becomes of it."""

from __future__ import annotations

import dataclasses
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from ..errors import ConfigError, OutputError
from . import parts
from .bundles import Bundle
from .executor import Future
from .process import ERRORS

WRITTEN = {OutputError.__name__: OutputError}


@dataclasses.dataclass(eq=False)
class Out:
    """A bundle that is out."""

    bundle: Bundle
    order: Path
    slot: int
    future: Future | None = None

    def told(self, of: str) -> dict[str, Any]:
        """Return what a task told: a part that is here and whole, or how it was lost or given back.

        Raises
        ------
        ModelError, ConfigError, OutputError
            What would have ended a local run, too.
        """
        assert self.future is not None
        try:
            told: dict[str, Any] = self.future.result(0)
        except CancelledError as error:
            return {"back": str(error) or "the executor cancelled it"}
        except Exception as error:  # a library's own, as that its worker died
            return {"lost": str(error) or type(error).__name__}
        if "error" in told:
            raise (ERRORS | WRITTEN).get(told["error"], ConfigError)(told["message"])
        if "gone" in told and self.order.exists():
            raise ConfigError(f"{told['gone']}: the results have to lie where all machines see them")
        if "part" in told and not parts.is_whole(parts.of(self.order), of):
            return {"lost": "its part is damaged"}
        return {"lost": "it was taken back"} if "gone" in told else told

    def take_back(self) -> None:
        """Let nobody begin a bundle any more, or be at it."""
        self.order.unlink(missing_ok=True)
        if self.future is not None:
            self.future.cancel()

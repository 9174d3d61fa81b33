"""Out: a bundle of a run's files that an executor has, and what becomes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from ..errors import ClusterError
from . import parts, share
from .bundles import Bundle
from .futures import Future, Lost, UnfitError


@dataclasses.dataclass(eq=False)
class Out:
    """A bundle that is out."""

    bundle: Bundle
    order: Path
    slot: int
    future: Future | None = None

    def told(self, of: str, is_here: Callable[[str], bool], *, has_run: bool) -> dict[str, Any]:
        """Return what a task told: a part that is here and whole, or how it was lost or given back.

        Parameters
        ----------
        of : str
            What tells the run's parts from another's.
        is_here : callable
            Says whether this process gets at a file: then a machine that does not is "unfit", which is the
            error that says why. So is one that cannot do what was proven here: use the models, and write.
        has_run : bool
            Whether a task of the run ever told anything: else one that fails has not begun.
        """
        assert self.future is not None
        try:
            told: dict[str, Any] = self.future.result(0)
        except CancelledError as error:
            return {"back": str(error) or "the executor cancelled it"}
        except UnfitError as error:
            return {"unfit": ClusterError(str(error)), "host": error.where}
        except Lost as error:
            return {"lost": str(error)}
        except Exception as error:  # a library's own
            why = str(error) or type(error).__name__
            return (
                {"lost": why} if has_run else {"unfit": ClusterError(f"no task begins ({why})"), "host": ""}
            )
        if "error" in told:
            return told | {"unfit": ClusterError(told["message"])}
        if "gone" in told and not share.has_gone(self.order):
            why = f"{told['gone']}: the results have to lie where all machines see them"
            return told | {"unfit": ClusterError(why)}
        if unseen := [(path, why) for path, why in told.get("unseen", ()) if is_here(path)]:
            why = f"{told['host']} does not get at what can be had here: {unseen[0][1]}"
            return told | {"unfit": ClusterError(why)}
        if "part" in told and not parts.is_whole(parts.of(self.order), of):
            return {"lost": "its part is damaged"}
        return {"lost": "it was taken back"} if "gone" in told else told

    def take_back(self) -> None:
        """Let nobody begin a bundle any more, or be at it."""
        self.order.unlink(missing_ok=True)
        if self.future is not None:
            self.future.cancel()

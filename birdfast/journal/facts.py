"""Facts: what a journal knows of its run as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigError
from ..tables.table import About, AboutModel, Names

KEPT = "rows kept by rtype or kinds"  # so users call what is the option `keep`
NOTHING = "none"


class Facts(NamedTuple):
    """A run as its journal knows it.

    Attributes
    ----------
    decides : dict of str to str
        What decides the results, by name: two runs with the same can share a folder.
    about : About
        What the tables say of the run; `decides` tells it already, so nobody compares it.
    shard : str
        "2/4" of a run that several machines share, else "".
    inputs : str
        What tells the list of such a run's files from another.
    """

    decides: Mapping[str, str]
    about: About
    shard: str = ""
    inputs: str = ""

    def differences(self, other: Facts, *, shards: bool = True) -> Iterator[str]:
        """Yield in words what is not the same in another run: "top_k: null, now 3".

        Where other models listen, or in another order, their names say it, and no more is told of them.

        Parameters
        ----------
        other : Facts
        shards : bool
            Whether another share of the same run is another run.
        """
        theirs, ours = dict(self.decides), dict(other.decides)
        if self.inputs or other.inputs:
            theirs["inputs"], ours["inputs"] = self.inputs, other.inputs
        if shards and (self.shard or other.shard):
            theirs["shard"], ours["shard"] = self.shard, other.shard
        names = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
        before, now = (", ".join(one.name for one in facts.about.models) for facts in (self, other))
        of_models = [name for name in names if name.startswith("model")]
        if before != now and (of_models or self.about.has_several):
            yield f"models: {before}, now {now}"
            names = [name for name in names if name not in of_models]
        for name in names:
            yield f"{name}: {theirs.get(name)}, now {ours.get(name)}"

    def to_json(self) -> str:
        """Return all of it as text."""
        models = [
            {"name": model.name, "label_spaces": model.label_spaces, "widths": dict(model.widths)}
            for model in self.about.models
        ]
        about = {**self.about._asdict(), "metadata": dict(self.about.metadata), "models": models}
        return json.dumps({**self._asdict(), "decides": dict(self.decides), "about": about})

    @classmethod
    def of(cls, text: str) -> Facts:
        """Return what `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        told = json.loads(text)
        about = told["about"]
        models = tuple(
            AboutModel(
                model["name"],
                tuple(map(_names, model["label_spaces"])),
                model["widths"],
            )
            for model in about["models"]
        )
        return cls(
            told["decides"],
            About(about["metadata"], models, about["has_channels"]),
            told["shard"],
            told["inputs"],
        )


def compare(path: Path, theirs: Facts, ours: Facts, *, shards: bool = True) -> None:
    """Refuse a journal of another run.

    Parameters
    ----------
    path : path
        The journal's.
    theirs, ours : Facts
    shards : bool
        Whether another share of the same run is another run.

    Raises
    ------
    ConfigError
        With the first differences, by name.
    """
    if found := list(theirs.differences(ours, shards=shards)):
        kept = theirs.decides.get(KEPT, NOTHING)
        is_all = len(found) == 1 and kept not in (NOTHING, ours.decides.get(KEPT))
        again = f" repeat {kept} in rtype or kinds," if is_all else ""
        raise ConfigError(
            f"{path}: of a run that differs ({'; '.join(found[:3])});"
            f"{again} choose another folder, or --force starts anew"
        )


def _names(told: list[Any]) -> Names:
    scientific, common, *space = told  # the space's name came later
    return Names(tuple(scientific), tuple(common), *map(str, space))

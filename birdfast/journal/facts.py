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
OPTIONS = "options"  # of the metadata of tables
QUESTION = "question"
HELD = "files"  # of a question: what its files held, by their digests
REMEMBERED = "remembered"  # what the small ones among them held: a path and a text by their names
BASE = "base"
PICKING = ("min_confidence", "top_k", "sensitivity")  # what of the options is asked


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
    asked : dict
        What is asked of what was heard, as plain values: `PICKING` of the options, under `QUESTION` what else
        the tables tell of, under `REMEMBERED` what its files held, and under `BASE` the folder that
        recordings are seen from. It decides nothing of what the journal keeps.
    """

    decides: Mapping[str, str]
    about: About
    shard: str = ""
    inputs: str = ""
    asked: Mapping[str, Any] = {}

    @property
    def division(self) -> str:
        """How the files of a run are shared out, in words: "4 shares by hash"; "" of a run that is whole."""
        by = "bytes" if ", by " in self.inputs else "hash"
        return f"{self.shard.rpartition('/')[2]} shares by {by}" if self.shard else ""

    def asking(self, asked: Mapping[str, Any]) -> Facts:
        """Return the facts of the same run of which something else is asked; tables tell of that."""
        metadata = dict(self.about.metadata)
        options = json.loads(metadata.get(OPTIONS, "{}"))
        options |= {name: value for name, value in asked.items() if name in PICKING}
        if options:
            metadata[OPTIONS] = json.dumps(options)
        metadata.pop(QUESTION, None)
        if asked.get(QUESTION):
            metadata[QUESTION] = json.dumps(asked[QUESTION])
        return self._replace(about=self.about._replace(metadata=metadata), asked=dict(asked))

    def of_model(self, model: int, name: str, unknown: Any = None) -> Any:
        """Return what decides of a model's by a name, as a plain value, or what stands for one unknown."""
        whose = f"model {model + 1}'s" if self.about.has_several else "model's"
        told = self.decides.get(f"{whose} {name}")
        return unknown if told is None else json.loads(told)

    def differences(
        self, other: Facts, *, shards: bool = True, asked: bool = False, now: str = "now"
    ) -> Iterator[str]:
        """Yield in words what is not the same in another run: "top_k: null, now 3".

        Where other models listen, or in another order, their names say it, and no more is told of them.

        Parameters
        ----------
        other : Facts
        shards : bool
            Whether another share of the same run is another run.
        asked : bool
            Whether another question is.
        now : str
            What the other run is called.
        """
        theirs, ours = dict(self.decides), dict(other.decides)
        if asked:
            theirs, ours = theirs | _of_asked(self.asked), ours | _of_asked(other.asked)
        if self.inputs or other.inputs:
            theirs["inputs"], ours["inputs"] = self.inputs, other.inputs
        if shards and (self.shard or other.shard):
            theirs["shard"], ours["shard"] = self.shard, other.shard
        names = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
        before, after = (", ".join(one.name for one in facts.about.models) for facts in (self, other))
        of_models = [name for name in names if name.startswith("model")]
        if before != after and (of_models or self.about.has_several):
            yield f"models: {before}, {now} {after}"
            names = [name for name in names if name not in of_models]
        for name in names:
            yield f"{name}: {theirs.get(name)}, {now} {ours.get(name)}"

    def to_json(self) -> tuple[str, str]:
        """Return all of it as text, and what is asked as text of its own."""
        models = [
            {"name": model.name, "label_spaces": model.label_spaces, "widths": dict(model.widths)}
            for model in self.about.models
        ]
        about = {**self.about._asdict(), "metadata": dict(self.about.metadata), "models": models}
        told = {**self._asdict(), "decides": dict(self.decides), "about": about}
        return json.dumps({**told, "asked": None}), json.dumps(dict(self.asked))

    @classmethod
    def of(cls, text: str, asked: str) -> Facts:
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
        known = About(about["metadata"], models, about["has_channels"])
        facts = cls(told["decides"], known, told["shard"], told["inputs"])
        return facts.asking(json.loads(asked))


def compare(path: Path, theirs: Facts, ours: Facts, *, shards: bool = True, asked: bool = False) -> None:
    """Refuse a journal of another run.

    Parameters
    ----------
    path : path
        The journal's.
    theirs, ours : Facts
    shards, asked : bool
        Whether another share of the same run, or another question, is another run.

    Raises
    ------
    ConfigError
        With the first differences, by name.
    """
    if found := list(theirs.differences(ours, shards=shards, asked=asked)):
        if len(found) == 1 and theirs.shard and ours.shard and theirs.inputs != ours.inputs:
            if theirs.division != ours.division:
                raise ConfigError(
                    f"{path}: is of {theirs.division}, now {ours.division}; go on with the --shard-by of"
                    " then, or take another folder for all"
                )
            raise ConfigError(
                f"{path}: of a run of other recordings ({found[0]}): some came, went, or (by bytes) grew"
                " since; finish all shares with the list of then (as a .txt file), or take another"
                " folder for all"
            )
        kept = theirs.decides.get(KEPT, NOTHING)
        is_all = len(found) == 1 and kept not in (NOTHING, ours.decides.get(KEPT))
        again = f" repeat {kept} in rtype or kinds," if is_all else ""
        raise ConfigError(
            f"{path}: of a run that differs ({'; '.join(found[:3])});"
            f"{again} choose another folder, or --force starts anew"
        )


def _of_asked(asked: Mapping[str, Any]) -> dict[str, str]:
    """Return what is asked, each by its name; files by what they hold, as they may lie elsewhere."""
    question = dict(asked.get(QUESTION, {}))
    told = {name: asked[name] for name in PICKING if name in asked} | question | question.pop(HELD, {})
    return {name: json.dumps(value) for name, value in told.items() if name != HELD}


def _names(told: list[Any]) -> Names:
    scientific, common, *space = told  # the space's name came later
    return Names(tuple(scientific), tuple(common), *map(str, space))

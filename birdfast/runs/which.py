"""Which species the tables of a run may tell of: those of lists, and those that are expected at a place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..arrays import Bools
from ..deployments import clock
from ..errors import ConfigError
from ..sources import Place
from ..tables import About, escaped
from .question import Question

if TYPE_CHECKING:
    from ..species.expected import Expected

Masks = tuple[tuple[Bools, ...], ...]  # by model: bool [n_classes], one a label space
LISTS = ("species", "exclude")  # the files of a question that name species
MOST_KEPT = 64  # places and weeks whose masks are kept: some are of 15,000 classes


class Which:
    """The classes that tables may tell of, by models and their label spaces.

    Parameters
    ----------
    question : Question
    about : About
        The models and their label spaces.
    files : dict of str to path
        The question's (`Question.files`).

    Attributes
    ----------
    words : list of str
        What is to be said of lists and of the model of places.

    Raises
    ------
    ConfigError
        A file cannot be read, or does not fit; a list names nothing that a model knows, or is to be taken
        strictly and names what none knows.
    """

    def __init__(self, question: Question, about: About, files: Mapping[str, Place]) -> None:
        self._question, self._about, self.words = question, about, list[str]()
        wanted, unwanted = (self._listed(files[name]) if name in files else None for name in LISTS)
        if unwanted is not None:
            unwanted = tuple(tuple(~mask for mask in masks) for masks in unwanted)
        self._chosen = unwanted if wanted is None else _both(wanted, unwanted)
        self._expected = self._geo(files) if "place_model" in files else None
        self._at = lru_cache(MOST_KEPT)(self._expected_at)

    @property
    def has_masks(self) -> bool:
        """Whether classes may be left out."""
        return self._chosen is not None or self._expected is not None

    @property
    def has_places(self) -> bool:
        """Whether where and when a recording was made says which."""
        return self._expected is not None

    def masks(self, latitude: float | None, longitude: float | None, week: int | None) -> Masks | None:
        """Return the classes that are told of, of a recording that was made there and then; None: all."""
        if self._expected is None or latitude is None or longitude is None:
            return self._chosen
        return self._at(latitude, longitude, week)

    def _expected_at(self, latitude: float, longitude: float, week: int | None) -> Masks | None:
        assert self._expected is not None
        where = (latitude, longitude, clock.WHOLE_YEAR if week is None else week)
        found = tuple(
            self._expected.masks(where, self._question.place_threshold, known) for known in self._known
        )
        return _both(found, self._chosen)

    def _listed(self, path: Place) -> Masks:
        """Return the classes that a list names."""
        from ..species import lists

        spaces = [space for model in self._about.models for space in model.label_spaces]
        chosen = lists.chosen(lists.read(path), spaces)
        told = lists.told(path, chosen.unknown, spaces)
        masks = iter(chosen.masks)
        of_models = tuple(tuple(next(masks) for _ in model.label_spaces) for model in self._about.models)
        if told and (self._question.strict or not any(mask.any() for mask in chosen.masks)):
            raise ConfigError(told)
        if told:
            self.words.append(told)
        for model, its in zip(self._about.models, of_models, strict=True):
            if not any(mask.any() for mask in its):
                self.words.append(f"{path}: {escaped(model.name)} knows none of its species")
        return of_models

    def _geo(self, files: Mapping[str, Place]) -> Expected:
        """Open the model of places, and say whose classes it does not know."""
        from ..species import expected

        geo = expected.Expected(expected.Files(Path(files["place_model"]), Path(files["place_labels"])))
        self._known = [[geo.places_in(space) for space in model.label_spaces] for model in self._about.models]
        self.words.append(f"species expected at a place: {expected.TITLE} ({expected.LICENCE})")
        for model, known in zip(self._about.models, self._known, strict=True):
            n_unknown, n_classes = sum(int((one < 0).sum()) for one in known), sum(map(len, known))
            if n_unknown:
                which = f"{n_unknown:,} of its {n_classes:,} classes"
                self.words.append(f"{escaped(model.name)}: {which} are of no place, and told of everywhere")
        return geo


def _both(one: Masks, other: Masks | None) -> Masks:
    """Return the classes that are in both."""
    if other is None:
        return one
    return tuple(
        tuple(mask & more for mask, more in zip(masks, others, strict=True))
        for masks, others in zip(one, other, strict=True)
    )

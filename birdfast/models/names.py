"""Names of models: what tells several apart, also where they are part of a file's name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ..config import check
from ..errors import ConfigError
from .model import Model

APART = {*'/\\<>:"|?*'}  # what no file's name has on some system
LONGEST_BYTES = 180  # a file's name has 255, of which a table's unfinished one takes some
OTHER = 'a model has the name of its model.toml (name = "..."), or of its file; a trained one of its folder'


def is_name(name: str) -> bool:
    """Whether a table's file can have it in its name: it leads to no other folder, and can be read."""
    fits = bool(name) and name[0] not in ".-" and name.strip() == name and name.isprintable()
    return fits and not APART & {*name} and len(name.encode(errors="replace")) <= LONGEST_BYTES


def check_several(listening: Sequence[Model]) -> None:
    """Refuse models that cannot be told apart, and none at all.

    Raises
    ------
    ConfigError
        Two have one name, also where a file system takes their names for one; or one of several has a name
        that no file can have; or there is none.
    """
    for model in listening:
        check(isinstance(model, Model), "model", model, "a birdfast.models.Model; birdfast.load takes names")
    if not listening:
        raise ConfigError("models: none; at least one is wanted")
    known: dict[str, Model] = {}
    for model in listening if len(listening) > 1 else ():
        if not is_name(model.name):
            raise ConfigError(f"{model.path}: {model.name!r} cannot be part of a table's name; {OTHER}")
        alike = unicodedata.normalize("NFC", model.name).casefold()
        if (same := known.get(alike)) is not None:
            names = ", ".join(one.name for one in listening)
            raise ConfigError(
                f"models: {names}: two of one name ({same.path} and {model.path}), and rows have to say whose"
                f" they are; {OTHER}"
            )
        known[alike] = model


def place_of(names: Sequence[str], model: str | None) -> int:
    """Return the place of a model by its name; None is the only one's.

    Raises
    ------
    ConfigError
        There is no model of that name, or there are several and none is named.
    """
    if model is None and len(names) == 1:
        return 0
    if model is None:
        raise ConfigError(f"several models: name one with model=; it takes {', '.join(names)}")
    if model not in names:
        raise ConfigError(f"model: {model!r} does not fit; it takes {', '.join(names)}")
    return names.index(model)

"""Made: dataclasses of what a TOML file's tables say."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from ..errors import ConfigError
from .checks import LARGEST

T = TypeVar("T")


def made(kind: type[T], table: str, values: object) -> T:
    """Return a dataclass of what a TOML file's table says, each value of the type that its default has.

    Parameters
    ----------
    kind : type
        A dataclass whose fields have defaults that are bool, int, float or str.
    table : str
        Its name, for messages.
    values : object
        What the file has in the table's place. Fields that it leaves out have their defaults.

    Raises
    ------
    ConfigError
        No table, a key that there is not, or a value of another type, not finite or out of its range; the
        message names the key.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{table}: a table is wanted, not {values!r}")
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key, value in values.items():
        if key not in defaults:
            raise ConfigError(f"{table}.{key}: unknown; there are {', '.join(defaults)}")
        wanted = type(defaults[key])
        fits = type(value) is wanted or (wanted is float and type(value) is int)
        if not fits or (isinstance(value, int | float) and not abs(value) <= LARGEST):
            raise ConfigError(f"{table}.{key}: {value!r} does not fit; {wanted.__name__} is wanted")
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{table}.{error}") from error

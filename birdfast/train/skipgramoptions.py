"""How the skip-gram learns: the recipe's table `skipgram`."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.checks import number, whole
from ..errors import ConfigError

LARGEST_SIZE = 2**24  # of a vocabulary, a window: more finds no memory
MOST = {"dim": 2**14, "negatives": 2**10}  # 64 times the defaults and more; each worker has a row for each


@dataclass(frozen=True)
class SkipgramOptions:
    """How to learn; the defaults are those of the paper that birdfast implements.

    Parameters
    ----------
    dim : int
        Length of an embedding.
    window : int
        A centre's contexts are up to 1 .. `window` tokens to either side, anew for each centre.
    negatives : int
        Tokens a centre is told from; they are drawn anew for every 12 contexts.
    exponent : float in [-1, 1]
        Negatives are drawn in proportion to count ** exponent.
    subsample : float
        The share of all tokens above which a token is thinned out; 0 keeps all.
    min_count : int
        Tokens that occur less often take no part.
    epochs : int
    learning_rate, min_learning_rate : float in [0, 1]
        At the beginning and at the end.
    seed : int
        With one worker, the same seed gives the same bits on the same machine and versions.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """

    dim: int = 256
    window: int = 80
    negatives: int = 5
    exponent: float = 0.75
    subsample: float = 1e-4
    min_count: int = 1
    epochs: int = 100
    learning_rate: float = 0.025
    min_learning_rate: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("dim", "window", "negatives", "min_count", "epochs"):
            object.__setattr__(self, name, whole(name, getattr(self, name), 1, MOST.get(name, LARGEST_SIZE)))
        object.__setattr__(self, "seed", whole("seed", self.seed))
        object.__setattr__(self, "subsample", number("subsample", self.subsample, 0))
        object.__setattr__(self, "exponent", number("exponent", self.exponent, -1, 1))
        rates = [number(name, getattr(self, name)) for name in ("learning_rate", "min_learning_rate")]
        if not 0 <= rates[1] <= rates[0] <= 1:
            raise ConfigError(f"learning_rate: {rates[0]} to {rates[1]} does not fall within 1..0")

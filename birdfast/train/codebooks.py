"""Codebooks: the whitening and the centroids of each stream of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..arrays import Float32
from ..errors import ConfigError
from ..modelfolder import Arrays
from ..stsg.compiled import named
from . import codebook, whitening
from .mixes import Mix
from .reader import Reader
from .recipe import Recipe
from .recordings import Clip


def find(
    recipe: Recipe,
    reader: Callable[[Arrays], Reader],
    everything: Sequence[Clip | Mix],
    seed: int,
    n_workers: int,
    *,
    say: Callable[[str], None],
) -> Arrays:
    """Return "mean" and "projection", if the recipe wants a whitening, and "centroids" of each stream.

    Parameters
    ----------
    recipe : Recipe
    reader : callable
        Makes one that knows so many arrays.
    everything : sequence of Clip or Mix
        Of which a share, the first, is learnt from.
    seed, n_workers : int
    say : callable
        Gets a line at each step.

    Raises
    ------
    ConfigError
        There is not one frame to learn from, or its values are not finite.
    """
    choice, found = recipe.codebook, Arrays()
    clips = everything[: max(1, round(len(everything) * choice.recordings_share))]
    n_streams = len(recipe.front_ends)
    for number in range(n_streams):
        of = f" of stream {number + 1}" if n_streams > 1 else ""
        if choice.n_components:
            say(f"whitening{of}: {len(clips):,} recordings")
            mean, projection = whitening.fit(reader({}).patches(clips, number), choice.n_components)
            found |= {named("mean", number): mean, named("projection", number): projection}
        frames = reader(found).frames(clips, choice.max_frames, number)
        n_centroids = min(choice.n_centroids, len(frames))
        few = ", as there are no more frames" if n_centroids < choice.n_centroids else ""
        say(f"codebook{of}: {n_centroids:,} centroids of {len(frames):,} frames{few}")
        if n_centroids == len(frames):
            say(
                f"codebook{of}: every frame is its own centroid, so tokens tell nothing; take more or longer"
                f" clips, or a recipe with n_centroids of its [codebook] well below {len(frames):,}"
            )
        book = codebook.fit(
            frames, n_centroids, n_iterations=choice.n_iterations, seed=seed, n_workers=n_workers
        )
        found[named("centroids", number)] = book.centroids
    return found


def fitting(centroids: Float32, recipe: Recipe, reader: Reader) -> Arrays:
    """Return centroids from elsewhere as a codebook.

    Raises
    ------
    ConfigError
        They are not of the frames that the recipe makes.
    """
    if recipe.codebook.n_components:
        raise ConfigError(
            "a codebook from elsewhere has no whitening: the recipe's codebook.n_components must be 0"
        )
    if len(recipe.front_ends) > 1:
        raise ConfigError("a codebook from elsewhere is of one stream of tokens; the recipe has several")
    wanted = reader.tokenizer(0).n_values
    if centroids.shape[1] != wanted:
        raise ConfigError(f"centroids of {centroids.shape[1]} values, and frames of {wanted}")
    return {"centroids": centroids}

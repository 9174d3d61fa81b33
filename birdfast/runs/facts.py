"""Facts: what decides the results of a run, and what its tables say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from .._version import __version__
from ..config import KEEP, Options, Runtime
from ..journal import KEPT, NOTHING, PICKING, Facts
from ..models import Digests, Model
from ..models.decisive import decisive
from ..runtimes import openvino
from ..tables import About, AboutModel, Names
from . import shards
from .asked import asked
from .question import Question
from .shards import Shard


def facts(
    models: Sequence[Model],
    options: Options,
    digests: Sequence[Digests],
    widths: Sequence[Mapping[str, int]],
    paths: Sequence[str],
    shard: Shard | None,
    question: Question | None = None,
    base: str | None = None,
    sizes: Sequence[int] | None = None,
) -> Facts:
    """Return what the journal knows of a run.

    Parameters
    ----------
    models : sequence of Model
    options : Options
    digests : sequence of Digests
        What each model's files hold: those of the workers, which may be others by now.
    widths : sequence of dict of str to int
        How many values a model's dense row has, by kind.
    paths : sequence of str
        All files, of all shards.
    shard : Shard or None
    question : Question or None
    base : str or None
        The folder that recordings are seen from.
    sizes : sequence of int or None
        In bytes, of all files, where they decide whose they are.
    """
    about = About(
        _metadata(models, options, digests),
        tuple(_about(model, width) for model, width in zip(models, widths, strict=True)),
        options.channel == "each",
    )
    known = Facts(fingerprint(models, options, digests), about)
    if shard:
        known = known._replace(shard=str(shard), inputs=shards.digest(paths, sizes))
    return known.asking(asked(options, question or Question(), base))


def fingerprint(models: Sequence[Model], options: Options, digests: Sequence[Digests]) -> dict[str, str]:
    """Return what decides a run's results, by name: two runs with the same can share a folder.

    NumPy's version stays out: it rounds as the processor does, which stays out, too.
    """
    # takes its time, and the workers are at work meanwhile
    from .. import audio
    from ..audio import bandpass, perwindow

    decides = {"birdfast version": __version__}
    decides |= {"libsndfile": audio.decoder_version(), "PyAV": audio.second_decoder_version()}
    decides["soxr"] = audio.resampler_version()
    if options.resampler == "birdnet" or not bandpass.is_whole(options.fmin_hz, options.fmax_hz):
        decides["scipy"] = perwindow.version()
    decides |= {name: json.dumps(value) for name, value in options.as_dict().items()}
    for name in ("runtime", KEEP, *PICKING):  # each model tells its own runtime; the rest is asked, not heard
        del decides[name]
    decides[KEPT] = ", ".join(options.rows) or NOTHING
    for number, (model, digest) in enumerate(zip(models, digests, strict=True), 1):
        whose = f"model {number}'s" if len(models) > 1 else "model's"  # its normalization is not the option
        decides |= {
            f"{whose} {name}": value for name, value in of_model(model, digest, options.runtime).items()
        }
    return decides


def about_alone(models: Sequence[Model]) -> About:
    """Return what is known for the tables before any network was opened."""
    return About({}, tuple(AboutModel(model.name) for model in models))


def of_model(model: Model, digests: Digests, chosen: Runtime) -> dict[str, str]:
    """Return what decides the results of a model, by name."""
    decides = {"file": digests.network, "labels": digests.labels}
    if model.runtime:
        decides["runtime"] = openvino.version() if chosen == "openvino" else model.runtime
    more = zip(model.label_spaces[1:], digests.more, strict=False)  # those of a backbone decide nothing
    decides |= {f"labels of {space.name}": digest for space, digest in more}
    decides |= decisive(model)
    for number, (one, its) in enumerate(zip(model.below, digests.below, strict=True), 1):
        network, labels = (*its, "")[:2]
        below = of_model(one, Digests(network, labels), chosen)
        below["n_classes"] = str(one.n_classes or "")  # nobody hears of them, but it chooses its scores
        whose = f"backbone {number}'s" if len(model.below) > 1 else "backbone's"
        decides |= {f"{whose} {name}": value for name, value in below.items() if value}
    return decides


def _about(model: Model, widths: Mapping[str, int]) -> AboutModel:
    spaces = tuple(Names(names.scientific, names.common, names.space) for names in model.class_names())
    return AboutModel(model.name, spaces, dict(widths))


def _metadata(models: Sequence[Model], options: Options, digests: Sequence[Digests]) -> dict[str, str]:
    """Return what makes a table's rows comparable with another's; of several models a list for each key."""
    of_models = [
        {
            "model": model.name,
            "model_sha256": digest.network,
            "model_licence": model.licence,
            "model_rate_hz": str(model.rate_hz),
        }
        for model, digest in zip(models, digests, strict=True)
    ]
    told = of_models[0]
    if len(models) > 1:
        told = {key: json.dumps([one[key] for one in of_models]) for key in told}
    if any(model.post for model in models):
        told["post"] = json.dumps([model.post for model in models])
    heard = {name: value for name, value in options.as_dict().items() if name != KEEP}
    return {"birdfast_version": __version__, **told, "options": json.dumps(heard)}

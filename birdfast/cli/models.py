"""List the networks that birdfast knows: what sound each wants, its licence, and where its files lie.

`tried` says whether its authors' file ran here: yes, no, or the same architecture with random weights. A
network whose files are missing says how to get them. Any other .tflite or .onnx network works too that takes
sound in windows of a known length, or pictures of it whose recipe is known: `birdfast models add FILE` makes
a folder of one, which --model then takes by its name; such folders are listed here, too. A file whose input
is as long as that of a network listed here needs none: `birdfast infer --model FILE --labels LABELS.txt`.
"""

from __future__ import annotations

import argparse

from .. import voice
from . import add, exits

HELP = "list the networks, what they want and where they are"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what may be done but listing."""
    actions = parser.add_subparsers(title="more", metavar="ACTION", dest="action")
    adding = actions.add_parser(
        "add", help=add.HELP, description=add.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add.arguments(adding)


def run(chosen: argparse.Namespace) -> int:
    """Print a paragraph for each network."""
    from .. import models

    if chosen.action == "add":
        return add.run(chosen)
    for model in models.catalogue().values():
        window_s = model.window_samples / model.rate_hz
        classes = f"{model.n_classes} classes" if model.n_classes else "as many classes as its labels"
        voice.answer(
            f"{model.name}: {model.title}, licence {model.licence} ({model.licence_url})",
            f"    {model.rate_hz:,} Hz, windows of {window_s:g} s, {classes}",
            f"    tried: {model.tried}",
            f"    {model.path if model.found else 'not found: ' + model.how_to_get()}",
        )
    for name in models.own_names():
        voice.answer(*_own(name))
    voice.answer(*_geo())
    folders = ", ".join(map(str, models.folders()))
    voice.answer(f"searched: {folders} (set {models.FOLDERS_VARIABLE} to add folders)")
    return exits.FINE


def _geo() -> tuple[str, ...]:
    """Return a paragraph on the network that tells which species are expected at a place."""
    from ..errors import ConfigError
    from ..models.places import GEO
    from ..species import expected

    title = f"{expected.TITLE}, licence {expected.LICENCE} ({expected.LICENCE_URL})"
    try:
        where = str(expected.find().network)
    except ConfigError as error:
        where = f"not found: {error}"
    return (f"{GEO}: {title}", "    which species are expected, for --lat and --lon", f"    {where}")


def _own(name: str) -> tuple[str, ...]:
    """Return a paragraph on a model of the user's own; what is wrong with it is no reason to end."""
    from .. import models
    from ..errors import ModelError

    try:
        model = models.found_own(name)
        n_classes = model.n_classes or len(model.class_names()[0])
    except ModelError as error:
        return (f"{name}: cannot be used", f"    {error}")
    heard = model.backbone or model
    rate_hz = model.rate_hz or heard.rate_hz
    window_s = heard.window_samples / rate_hz if rate_hz else 0
    sound = f"{rate_hz:,} Hz, windows of {window_s:g} s" if window_s else "sound as its file says"
    if model.on:
        sound = f"a head on {model.stands_on} ({sound})"
    classes = f"{n_classes:,} class{'' if n_classes == 1 else 'es'}"
    return (f"{name}: {model.title}, licence {model.licence}", f"    {sound}, {classes}", f"    {model.path}")

"""What is told of a model: a network's facts, by the names that manifests and models.toml have for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..config import Activation, Normalization
from .kinds import Kind
from .labelspace import LabelSpace

if TYPE_CHECKING:
    from ..frontends.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is told of a network, by its manifest or by models.toml.

    Attributes
    ----------
    name, title : str
        What a user types, and reads.
    kind : "tflite", "onnx", "stsg", "head" or "joined"
        What its file is: a TFLite or ONNX network, or the manifest of a model that birdfast trained, of
        tokens or as a head on a network; or it is several of these, whose embeddings are joined.
    on, on_sha256 : tuple of str
        Of a head: the networks whose embeddings it takes, as its manifest names them, and the SHA-256 of the
        files that it was made for; () of all others, and where nothing tells.
    licence, licence_url, source : str
    rate_hz, window_samples, step_samples : int
        What sound it takes, and the usual step from window to window; 0: not known yet.
    normalization : "none", "hoplite" or "zoo"
        Of a window's level, before the network.
    activation : "sigmoid", "softmax" or "none"
        From the network's scores to confidences; "none" where its graph has done it; "": not told, the
        graph's end decides.
    output : str
        Which output has the scores, where there are several: its name, or a part of it that no other has;
        its place, "#1" (from 0); or its shape, "[1, 521]".
    embedding, spatial_embedding : str
        Likewise of the outputs with a vector, and with one for each place of the picture; "": the one that
        the network shows by itself, and none.
    background, thresholds : int, tuple of float
        The class that stands for none, and each class's least confidence; -1, (): there are none.
    label_spaces : tuple of LabelSpace
        Where there are several, or one that has a name: the first has the model's own output and labels.
    front_end : Recipe or None
        The picture that the network takes; None: the sound itself.
    post : tuple of str
        What its rows of a submission go through: see `postprocessing.parsed`.
    tried : str
        Whether its authors' file ran here: "yes", "no", "same architecture with random weights"; or "".
    embedding_samples, n_classes : int, 0 where they are not told
    model, labels, alternatives : str, str, tuple of str
        File names in a folder of the name, or of the package; others in place of `model`, in the order in
        which they are looked for.
    labels_format : see `labels.load`
    advice, package, package_folder, extra : str
        What else there is to say to who has not the files; the package that brings them, the folder in it,
        and how birdfast calls it.
    path, labels_path : path
        The network's file, and that of its labels.
    """

    name: str
    title: str
    kind: Kind = "tflite"
    on: tuple[str, ...] = ()
    on_sha256: tuple[str, ...] = ()
    licence: str = "as its author says"
    licence_url: str = ""
    source: str = ""
    rate_hz: int = 0
    window_samples: int = 0
    step_samples: int = 0
    normalization: Normalization = "none"
    activation: Activation | Literal[""] = ""
    output: str = ""
    embedding: str = ""
    spatial_embedding: str = ""
    background: int = -1
    thresholds: tuple[float, ...] = ()
    label_spaces: tuple[LabelSpace, ...] = ()
    front_end: Recipe | None = None
    post: tuple[str, ...] = ()
    tried: str = ""
    embedding_samples: int = 0
    n_classes: int = 0
    model: str = ""
    alternatives: tuple[str, ...] = ()
    labels: str = ""
    labels_format: str = "lines"
    advice: str = ""
    package: str = ""
    package_folder: str = ""
    extra: str = ""
    path: Path = Path()
    labels_path: Path = Path()

"""Mutated ONNX networks through the opener: each is refused with a ModelError, or runs.

Changes bytes of small networks at random places, cuts them, repeats a part or fills one with zeros; or
changes what the graph says: lengths, operators, attributes, names, places of weights. Prints what they came
to: refused by our reader, refused by ONNX Runtime in its trial, crashed or hung there, opened and ran. Ends
with exit code 1 if anything else than a ModelError was raised, or a file above the networks' folder was
opened.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from birdfast.errors import ModelError
from birdfast.grafting import trial
from birdfast.models import Model
from birdfast.sessions import open_session

WINDOW_SAMPLES, N_CLASSES = 400, 3
OPERATORS = (
    *("Loop", "Scan", "If", "Reshape", "Gather", "Tile", "Expand", "Conv", "LSTM", "Pad", "Resize", "STFT"),
    *("ConstantOfShape", "Range", "NonZero", "Softmax", "Einsum", "TopK", "Split", "Nonsense"),
)
NUMBERS = (0, 1, -1, 2, 3, 127, 255, 2**16, 2**31 - 1, -(2**31), 2**32, 2**40, 2**62, -(2**63))
WORDS = ("", "sound", "scores", "hidden", "../secret.bin", "/etc/passwd", "weights.bin", "*/_ORT_MEM_ADDR_/*",
         "a" * 300, "\u0000", "location", "offset", "ai.onnx", "elsewhere")  # fmt: skip


def main() -> int:
    """Run it, and print what became of the networks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=("onnx",), default="onnx")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="for one trial (default: %(default)s)")
    chosen = parser.parse_args()
    trial.SECONDS = chosen.seconds
    warnings.simplefilter("ignore")
    outcomes, reasons, wrong = Counter[str](), Counter[str](), []
    began_s, slowest_s = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "networks")
        folder.mkdir()
        Path(scratch, "secret.bin").write_bytes(bytes(10_000))
        opened = watch("secret.bin", "passwd")
        for number, content in enumerate(mutants(folder, chosen.files, random.Random(chosen.seed))):
            path = folder / "network.onnx"
            path.write_bytes(content)
            started_s = time.monotonic()
            try:
                outcomes[ran(path)] += 1
            except ModelError as error:
                outcomes[kind_of(error)] += 1
                reasons[str(error).removeprefix(f"{path}: ")[:48]] += 1
            except Exception as error:
                wrong.append(f"network {number}: {type(error).__name__}: {error}")
            slowest_s = max(slowest_s, time.monotonic() - started_s)
            if (number + 1) % 250 == 0:
                print(f"{number + 1} done", flush=True)
    total_s = time.monotonic() - began_s
    print(f"{chosen.files} networks in {total_s:.0f} s, the slowest in {slowest_s:.1f} s")
    for outcome, n in outcomes.most_common():
        print(f"{n:5} {outcome}")
    print("the most frequent reasons:")
    for reason, n in reasons.most_common(12):
        print(f"    {n:5} {reason}")
    print(*wrong, *(f"opened: {name}" for name in opened), sep="\n")
    return int(bool(wrong or opened or sum(outcomes.values()) != chosen.files))


def ran(path: Path) -> str:
    """Open a network and run it, on one window and on as many as it takes."""
    facts: dict[str, Any] = {"rate_hz": 8_000, "window_samples": WINDOW_SAMPLES}
    model = Model(name="mutant", title="mutant", kind="onnx", path=path, **facts)
    session = open_session(model, cache=path.parent / "cache")
    noise = np.random.default_rng(1).normal(0, 0.1, (session.batch, session.window_samples))
    for n in {1, session.batch}:
        session.run(noise[:n].astype(np.float32))
    return "opened and ran"


def kind_of(error: ModelError) -> str:
    """Return who refused it, in words."""
    said = str(error)
    if "crashes on this model" in said:
        return "crashed the trial"
    if "did not finish" in said:
        return "hung the trial"
    if "of memory" in said:
        return "asked for too much memory"
    return "refused by ONNX Runtime" if "ONNX Runtime" in said else "refused by the reader"


def watch(*names: str) -> list[str]:
    """Return a list that files of such names are put into when this process opens them."""
    found: list[str] = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and Path(str(arguments[0])).name in names:
            found.append(str(arguments[0]))

    sys.addaudithook(hear)
    return found


def mutants(folder: Path, n_files: int, chance: random.Random) -> Iterator[bytes]:
    """Yield mutations of several networks in turn, one kind of change after the other."""
    bases = [plain(), deep(), outside(folder), front()]
    for number in range(n_files):
        base = bases[number % len(bases)]
        yield mutated(base, chance) if number % 2 else rewritten(base, chance)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes, and cut, repeat or leave the rest."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 8, 100))):
        end = len(changed) if chance.random() < 0.5 else min(len(changed), 700)
        changed[chance.randrange(end)] = chance.choice((0, 1, 127, 128, 255, chance.randrange(256)))
    place = chance.randrange(len(changed))
    match chance.randrange(8):
        case 0:
            return bytes(changed[:place])
        case 1:
            return bytes(changed[:place] + changed[place // 2 :])
        case 2:
            changed[place : place + 200] = bytes(len(changed[place : place + 200]))
    return bytes(changed)


def rewritten(content: bytes, chance: random.Random) -> bytes:
    """Change some of what the graph says."""
    model = onnx.ModelProto.FromString(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        chance.choice(CHANGES)(model, chance)
    return bytes(model.SerializeToString())


def change_a_number(model: Any, chance: random.Random) -> None:
    """Change a length, a type, a version, or a number of an attribute."""
    _change(model, chance, ("int64", "int32", "enum"), lambda: chance.choice(NUMBERS))


def change_a_word(model: Any, chance: random.Random) -> None:
    """Change a name, an operator's, or a place of weights."""
    _change(model, chance, ("string",), lambda: chance.choice(WORDS + OPERATORS))


def change_an_operator(model: Any, chance: random.Random) -> None:
    """Let a node do something else."""
    chance.choice(model.graph.node).op_type = chance.choice(OPERATORS)


def remove_a_node(model: Any, chance: random.Random) -> None:
    """Take a node out of the graph."""
    if len(model.graph.node) > 1:
        del model.graph.node[chance.randrange(len(model.graph.node))]


def close_a_circle(model: Any, chance: random.Random) -> None:
    """Let a node read what comes of another, whichever."""
    node, other = (chance.choice(model.graph.node) for _ in range(2))
    if node.input and other.output:
        node.input[chance.randrange(len(node.input))] = other.output[0]


def move_weights(model: Any, chance: random.Random) -> None:
    """Say that weights lie in another file."""
    tensor = chance.choice(model.graph.initializer)
    tensor.data_location = TensorProto.EXTERNAL
    for key in ("location", "offset", "length"):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(chance.choice(WORDS if key == "location" else NUMBERS))


CHANGES: tuple[Callable[[Any, random.Random], None], ...] = (
    change_a_number,
    change_a_number,
    change_a_word,
    change_an_operator,
    remove_a_node,
    close_a_circle,
    move_weights,
)


def _change(model: Any, chance: random.Random, kinds: tuple[str, ...], value: Callable[[], Any]) -> None:
    """Change one of the fields of such kinds, wherever in the model it is."""
    named = {1: "double", 3: "int64", 5: "int32", 9: "string", 14: "enum"}
    places = []
    for message in messages(model):
        for field, held in message.ListFields():
            if named.get(field.type) in kinds:
                many = not isinstance(held, int | str)
                places += [(message, field, at) for at in (range(len(held)) if many else (None,))]
    message, field, at = chance.choice(places)
    try:
        if at is None:
            setattr(message, field.name, value())
        else:
            getattr(message, field.name)[at] = value()
    except ValueError:  # more than the field takes
        pass


def messages(message: Any) -> Iterator[Any]:
    """Yield a message and all within it."""
    yield message
    for field, held in message.ListFields():
        if field.message_type is not None:
            for each in [held] if hasattr(held, "ListFields") else held:
                yield from messages(each)


def plain() -> bytes:
    """Return a network of one matrix and a sigmoid."""
    nodes = [
        helper.make_node("MatMul", ["sound", "weights"], ["linear"]),
        helper.make_node("Sigmoid", ["linear"], ["scores"]),
    ]
    return network(nodes, {"weights": noise(WINDOW_SAMPLES, N_CLASSES)}).SerializeToString()


def deep() -> bytes:
    """Return a network with a convolution, a choice between two branches, and a matrix."""
    branches = [
        helper.make_graph(
            [helper.make_node(name, ["small"], [f"{name}d"])],
            name,
            [],
            [helper.make_tensor_value_info(f"{name}d", TensorProto.FLOAT, None)],
        )
        for name in ("Relu", "Neg")
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["sound", "one"], ["row"]),
        helper.make_node("Conv", ["row", "filters"], ["waves"], strides=[4], kernel_shape=[8]),
        helper.make_node("Abs", ["waves"], ["rectified"]),
        helper.make_node("ReduceMean", ["rectified"], ["small"], axes=[2], keepdims=0),
        helper.make_node("If", ["yes"], ["hidden"], then_branch=branches[0], else_branch=branches[1]),
        helper.make_node("Gemm", ["hidden", "head", "bias"], ["linear"]),
        helper.make_node("Softmax", ["linear"], ["scores"], axis=1),
    ]
    constants = {
        "one": np.array([1]),
        "filters": noise(6, 1, 8),
        "yes": np.array(True),
        "head": noise(6, N_CLASSES),
        "bias": noise(N_CLASSES),
    }
    return network(nodes, constants).SerializeToString()


def front() -> bytes:
    """Return a network with a spectrogram, which is grafted."""
    length, bins = 32, 17
    angle = 2 * np.pi * np.outer(np.arange(length), np.arange(bins)) / length
    nodes = [
        helper.make_node("Gather", ["sound", "places"], ["frames"], axis=1),
        helper.make_node("MatMul", ["frames", "cosines"], ["real"]),
        helper.make_node("MatMul", ["frames", "sines"], ["imaginary"]),
        helper.make_node("Mul", ["real", "real"], ["real power"]),
        helper.make_node("Mul", ["imaginary", "imaginary"], ["imaginary power"]),
        helper.make_node("Add", ["real power", "imaginary power"], ["power"]),
        helper.make_node("MatMul", ["power", "bands"], ["banded"]),
        helper.make_node("Add", ["banded", "floor"], ["above"]),
        helper.make_node("Log", ["above"], ["logs"]),
        helper.make_node("ReduceMean", ["logs"], ["hidden"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["hidden", "head"], ["scores"]),
    ]
    constants = {
        "places": 16 * np.arange(24)[:, None] + np.arange(length),
        "cosines": np.cos(angle).astype(np.float32),
        "sines": np.sin(angle).astype(np.float32),
        "bands": np.abs(noise(bins, 8)),
        "floor": np.array(1e-3, np.float32),
        "head": noise(8, N_CLASSES),
    }
    return network(nodes, constants).SerializeToString()


def outside(folder: Path) -> bytes:
    """Return a network whose weights lie in a file beside it."""
    model = network(
        [helper.make_node("Gemm", ["sound", "weights"], ["scores"])],
        {"weights": noise(WINDOW_SAMPLES, N_CLASSES)},
    )
    (weights,) = model.graph.initializer
    (folder / "weights.bin").write_bytes(weights.raw_data)
    told = {"location": "weights.bin", "offset": "0", "length": str(len(weights.raw_data))}
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in told.items():
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    return bytes(model.SerializeToString())


def network(nodes: list[Any], constants: dict[str, np.ndarray]) -> Any:
    """Return a model from sound to scores."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["batch", WINDOW_SAMPLES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", N_CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def noise(*shape: int) -> np.ndarray:
    """Return weights, the same ones always."""
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32) / 10


if __name__ == "__main__":
    sys.exit(main())

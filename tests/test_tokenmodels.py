"""Models of spectrogram tokens in C: the same bits on every CPU, in a stream, and out of a file."""

from __future__ import annotations

import struct
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import _kernels
from birdfast.__main__ import main
from birdfast.classifier import Classifier, Layer
from birdfast.errors import ConfigError, ModelError
from birdfast.runs import tokenfile
from birdfast.sessions.stsg import StsgSession

from . import heads, networks, tokenmodels

pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")

shapes = pytest.mark.parametrize("shape", tokenmodels.SHAPES)
FASTER = [name for name in _kernels.cpu_tables() if name != "scalar"]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32) * np.float32(0.1)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory):
    """Return the session of a shape."""
    folder = tmp_path_factory.mktemp("models")

    @cache
    def session(shape: str) -> StsgSession:
        return StsgSession(tokenmodels.write(folder / shape, shape))

    return session


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a small model."""
    home = tmp_path_factory.mktemp("bft")
    return tokenfile.export(
        tokenmodels.write(home / "m", "best", n_tokens=5), home / "m.bft"
    ).path.read_bytes()


def scored(model: _kernels.Stsg, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logits = np.empty((len(windows), model.n_classes), np.float32)
    embedding = np.empty((len(windows), model.n_embedding), np.float32)
    model.score(windows, logits, embedding, model.scratch())
    return logits, embedding


class TestWindows:
    @shapes
    def test_every_cpu_has_the_same_bits(self, opened, shape: str) -> None:
        session = opened(shape)
        windows = noise(5, session.window_samples)
        windows[1] = 0
        wanted = scored(session.whole.model("scalar"), windows)
        assert np.isfinite(wanted[0]).all()
        for cpu in FASTER:
            found = scored(session.whole.model(cpu), windows)
            assert [one.tobytes() for one in found] == [one.tobytes() for one in wanted]

    @shapes
    def test_a_window_has_its_bits_alone(self, opened, shape: str) -> None:
        session = opened(shape)
        windows = noise(session.batch, session.window_samples)
        together = session.run(windows)
        for i in range(len(windows)):
            alone = session.run(windows[i : i + 1])
            assert all(alone[role].tobytes() == together[role][i : i + 1].tobytes() for role in together)

    @shapes
    def test_training_hears_what_a_session_hears(self, opened, shape: str) -> None:
        """Votes, embedding and logits step by step, as the training asks for them."""
        from birdfast.stsg.pooling import Pooler, averaged
        from birdfast.stsg.streams import Describer

        session, whole = opened(shape), opened(shape).whole
        window = noise(1, session.window_samples, seed=3)
        tokenizer = whole.streams[0].tokenizer
        bands, describe = tokenizer.bands(window[0]), Describer(whole.streams, whole.pooling)
        heard = [describe(bands), *(describe(one.of(bands, tokenizer.front_end)) for one in whole.variants)]
        embedding = Pooler(whole.pooling, whole.tables)(
            np.stack([one.counts for one in heard]), np.stack([one.statistics for one in heard])
        )
        embedding = averaged(embedding, len(heard))
        found = session.run(window)
        assert embedding.tobytes() == found["embedding"].tobytes()
        assert whole.classifier.logits(embedding).tobytes() == found["logits"].tobytes()

    def test_a_twin_says_the_same(self, opened) -> None:
        windows = noise(2, opened("best").window_samples)
        both = [
            session.run(windows)["logits"].tobytes() for session in (opened("best"), opened("best").twin())
        ]
        assert both[0] == both[1]


class TestStream:
    @shapes
    @settings(max_examples=12, deadline=None)
    @given(data=st.data())
    def test_a_stream_has_the_scores_of_windows(self, opened, shape: str, data: st.DataObject) -> None:
        session = opened(shape)
        length, hop = session.window_samples, session.whole.streams[0].tokenizer.front_end.hop_samples
        step = data.draw(
            st.one_of(st.integers(1, 12).map(lambda n: n * hop), st.integers(length // 9, 2 * length))
        )
        sound = noise(2 * length + data.draw(st.integers(0, length)), seed=data.draw(st.integers(0, 9)))
        stream, at, found = session.stream(step), 0, []
        while at < len(sound):
            block = data.draw(st.sampled_from((1, 97, 320, 4801, length, 3 * length)))
            block = max(block, len(sound) // 400)
            found += stream.push(sound[at : at + block])
            at += block
        assert [start for start, *_ in found] == list(range(0, len(sound) - length + 1, step))
        for start, logits, embedding in found:
            meant = session.run(sound[np.newaxis, start : start + length])
            assert logits.tobytes() == meant["logits"].tobytes()
            assert embedding.tobytes() == meant["embedding"].tobytes()

    def test_int16_is_float(self, opened) -> None:
        session = opened("best")
        sound = np.random.default_rng(0).integers(-32768, 32768, 3 * session.window_samples).astype(np.int16)
        both = [
            [logits.tobytes() for _, logits, _ in session.stream(7000).push(samples)]
            for samples in (sound, sound.astype(np.float32) / 32768)
        ]
        assert both[0] == both[1]
        assert len(both[0]) > 1

    @pytest.mark.parametrize("n_hops", [0, 1, 12])
    @shapes
    def test_begun_afresh_it_counts_from_0(self, opened, shape: str, n_hops: int) -> None:
        """Also where the frames and patches that the next window shares are kept."""
        session = opened(shape)
        hop = session.whole.streams[0].tokenizer.front_end.hop_samples
        stream, sound = session.stream(n_hops * hop or session.window_samples), noise(session.window_samples)
        first = stream.push(sound)[0][1].tobytes()  # now: it is a view
        stream.push(noise(len(sound) * 3 // 2, seed=1))
        stream.restart()
        again = stream.push(sound)
        assert [again[0][0], again[0][1].tobytes()] == [0, first]

    def test_nothing_stays_of_pushes(self, opened) -> None:
        stream, block = opened("best").stream(10**9), noise(320)
        for _ in range(300):  # past the first window
            stream.push(block)
        before = sys.getallocatedblocks()
        for _ in range(1000):
            stream.push(block)
        assert abs(sys.getallocatedblocks() - before) < 20

    @pytest.mark.parametrize("step", [0, -1, 1.5, None, True, 2**62])
    def test_a_step_that_cannot_be_is_refused(self, opened, step: object) -> None:
        with pytest.raises(ConfigError, match="step_samples"):
            opened("best").stream(step)

    @pytest.mark.parametrize(
        "samples",
        [np.zeros(4), np.zeros((2, 2), np.float32), [1.0], None, np.zeros(8, np.float32)[::2], b"abcd"],
    )
    def test_other_samples_are_refused(self, opened, samples: object) -> None:
        with pytest.raises(ConfigError, match="samples"):
            opened("best").stream(100).push(samples)


class TestClassifier:
    @given(st.integers(1, 40), st.integers(1, 70), st.integers(0, 20), st.integers(0, 99))
    @settings(max_examples=30, deadline=None)
    def test_layers_have_the_same_bits_everywhere(self, n_in: int, n_out: int, n: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        layers = [Layer(noise(n_out, n_in, seed=seed), noise(n_out)), Layer(noise(3, n_out), noise(3))]
        values = noise(n, n_in, seed=seed + 1) * (random.random((n, n_in)) < 0.6)
        wanted = np.maximum(values.astype(float) @ layers[0].weight.T + layers[0].bias, 0)
        wanted = wanted @ layers[1].weight.T + layers[1].bias
        found = {}
        for cpu in _kernels.cpu_tables():
            found[cpu] = np.empty((n, 3), np.float32)
            _kernels.Stsg(layers=layers, cpu=cpu).logits(values.astype(np.float32), found[cpu])
        np.testing.assert_allclose(found["scalar"], wanted, atol=1e-6)
        assert all(one.tobytes() == found["scalar"].tobytes() for one in found.values())
        alone = [Classifier(layers).logits(values[i : i + 1]) for i in range(n)]
        assert b"".join(one.tobytes() for one in alone) == found["scalar"].tobytes()


FACTS, BIAS, CLASSES, THRESHOLDS = 1, 14, 15, 16  # kinds of sections (csrc/bft.c)


class TestFile:
    @shapes
    def test_a_file_says_what_its_model_says(self, opened, tmp_path: Path, shape: str) -> None:
        tokenmodels.write(tmp_path / "m", shape)
        assert main(["export", str(tmp_path / "m"), "-o", str(tmp_path / "m.bft")]) == 0
        made = _kernels.Stsg.read((tmp_path / "m.bft").read_bytes())
        windows = noise(3, made.window_samples, seed=2)
        meant = opened(shape).run(windows)
        assert scored(made, windows)[0].tobytes() == meant["logits"].tobytes()
        assert made.classes == tokenmodels.CLASSES
        assert made.thresholds == (0.25,) * 3
        streamed = _kernels.StsgStream(made, made.window_samples).push(windows.reshape(-1))
        assert b"".join(logits for _, logits, _ in streamed) == meant["logits"].tobytes()

    def test_a_file_that_is_there_stays(self, tmp_path: Path) -> None:
        model = tokenmodels.write(tmp_path / "m", "paper")
        (tmp_path / "m.bft").write_text("mine")
        with pytest.raises(ConfigError, match="is there"):
            tokenfile.export(model, tmp_path / "m.bft")
        assert (tmp_path / "m.bft").read_text() == "mine"
        tokenfile.export(model, tmp_path / "m.bft", force=True)

    def test_other_names_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"ends with \.bft"):
            tokenfile.export(tokenmodels.write(tmp_path / "m", "paper"), tmp_path / "m.onnx")

    def test_a_head_is_refused(self, tmp_path: Path) -> None:
        backbone = networks.write_folder(tmp_path) / "tiny.tflite"
        head = heads.own_folder(tmp_path / "head", heads.matrix(6), backbone)
        with pytest.raises(ModelError, match="no model of spectrogram tokens"):
            tokenfile.export(head, tmp_path / "m.bft")

    def test_a_later_version_says_so(self, small: bytes) -> None:
        with pytest.raises(ConfigError, match="later version"):
            _kernels.Stsg.read(small[:8] + struct.pack("<I", 2) + small[12:])

    @pytest.mark.parametrize("n", [0, 1, 8, 63, 64, 200])
    def test_a_cut_file_is_refused(self, small: bytes, n: int) -> None:
        with pytest.raises(ConfigError, match="damaged"):
            _kernels.Stsg.read(small[:n])

    def test_any_other_byte_is_refused(self, small: bytes) -> None:
        for place in [*range(28), *range(28, len(small), 997)]:
            changed = bytearray(small)
            changed[place] ^= 0x41
            with pytest.raises(ConfigError, match="damaged|later version"):
                _kernels.Stsg.read(bytes(changed))

    @pytest.mark.parametrize("what", ["place", "size", "names", "number", "rate", "thresholds"])
    def test_what_leads_out_of_a_file_is_refused(self, small: bytes, what: str) -> None:
        """With a checksum that fits: sums that overflow, a name behind the last, a weight that is none, a
        rate that is right in its lower half, a threshold more than there are classes.

        Before the file lie zeros, which would do as numbers.
        """
        changed = bytearray(small)
        n_sections = struct.unpack_from("<I", small, 12)[0]
        entries = [struct.unpack_from("<IIQQ", small, 64 + 24 * i) for i in range(n_sections)]
        wanted = {"names": CLASSES, "rate": FACTS, "thresholds": THRESHOLDS}.get(what, BIAS)
        number = next(i for i, (kind, *_) in enumerate(entries) if kind == wanted)
        kind, which, at, n = entries[number]
        if what == "number":
            changed[at : at + 4] = struct.pack("<f", np.nan)
        if what == "rate":
            changed[at + 4] = 1
        changed += bytes(8)
        more = {"names": 1, "thresholds": 8}
        at, n = {"place": (2**64 - n, n), "size": (at, 2**64 - at)}.get(what, (at, n + more.get(what, 0)))
        struct.pack_into("<IIQQ", changed, 64 + 24 * number, kind, which, at, n)
        changed[16:20] = struct.pack("<I", zlib.crc32(changed[24:], zlib.crc32(changed[8:16])))
        with pytest.raises(ConfigError, match="damaged"):
            _kernels.Stsg.read(memoryview(bytes(64) + changed)[64:])

    @pytest.mark.parametrize("n", [200, pytest.param(2000, marks=pytest.mark.long)])
    def test_a_forged_file_is_refused_or_read(self, small: bytes, n: int) -> None:
        """Mutations whose checksum is made to fit: nothing else may be believed either."""
        random = np.random.default_rng(n)
        for _ in range(n):
            try:
                made = _kernels.Stsg.read(mutated(small, random))
            except (ConfigError, MemoryError):
                continue
            assert made.n_classes >= 1
            if made.window_samples < 10**6:
                scored(made, noise(1, made.window_samples))


def mutated(file: bytes, random: np.random.Generator) -> bytes:
    """Return a file with some bytes or numbers changed, cut or repeated, and a checksum that fits."""
    changed = bytearray(file)
    facts = 64 + 24 * struct.unpack_from("<I", file, 12)[0] + 64 * 6
    for _ in range(random.integers(1, 4)):
        place = int(random.integers(12, min(len(changed), facts if random.random() < 0.8 else len(changed))))
        kind = random.integers(0, 4)
        if kind == 0:
            changed[place] ^= int(random.integers(1, 256))
        elif kind == 1:
            number = int(random.choice([0, 1, -1, 2**31 - 1, 2**31, 2**62, -(2**63), 64, 1000]))
            place -= place % 8
            changed[place : place + 8] = struct.pack("<q", number)
        elif kind == 2:
            changed[place : place + 8] = struct.pack(
                "<d", random.choice([np.nan, np.inf, -1.0, 1e300, 1e-300])
            )
        else:
            del changed[place : place + int(random.integers(1, 200))]
    changed[16:20] = struct.pack("<I", zlib.crc32(changed[24:], zlib.crc32(changed[8:16])))
    return bytes(changed)

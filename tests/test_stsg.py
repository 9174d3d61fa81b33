"""STSG: from sound to tokens to scores, and a model's folder that cannot lie."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from birdfast import _kernels, modelfolder
from birdfast.classifier import Classifier, Layer
from birdfast.errors import ConfigError, ModelError
from birdfast.stsg import embedding, variants
from birdfast.stsg.pooling import Pooler, Pooling, Window, averaged
from birdfast.stsg.streams import Describer, TokenStream, front_ends
from birdfast.stsg.tokenizer import TokenFrontEnd, Tokenizer
from birdfast.tokens import Codebook
from birdfast.train import examples as slices
from birdfast.train import pooling, recipe
from birdfast.train.examples import Examples, Votes

from . import reference

PATCHES = TokenFrontEnd(
    n_fft=512, frame_samples=512, hop_samples=320, n_mels=16, n_mfcc=0, fmin_hz=50, fmax_hz=15_000, log=True,
    offset=1e-5, patch_frames=4, patch_step=2, unit_length=True,
)  # fmt: skip
PAPER = TokenFrontEnd()
SINGLE = replace(PATCHES, patch_frames=1, patch_step=1, unit_length=False)
FRONT_ENDS = st.builds(
    TokenFrontEnd,
    n_fft=st.just(64),
    frame_samples=st.integers(2, 64),
    hop_samples=st.integers(1, 200),
    n_mels=st.just(4),
    n_mfcc=st.sampled_from([0, 3]),
    log=st.booleans(),
    offset=st.just(1e-5),
    patch_frames=st.integers(1, 6),
    patch_step=st.integers(1, 9),
    unit_length=st.booleans(),
)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32) * np.float32(0.1)


def whitened(cpu: str | None = None) -> Tokenizer:
    random = np.random.default_rng(5)
    mean, projection = random.standard_normal(64), random.standard_normal((8, 64))
    return Tokenizer(PATCHES, mean.astype(np.float32), projection.astype(np.float32), cpu)


class TestTokenizer:
    def test_frames_are_those_of_float64(self) -> None:
        tokenizer = whitened()
        bands = tokenizer.bands(noise(16_000)).astype(np.float64)
        random = np.random.default_rng(5)
        mean, projection = random.standard_normal(64), random.standard_normal((8, 64))
        patches = np.array([bands[i : i + 4].reshape(-1) for i in range(0, len(bands) - 3, 2)])
        meant = (patches - mean) @ projection.T
        meant /= np.linalg.norm(meant, axis=1, keepdims=True)
        np.testing.assert_allclose(tokenizer(noise(16_000)), meant, atol=1e-4)

    @pytest.mark.parametrize("cpu", _kernels.cpu_tables())
    def test_every_cpu_has_the_same_bits(self, cpu: str) -> None:
        sound = noise(20_000)
        assert whitened(cpu)(sound).tobytes() == whitened("scalar")(sound).tobytes()

    @pytest.mark.parametrize("front_end", [PATCHES, PAPER], ids=["patches", "paper"])
    @pytest.mark.parametrize("block", [999, 8000, 40_001])
    def test_a_stream_has_the_frames_of_the_whole(self, front_end: TokenFrontEnd, block: int) -> None:
        tokenizer, sound = Tokenizer(front_end), noise(90_000)
        parts = list(tokenizer.stream(sound[i : i + block] for i in range(0, len(sound), block)))
        assert np.concatenate(parts).tobytes() == tokenizer(sound).tobytes()

    @settings(max_examples=60, deadline=None)
    @given(FRONT_ENDS, st.integers(0, 3000), st.lists(st.integers(0, 900), max_size=20))
    def test_any_stream_has_the_frames_of_the_whole(
        self, front_end: TokenFrontEnd, n: int, cuts: list[int]
    ) -> None:
        tokenizer, sound = Tokenizer(front_end), noise(n)
        parts = list(tokenizer.stream(np.split(sound, np.minimum(np.cumsum(cuts), n).astype(int))))
        assert np.concatenate(parts).tobytes() == tokenizer(sound).tobytes()

    @pytest.mark.parametrize("front_end", [PATCHES, PAPER], ids=["patches", "paper"])
    def test_frames_lie_wholly_inside(self, front_end: TokenFrontEnd) -> None:
        tokenizer = Tokenizer(front_end)
        length = front_end.frame_samples + (front_end.patch_frames - 1) * front_end.hop_samples
        step = front_end.patch_step * front_end.hop_samples
        counts = [
            len(tokenizer(noise(n))) for n in (0, 1, length - 1, length, length + step - 1, length + step)
        ]
        assert counts == [0, 0, 0, 1, 1, 2]

    @given(st.integers(1, 12), st.integers(0, 99))
    def test_what_stands_out_of_the_median_is_left(self, n: int, seed: int) -> None:
        bands = np.random.default_rng(seed).standard_normal((n, 16)).astype(np.float32)
        tokenizer = Tokenizer(replace(PATCHES, less="median"))
        level = np.sort(bands, axis=0)[(n - 1) // 2]
        assert tokenizer.raised(bands).tobytes() == np.maximum(bands - level, 0).tobytes()
        background = np.random.default_rng(seed + 1).standard_normal(16).astype(np.float32)
        np.testing.assert_allclose(
            tokenizer.raised(bands + background), tokenizer.raised(bands), atol=1e-5
        )  # a steady colour is nothing

    @pytest.mark.parametrize("cpu", _kernels.cpu_tables())
    @pytest.mark.parametrize("less", ["mean", "median"])
    def test_what_is_taken_away_is_the_same_on_every_cpu(self, less: Any, cpu: str) -> None:
        sound, front_end = noise(20_000), replace(PATCHES, less=less)
        assert (
            Tokenizer(front_end, cpu=cpu)(sound).tobytes()
            == Tokenizer(front_end, cpu="scalar")(sound).tobytes()
        )
        bands = Tokenizer(front_end).bands(sound)
        if less == "mean":
            less_mean = bands.astype(np.float64) - bands.mean(axis=0, dtype=np.float64)
            np.testing.assert_allclose(Tokenizer(front_end).raised(bands), less_mean, atol=1e-5)

    def test_silence_is_no_division_by_zero(self) -> None:
        assert np.isfinite(whitened()(np.zeros(16_000, np.float32))).all()

    @pytest.mark.parametrize("cpu", _kernels.cpu_tables())
    def test_rows_have_length_one_but_those_that_have_none(self, cpu: str) -> None:
        rows = np.random.default_rng(6).standard_normal((19, 7)).astype(np.float32)
        rows[[0, 11, 18]] = 0
        found = rows.copy()
        _kernels.unit_rows(found, cpu=cpu)
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
        np.testing.assert_allclose(found, rows / np.where(lengths > 0, lengths, 1), atol=1e-6)

    def test_a_projection_that_does_not_fit_is_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"projection.*\[n_values, 64\]"):
            Tokenizer(PATCHES, np.zeros(63, np.float32), np.zeros((8, 63), np.float32))


class TestEmbedding:
    @given(st.integers(1, 6), st.integers(0, 9), st.integers(1, 3), st.integers(0, 99))
    def test_votes_are_those_of_a_loop(self, n_tokens: int, n_frames: int, n_nearest: int, seed: int) -> None:
        """A frame gives one vote, shared among its nearest by 1 / distance."""
        bands = np.random.default_rng(seed).standard_normal((n_frames, 64)).astype(np.float32)
        codebook, front_end = book(n_tokens, 64, seed), replace(SINGLE, n_mels=64)
        found = votes(bands, front_end, codebook, Pooling(n_nearest=n_nearest))
        meant = reference.votes(*codebook.nearest(bands, n_nearest), n_tokens)
        np.testing.assert_allclose(found, meant, rtol=1e-6)
        assert found.sum() == pytest.approx(n_frames, rel=1e-6)

    def test_who_is_at_a_centroid_votes_for_it(self) -> None:
        bands = book(3, 64, 1).centroids[[2, 2, 0]]
        found = votes(bands, replace(SINGLE, n_mels=64), book(3, 64, 1), Pooling(n_nearest=3))
        np.testing.assert_allclose(found, [1, 0, 2], atol=1e-5)

    def test_a_frame_with_a_nan_has_no_vote(self) -> None:
        bands = book(3, 64, 1).centroids.copy()
        bands[1, 5] = np.nan
        assert votes(bands, replace(SINGLE, n_mels=64), book(3, 64, 1), Pooling()).sum() == 2

    @given(
        st.sampled_from(["mean", "sqrt", "tf-idf"]), st.booleans(), st.integers(1, 300), st.integers(1, 40),
        st.integers(0, 99),
    )  # fmt: skip
    @settings(max_examples=40, deadline=None)
    def test_embeddings_are_those_of_float64(
        self, kind: embedding.Weighting, unit: bool, n_tokens: int, dim: int, seed: int
    ) -> None:
        random = np.random.default_rng(seed)
        counts = (random.random((3, n_tokens)) * (random.random((3, n_tokens)) < 0.3)).astype(np.float32)
        tables = {"embeddings": random.standard_normal((n_tokens, dim)), "idf": random.random(n_tokens) + 1,
                  "embedding_mean": random.standard_normal(dim), "statistics_mean": random.random(6),
                  "statistics_deviation": random.random(6) + 1}  # fmt: skip
        tables = {name: table.astype(np.float32) for name, table in tables.items()}
        how = Pooling(kind=kind, embedding=0.5, histogram=2, statistics=1.5, unit_length=unit)
        statistics = random.random((3, 6)).astype(np.float32)
        found = Pooler(how, tables)(counts, statistics)
        np.testing.assert_allclose(found, reference.pooled(how, tables, counts, statistics), atol=3e-6)
        alone = [Pooler(how, tables)(counts[i : i + 1], statistics[i : i + 1]) for i in range(3)]
        assert found.tobytes() == np.concatenate(alone).tobytes()

    def test_the_square_root_has_length_one(self) -> None:
        how = Pooling(kind="sqrt", embedding=0, histogram=1)
        weights = Pooler(how, {"embeddings": noise(4)[:, None]})(
            np.array([[1, 3, 0, 5]], np.float32), np.zeros((1, 3), np.float32)
        )
        assert np.linalg.norm(weights) == pytest.approx(1)
        np.testing.assert_allclose(weights[0], np.sqrt(np.array([1, 3, 0, 5]) / 9), rtol=1e-6)

    def test_idf_is_scikit_learns(self) -> None:
        text = pytest.importorskip("sklearn.feature_extraction.text", reason="scikit-learn is not installed")
        counts = np.array([[1, 0, 2], [3, 0, 0], [1, 1, 0]], np.float32)
        meant = text.TfidfTransformer(norm=None).fit(counts).idf_
        np.testing.assert_allclose(embedding.inverse_frequency((counts > 0).sum(axis=0), 3), meant, rtol=1e-6)
        tables = {"embeddings": np.ones((3, 1), np.float32), "idf": meant.astype(np.float32)}
        how = Pooling(kind="tf-idf", embedding=0, histogram=1)
        weights = Pooler(how, tables)(counts, np.zeros((3, 3), np.float32))
        np.testing.assert_allclose(weights[0], meant * counts[0] / 3, rtol=1e-6)

    def test_tf_idf_asks_for_the_idf(self) -> None:
        with pytest.raises(ConfigError, match="lacks tables"):
            Pooler(Pooling(kind="tf-idf"), {"embeddings": np.ones((2, 1), np.float32)})(
                np.ones((1, 2), np.float32), np.zeros((1, 3), np.float32)
            )

    @pytest.mark.parametrize("kind", ["mean", "sqrt"])
    def test_a_window_without_tokens_is_zeros(self, kind: embedding.Weighting) -> None:
        pooler = Pooler(Pooling(kind=kind, histogram=1), {"embeddings": noise(8).reshape(4, 2)})
        assert not pooler(np.zeros((1, 4), np.float32), np.zeros((1, 3), np.float32)).any()

    @settings(max_examples=20)
    @given(st.sampled_from(["silence", "equal", "short", "noise"]), st.integers(1, 8))
    def test_every_window_has_finite_values(self, kind: str, n_nearest: int) -> None:
        sound = {"silence": np.zeros(9000, np.float32), "equal": np.full(9000, 0.5, np.float32),
                 "short": noise(100), "noise": noise(9000)}[kind]  # fmt: skip
        one = Codebook(noise(8).reshape(1, 8))  # K = 1
        how = Pooling(kind="sqrt", n_nearest=n_nearest, histogram=1, statistics=1, unit_length=True)
        window = Votes.of(Describer([TokenStream(whitened(), one)], how)(whitened().bands(sound)))
        examples = Examples([window], 1, np.ones((1, 1), bool), np.zeros(1, np.int64))
        values = examples.each(pooling.fit(how, [noise(3)[None]], examples))
        assert values.shape == (1, 1 + 3 + 48)
        assert np.isfinite(values).all()

    def test_statistics_are_mean_and_deviations(self) -> None:
        bands = noise(60).reshape(20, 3)
        meant = [bands.mean(0), bands.std(0), (bands[1:] - bands[:-1]).std(0)]
        stream = TokenStream(Tokenizer(replace(SINGLE, n_mels=3)), book(2, 3, 0))
        found = Describer([stream], Pooling())(bands).statistics
        np.testing.assert_allclose(found, np.concatenate(meant), rtol=1e-5)

    @pytest.mark.parametrize("wrong", [{"kind": "max"}, {"n_nearest": 9}, {"embedding": 0.0}])
    def test_a_pooling_that_cannot_be_is_refused(self, wrong: dict) -> None:
        with pytest.raises(ConfigError):
            Pooling(**wrong)


def votes(bands: np.ndarray, front_end: TokenFrontEnd, codebook: Codebook, how: Pooling) -> np.ndarray:
    return Describer([TokenStream(Tokenizer(front_end), codebook)], how)(bands).counts


def book(n_tokens: int, n_values: int, seed: int) -> Codebook:
    return Codebook(np.random.default_rng(seed).standard_normal((n_tokens, n_values)).astype(np.float32))


class TestStreams:
    def test_a_stream_is_the_front_end_with_its_own_patches(self) -> None:
        base = asdict(PATCHES)
        assert front_ends(base, ()) == (PATCHES,)
        made = front_ends(base, [{}, {"patch_frames": 9, "less": "mean"}])
        assert made == (PATCHES, replace(PATCHES, patch_frames=9, less="mean"))
        with pytest.raises(ConfigError, match=r"streams\[1\]\.n_mels: unknown"):
            front_ends(base, [{}, {"n_mels": 8}])
        with pytest.raises(ConfigError, match=r"streams\[0\]\.less"):
            front_ends(base, [{"less": "max"}])

    def test_votes_of_streams_stand_one_behind_the_other(self) -> None:
        how = Pooling(kind="sqrt", n_nearest=2, histogram=1)
        short, long = PATCHES, replace(PATCHES, patch_frames=9, less="median")
        streams = [
            TokenStream(Tokenizer(short), book(5, 64, 0)),
            TokenStream(Tokenizer(long), book(7, 144, 1)),
        ]
        bands = streams[0].tokenizer.bands(noise(16_000))
        both = Describer(streams, how)(bands)
        alone = [Describer([stream], how)(bands) for stream in streams]
        few = Describer(streams, replace(how, loudest=0.3))(bands).counts
        assert 0 < few.sum() < 0.4 * both.counts.sum()
        assert both.counts.tobytes() == np.concatenate([one.counts for one in alone]).tobytes()
        assert both.statistics.tobytes() == alone[0].statistics.tobytes()

    @given(st.integers(0, 20), st.integers(1, 4), st.integers(1, 3), st.floats(0.01, 1), st.integers(0, 99))
    def test_the_loudest_patches_keep_their_order(
        self, n: int, frames: int, step: int, share: float, seed: int
    ) -> None:
        bands = np.random.default_rng(seed).integers(-1, 2, (n, 2)).astype(np.float32)
        front_end = replace(SINGLE, n_mels=2, patch_frames=frames, patch_step=step)
        codebook = book(40, 2 * frames, seed)
        patches = Tokenizer(front_end).patches(bands)
        sums = [bands[i : i + frames].sum() for i in range(0, n - frames + 1, step)]
        n_kept = max(1, round(share * len(sums))) if sums else 0
        kept = sorted(sorted(range(len(sums)), key=lambda i: (-sums[i], i))[:n_kept])
        found = votes(bands, front_end, codebook, Pooling(loudest=share))
        meant = np.bincount(codebook.assign(patches[kept]), minlength=40)
        assert found.tolist() == meant.tolist()

    @pytest.mark.parametrize("less", ["mean", "median"])
    def test_what_is_taken_away_is_so_where_votes_are_counted(self, less: Any) -> None:
        bands, codebook = 10 * noise(30 * 16).reshape(30, 16), book(40, 64, 3)
        plain = replace(PATCHES, unit_length=False)
        front_end = replace(plain, less=less)
        raised = Tokenizer(front_end).raised(bands)
        assert (raised < 0).any() == (less == "mean")
        found = votes(bands, front_end, codebook, Pooling())
        assert found.tolist() == votes(raised, plain, codebook, Pooling()).tolist()

    @pytest.mark.parametrize(("n_frames", "n_votes"), [(3, 0), (4, 1), (5, 2)])
    def test_a_patch_that_fits_once_is_one(self, n_frames: int, n_votes: int) -> None:
        bands = noise(16 * n_frames).reshape(n_frames, 16)
        assert votes(bands, replace(PATCHES, patch_step=1), book(9, 64, 4), Pooling()).sum() == n_votes

    def test_a_pooler_gives_each_stream_its_own_length(self) -> None:
        tables = {"embeddings": noise(20).reshape(5, 4), "embeddings_1": noise(21, 1).reshape(7, 3)}
        how = Pooling(kind="sqrt", histogram=1)
        counts = np.abs(noise(24)).reshape(2, 12)
        pooled = Pooler(how, tables)(counts, np.zeros((2, 3), np.float32))
        first, second = (
            np.sqrt(part / part.sum(axis=1, keepdims=True)) for part in (counts[:, :5], counts[:, 5:])
        )
        meant = [first, first @ tables["embeddings"], second, second @ tables["embeddings_1"]]
        np.testing.assert_allclose(pooled, np.concatenate(meant, axis=1), rtol=1e-6)

    def test_rows_that_stand_beside_each_other_are_averaged(self) -> None:
        rows = noise(24).reshape(6, 4)
        np.testing.assert_allclose(averaged(rows, 3), rows.reshape(2, 3, 4).mean(axis=1), rtol=1e-5)
        assert averaged(rows, 1).tobytes() == rows.tobytes()


class TestVariants:
    bands = PATCHES.spectrogram()(noise(16_000))

    def test_a_shift_moves_bands_and_fills_the_gap(self) -> None:
        up, down = (variants.Variant(shift_mels=n).of(self.bands, PATCHES) for n in (2, -2))
        assert (up[:, 2:] == self.bands[:, :-2]).all()
        assert (up[:, :2] == self.bands[:, :1]).all()
        assert (down[:, :-2] == self.bands[:, 2:]).all()
        assert (down[:, -2:] == self.bands[:, -1:]).all()

    @given(st.integers(0, 30), st.floats(0.25, 4))
    def test_a_stretch_lies_between_its_neighbours(self, n: int, factor: float) -> None:
        assume(factor != 1)
        made = variants.Variant(stretch=factor).of(self.bands[:n], PATCHES)
        assert len(made) == round(n * factor)
        if n:
            assert (made >= self.bands[:n].min(axis=0) - 1e-4).all()
            assert (made <= self.bands[:n].max(axis=0) + 1e-4).all()

    def test_a_line_stretched_is_a_line(self) -> None:
        line = np.arange(20, dtype=np.float32)[:, np.newaxis]
        np.testing.assert_allclose(
            variants.Variant(stretch=2.0).of(line, PATCHES)[:38, 0], np.arange(38) / 2, atol=1e-5
        )

    @given(st.floats(-120, 120))
    def test_a_gain_has_the_same_bits_on_every_cpu(self, gain_db: float) -> None:
        made = []
        for cpu in _kernels.cpu_tables():
            made.append(np.empty_like(self.bands))
            _kernels.vary(
                variants.Variant(shift_mels=1, gain_db=gain_db),
                self.bands,
                made[-1],
                log=True,
                offset=1e-6,
                cpu=cpu,
            )
        assert all((one.view(np.int32) == made[0].view(np.int32)).all() for one in made)

    @pytest.mark.parametrize("log", [True, False])
    def test_a_gain_is_that_of_the_sound(self, log: bool) -> None:
        front_end = replace(PATCHES, log=log)
        louder = variants.Variant(gain_db=6.0).of(front_end.spectrogram()(noise(16_000)), front_end)
        meant = front_end.spectrogram()((noise(16_000) * 10 ** (6 / 20)).astype(np.float32))
        np.testing.assert_allclose(louder, meant, rtol=1e-3, atol=1e-3)

    def test_what_is_no_variant_is_refused_by_name(self) -> None:
        for wrong, named in (
            ({}, "none of shift_mels"), ({"shift_mels": 1.5}, "shift_mels"), ({"stretch": 0.1}, "stretch"),
            ({"pitch": 1}, "pitch: unknown"),
        ):  # fmt: skip
            with pytest.raises(ConfigError, match=rf"variants\[0\].*{named}"):
                variants.variants([wrong], PATCHES)
        with pytest.raises(ConfigError, match="n_mfcc must be 0"):
            variants.variants([{"shift_mels": 1}], PAPER)


class TestExamples:
    @staticmethod
    def made(n: int, n_tokens: int) -> tuple[np.ndarray, np.ndarray, Examples]:
        random = np.random.default_rng(n)
        counts = np.zeros((n, n_tokens), np.float32)
        for row in counts:
            row[random.integers(0, n_tokens, 7)] = random.random(7)
        bands = random.random((n, 6), np.float32)
        windows = [Votes.of(Window(*both)) for both in zip(counts, bands, strict=True)]
        return counts, bands, Examples(windows, n_tokens, np.ones((n, 1), bool), np.arange(n))

    @pytest.mark.parametrize("kind", ["mean", "sqrt", "tf-idf"])
    def test_slices_are_pooled_as_the_whole(
        self, kind: embedding.Weighting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counts, bands, examples = self.made(50, 40)
        choice = Pooling(kind=kind, histogram=1, statistics=1, unit_length=True)
        pooler = pooling.fit(choice, [noise(200).reshape(40, 5)], examples)
        monkeypatch.setattr(slices, "SLICE_WINDOWS", 7)
        np.testing.assert_allclose(examples.each(pooler), pooler(counts, bands), atol=1e-6)
        np.testing.assert_array_equal(examples.each(lambda counts, _: counts), counts)
        np.testing.assert_array_equal(examples.having(), (counts > 0).sum(axis=0))

    def test_a_window_takes_the_room_of_its_votes(self) -> None:
        *_, small = self.made(300, 64)
        *_, large = self.made(300, 16_383)
        sizes = [sum(a.nbytes for a in vars(one).values() if hasattr(a, "nbytes")) for one in (small, large)]
        assert sizes[1] < 1.2 * sizes[0]


class TestClassifier:
    def test_logits_are_those_of_float64(self) -> None:
        one, two = Layer(noise(20).reshape(4, 5), noise(4)), Layer(noise(12).reshape(3, 4), noise(3, 1))
        values = noise(10).reshape(2, 5)
        hidden = np.maximum(values.astype(np.float64) @ one.weight.T + one.bias, 0)
        np.testing.assert_allclose(Classifier([one, two]).logits(values), hidden @ two.weight.T + two.bias,
                                   rtol=1e-5)  # fmt: skip

    def test_layers_that_do_not_fit_are_refused(self) -> None:
        layer = Layer(noise(20).reshape(4, 5), noise(4))
        with pytest.raises(ModelError, match="layer 1"):
            Classifier([layer, layer])
        with pytest.raises(ModelError, match="not all of its values are finite"):
            Classifier([replace(layer, bias=np.full(4, np.nan, np.float32))])


class TestRecipe:
    def test_the_papers_preset_is_the_paper(self) -> None:
        paper = recipe.load("paper")
        assert paper.frontend == PAPER
        assert (paper.codebook.n_centroids, paper.codebook.n_iterations) == (2**14 - 1, 25)
        assert paper.codebook.recordings_share == 0.8
        choice = paper.skipgram
        assert (choice.dim, choice.window, choice.negatives, choice.epochs) == (256, 80, 5, 100)
        assert (choice.exponent, choice.subsample, choice.min_count) == (0.75, 1e-4, 1)
        assert (paper.pooling, paper.head.hidden, paper.head.learning_rate) == (Pooling(), 512, 1e-3)

    def test_a_users_file_overrides_single_values(self, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").write_text("window_s = 3\n[codebook]\nn_centroids = 7\n")
        mine = recipe.load("best", tmp_path / "mine.toml")
        assert (mine.window_s, mine.codebook.n_centroids) == (3.0, 7)
        assert mine.frontend == recipe.load("best").frontend

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("[codebook]\nn_centroid = 7", "codebook.n_centroid: unknown"),
            ("[codebook]\nn_centroids = 0", "codebook.n_centroids: 0"),
            ("[codebook]\nn_centroids = '7'", "codebook.n_centroids: '7'"),
            ("[pooling]\nkind = 'max'", "pooling.kind: 'max'"),
            ("colour = 1", "colour: unknown"),
            ("window_s = 'long'", "window_s: 'long'"),
            ("window_s = nan", "window_s: nan"),
            ("window_s = 0.0009", "window_s: 0.0009 does not fit; it takes 0.001 to 600 seconds"),
            ("window_s = 0.002", "window_s: 0.002 does not fit; it takes one token at least, 0"),
            ("window_s = true", "window_s: True"),
            ("[pooling]\nembedding = nan", "pooling.embedding: nan"),
            ("[pooling]\nhistogram = inf", "pooling.histogram: inf"),
            ("[frontend]\noffset = nan", "frontend.offset: nan"),
            ("[frontend]\nfmax_hz = -inf", "frontend.fmax_hz: -inf"),
            ("[skipgram]\nexponent = nan", "skipgram.exponent: nan"),
            ("[head]\nstrength = inf", "head.strength: inf"),
            (f"[head]\nstrength = 1{400 * '0'}", "head.strength: 1000"),
            ("[codebook]\nrecordings_share = nan", "codebook.recordings_share: nan"),
            ("head = 1", "head: a table"),
            ("= nonsense", "no TOML"),
        ],
    )
    def test_what_does_not_fit_is_named(self, tmp_path: Path, text: str, named: str) -> None:
        (tmp_path / "mine.toml").write_text(text)
        with pytest.raises(ConfigError, match=named):
            recipe.load("best", tmp_path / "mine.toml")

    @pytest.mark.parametrize("preset", recipe.PRESETS)
    def test_presets_are_recipes(self, preset: str) -> None:
        chosen = recipe.load(preset)
        assert recipe.of(json.loads(json.dumps(chosen.as_dict()))) == chosen
        assert len(chosen.front_ends) == max(1, len(chosen.streams))

    def test_an_average_may_be_over_louder_variants(self) -> None:
        made = recipe.load("best").as_dict()
        tables = json.loads(json.dumps(made | {"pooling": made["pooling"] | {"averaged": True}}))
        assert any(variant.gain_db for variant in recipe.of(tables).variants)


class TestModelFolder:
    FACTS = {  # noqa: RUF012
        "title": "A 'quoted' \"name\"", "licence": "none", "activation": "softmax", "window_s": 5.0,
        "classes": ["Größe_große", "b"], "frontend": {"rate_hz": 32_000}, "pooling": {},
    }  # fmt: skip

    def folder(self, path: Path) -> Path:
        modelfolder.write(path, self.FACTS, {"x": noise(6).reshape(2, 3)})
        return path

    def test_what_was_written_is_read(self, tmp_path: Path) -> None:
        facts = modelfolder.facts(self.folder(tmp_path / "m"))
        assert facts["classes"] == self.FACTS["classes"]
        np.testing.assert_array_equal(
            modelfolder.arrays(tmp_path / "m", facts["arrays"])["x"], noise(6).reshape(2, 3)
        )
        assert modelfolder.is_one(tmp_path / "m")

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_any_other_byte_is_seen(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        folder = self.folder(tmp_path_factory.mktemp("m"))
        path = folder / data.draw(st.sampled_from(["model.toml", "x.npy"]))
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] ^= data.draw(st.integers(1, 255))
        else:
            del content[place:]
        path.write_bytes(content)
        with pytest.raises(ModelError, match=str(path)):
            modelfolder.arrays(folder, modelfolder.facts(folder)["arrays"])

    def test_a_newer_version_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(modelfolder, "VERSION", 3)
        self.folder(tmp_path / "m")
        monkeypatch.undo()
        with pytest.raises(ModelError, match="newer birdfast"):
            modelfolder.facts(tmp_path / "m")

    def test_a_missing_array_is_named(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path / "m")
        (folder / "x.npy").unlink()
        with pytest.raises(ModelError, match=r"x\.npy: cannot be read"):
            modelfolder.arrays(folder, modelfolder.facts(folder)["arrays"])

    def test_no_array_lies_elsewhere(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no name of an array"):
            modelfolder.arrays(tmp_path, {"../x": "0"})

    def test_pickles_are_not_read(self, tmp_path: Path) -> None:
        import hashlib

        np.save(tmp_path / "x.npy", np.array([{}], object), allow_pickle=True)
        sha256 = hashlib.sha256((tmp_path / "x.npy").read_bytes()).hexdigest()
        with pytest.raises(ModelError, match="no array can be read"):
            modelfolder.arrays(tmp_path, {"x": sha256})

    def test_the_manifest_is_plain_toml(self, tmp_path: Path) -> None:
        text = (self.folder(tmp_path / "m") / "model.toml").read_text()
        assert json.dumps("Größe_große", ensure_ascii=False) in text

"""Skip-gram embeddings of tokens: what they are worth beside gensim's, and what a second worker gains.

    python bench/bench_skipgram.py quality [--seeds 3]            (a classifier on gensim's and on ours)
    python bench/bench_skipgram.py scaling                        (two workers beside one)

How fast one worker is beside gensim's one: `pytest bench -k skip_gram --benchmark-only`. Vocabulary 16,383,
no subsampling, sentences of 480 tokens. Real tokens are log-mel patches of ESC-10 (16 frames of 64 mels,
whitened, unit length; a patch every 10 ms for scaling, every 40 ms for quality); without ../shared/data/esc10
there are uniform tokens alone. Quality: a clip is the mean of its tokens' embeddings, logistic regression,
the official 5 folds; codebook and embeddings are learnt from all clips, without their labels.
The bars: two workers 1.6 times one, and macro ROC-AUC within 0.005 of gensim's.
"""

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from birdfast_jobs.job import Float32, Int32
from birdfast_jobs.tokens import VOCABULARY
from peers.skip_gram import word2vec

from birdfast import audio
from birdfast.spectrogram import LogMel
from birdfast.train import skipgram

ESC10 = Path(__file__).resolve().parents[2] / "shared" / "data" / "esc10"
SENTENCE, FRAMES, MELS, RATE_HZ, HOP = 480, 16, 64, 16_000, 160
SIZES = ((256, 80), (128, 10))  # dim and window
SCALING_BAR, QUALITY_BAR = 1.6, 0.005


class Learnt(NamedTuple):
    """Embeddings, zeros for tokens never seen, and how long the epochs alone took."""

    embeddings: Float32
    seconds: float


class Clips(NamedTuple):
    """Whitened patches of each clip, and what the clip is."""

    patches: list[Float32]
    labels: np.ndarray
    folds: np.ndarray


def read_clips(folder: Path, every: int) -> Clips:
    """Cut every clip of ESC-10 into patches, one every `every` frames."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    log_mel = LogMel(RATE_HZ, 512, HOP, MELS, offset=1e-6)
    cut = []
    for row in rows:
        samples, _ = audio.read(folder / row["file"], RATE_HZ)
        frames = np.lib.stride_tricks.sliding_window_view(log_mel(samples), FRAMES, axis=0)[::every]
        cut.append(frames.reshape(len(frames), -1))
    labels, folds = np.array([row["label"] for row in rows]), np.array([int(row["fold"]) for row in rows])
    return Clips(whitened(cut), labels, folds)


def whitened(cut: list[Float32]) -> list[Float32]:
    """Whiten patches with their 64 first principal components, then make each of unit length."""
    some = np.concatenate([patches[::8] for patches in cut])
    mean = some.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((some - mean).T))
    matrix = (vectors[:, -MELS:] / np.sqrt(values[-MELS:])).astype(np.float32)
    white = [(patches - mean) @ matrix for patches in cut]
    return [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9) for rows in white]


def nearest(rows: Float32, n: int, seed: int = 0) -> Int32:
    """Return each row's cluster of n."""
    from sklearn.cluster import MiniBatchKMeans

    found = MiniBatchKMeans(min(n, len(rows)), batch_size=4096, n_init=1, max_iter=20, random_state=seed)
    return found.fit_predict(rows).astype(np.int32)


def real_tokens(folder: Path) -> Int32:
    """Return about 190,000 tokens of ESC-10, of a codebook of two levels; kept for the next run."""
    kept = Path(tempfile.gettempdir()) / "birdfast-bench-skipgram-tokens.npy"
    if not kept.exists():
        rows = np.concatenate(read_clips(folder, every=1).patches)
        top = nearest(rows, 128)
        tokens, first = np.zeros(len(rows), np.int32), 0
        for cluster in range(128):
            here = np.flatnonzero(top == cluster)
            n = max(1, round(len(here) / len(rows) * (VOCABULARY - 128)))
            tokens[here] = first + nearest(rows[here], n)
            first += n
        np.save(kept, tokens)
    return np.load(kept)


def gensims(sentences: list[Int32], seed: int, **options: float) -> Learnt:
    """Learn with gensim."""
    words = [[str(token) for token in sentence] for sentence in sentences]
    model = word2vec(words, seed=seed, **options)
    began = time.perf_counter()
    model.train(words, total_examples=len(words), epochs=model.epochs)
    seconds = time.perf_counter() - began
    embeddings = np.zeros((VOCABULARY, options["dim"]), np.float32)
    embeddings[[int(key) for key in model.wv.index_to_key]] = model.wv.vectors
    return Learnt(embeddings, seconds)


def ours(sentences: list[Int32], n_workers: int, **options: float) -> Learnt:
    """Learn with birdfast; the seconds are those of the epochs, as gensim's are."""
    told: list[skipgram.Epoch] = []
    embeddings = skipgram.train(sentences, VOCABULARY, n_workers=n_workers, progress=told.append, **options)
    return Learnt(embeddings, sum(epoch.seconds for epoch in told))


def corpora(folder: Path) -> dict[str, Int32]:
    """Return the kinds of tokens there are."""
    uniform = np.random.default_rng(0).integers(0, VOCABULARY, 400 * SENTENCE).astype(np.int32)
    if folder.is_dir():
        return {"uniform": uniform, "real": real_tokens(folder)}
    print(f"no real tokens: {folder} is not there")
    return {"uniform": uniform}


def scaling(folder: Path, repeats: int) -> bool:
    """Print tokens a second of two workers and of one, by kind of tokens; say whether the bar is met."""
    print(
        f"{'tokens':<10}{'dim':>5}{'window':>8}{'two workers':>14}{'one':>12}{'ratio':>8}{'cores used':>12}"
    )
    met = True
    for name, tokens in corpora(folder).items():
        for dim, window in SIZES:
            sentences = np.split(tokens[: len(tokens) // SENTENCE * SENTENCE], len(tokens) // SENTENCE)
            sentences = sentences[:: 4 if window > 40 else 1]
            options = {"dim": dim, "window": window, "negatives": 5, "subsample": 0, "epochs": 1}
            ours(sentences[:2], 1, **options)  # compiles
            pairs, cores = [], []
            for _ in range(repeats):
                began, used = time.perf_counter(), time.process_time()
                first = ours(sentences, 2, **options).seconds
                cores.append((time.process_time() - used) / (time.perf_counter() - began))
                pairs.append((first, ours(sentences, 1, **options).seconds))
            ratio = statistics.median(second / first for first, second in pairs)
            met &= ratio >= SCALING_BAR
            two, one = SENTENCE * len(sentences) / np.median(pairs, axis=0)
            print(f"{name:<10}{dim:>5}{window:>8}{two:>14,.0f}{one:>12,.0f}{ratio:>8.2f}", end="")
            print(f"{statistics.median(cores):>12.2f}", flush=True)
    return met


def macro_roc_auc(clips: Clips, tokens: list[Int32], embeddings: Float32) -> tuple[float, float]:
    """Return accuracy and macro ROC-AUC of logistic regression on the clips' means, over the 5 folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    means = np.stack([embeddings[clip].mean(axis=0) for clip in tokens])
    found = []
    for fold in np.unique(clips.folds):
        test = clips.folds == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1))
        model.fit(means[~test], clips.labels[~test])
        chances = model.predict_proba(means[test])
        auc = roc_auc_score(clips.labels[test], chances, multi_class="ovr", average="macro")
        found.append((model.score(means[test], clips.labels[test]), auc))
    return tuple(np.mean(found, axis=0))


def quality(folder: Path, seeds: Iterable[int], vocabulary: int, epochs: int) -> bool:
    """Print accuracy and macro ROC-AUC of both, seed by seed; say whether the means are close."""
    clips = read_clips(folder, every=4)
    codes = nearest(np.concatenate(clips.patches), vocabulary)
    tokens = np.split(codes, np.cumsum([len(rows) for rows in clips.patches])[:-1])
    met = True
    for dim, window in ((128, 20), (256, 80)):
        table: dict[str, list[tuple[float, float]]] = {"birdfast": [], "gensim": []}
        for seed in seeds:
            options = {"dim": dim, "window": window, "negatives": 5, "subsample": 1e-4, "epochs": epochs}
            mine = ours(tokens, 1, seed=seed, **options)
            theirs = gensims(tokens, seed=seed, **options)
            for name, learnt in (("birdfast", mine), ("gensim", theirs)):
                table[name].append(macro_roc_auc(clips, tokens, learnt.embeddings))
                length = np.linalg.norm(learnt.embeddings[np.unique(codes)], axis=1).mean()
                accuracy, auc = table[name][-1]
                print(
                    f"dim {dim} window {window} seed {seed} {name:<9}accuracy {accuracy:.3f}  "
                    f"macro ROC-AUC {auc:.4f}  row length {length:.2f}  {learnt.seconds:.0f} s",
                    flush=True,
                )
        means = {name: np.mean(rows, axis=0) for name, rows in table.items()}
        apart = means["birdfast"][1] - means["gensim"][1]
        met &= apart >= -QUALITY_BAR
        print(
            f"dim {dim} window {window} mean of seeds: accuracy {means['birdfast'][0]:.3f} and gensim's "
            f"{means['gensim'][0]:.3f}, macro ROC-AUC {means['birdfast'][1]:.4f} and "
            f"{means['gensim'][1]:.4f}: {apart:+.4f}, bar -{QUALITY_BAR}",
            flush=True,
        )
    return met


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("quality", "scaling"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--vocabulary", type=int, default=1024, help="of quality")
    parser.add_argument("--epochs", type=int, default=50, help="of quality")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=ESC10, help="ESC-10's folder, with labels.csv")
    chosen = parser.parse_args()
    if chosen.part == "scaling":
        met = scaling(chosen.data, chosen.repeats)
    elif not chosen.data.is_dir():
        raise SystemExit(f"real data is not part of the project: {chosen.data} is not there")
    elif find_spec("gensim") is None:
        raise SystemExit("gensim is not installed: pip install '.[bench]'")
    else:
        met = quality(chosen.data, range(chosen.seeds), chosen.vocabulary, chosen.epochs)
    print("all bars met" if met else "a bar is missed")


if __name__ == "__main__":
    main()

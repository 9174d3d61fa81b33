"""Skip-gram embeddings of tokens: tokens a second beside gensim, and what they are worth afterwards.

    taskset -c 1 python bench/bench_skipgram.py                   (one worker beside gensim's one)
    python bench/bench_skipgram.py --scaling                      (two workers beside one)
    python bench/bench_skipgram.py --quality [--seeds 3]          (a classifier on gensim's and on ours)

Medians of interleaved epochs over sentences of 480 tokens, vocabulary 16,383, no subsampling. Real tokens
are log-mel patches of ESC-10 (16 frames of 64 mels, whitened, unit length; a patch every 10 ms for speed,
every 40 ms for quality); without ../shared/data/esc10 there are uniform tokens alone. Quality: a clip is the
mean of its tokens' embeddings, logistic regression, the official 5 folds; codebook and embeddings are learnt
from all clips, without their labels.
The bars: 5 times gensim at dim 256 window 80, 3.5 times at dim 128 window 10, two workers 1.6 times one, and
macro ROC-AUC within 0.005 of gensim's.
"""

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from peers import skipgram as peers

from birdfast import audio
from birdfast.spectrogram import LogMel
from birdfast.train import skipgram

ESC10 = Path(__file__).resolve().parents[2] / "shared" / "data" / "esc10"
SENTENCE, FRAMES, MELS, RATE_HZ, HOP = 480, 16, 64, 16_000, 160
VOCABULARY = peers.VOCABULARY
JOBS = {(256, 80): 5.0, (128, 10): 3.5}  # dim and window: the bar
SCALING_BAR, QUALITY_BAR = 1.6, 0.005


class Clips(NamedTuple):
    """Whitened patches of each clip, and what the clip is."""

    patches: list[peers.Float32]
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


def whitened(cut: list[peers.Float32]) -> list[peers.Float32]:
    """Whiten patches with their 64 first principal components, then make each of unit length."""
    some = np.concatenate([patches[::8] for patches in cut])
    mean = some.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((some - mean).T))
    matrix = (vectors[:, -MELS:] / np.sqrt(values[-MELS:])).astype(np.float32)
    white = [(patches - mean) @ matrix for patches in cut]
    return [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9) for rows in white]


def nearest(rows: peers.Float32, n: int, seed: int = 0) -> peers.Tokens:
    """Return each row's cluster of n."""
    from sklearn.cluster import MiniBatchKMeans

    found = MiniBatchKMeans(min(n, len(rows)), batch_size=4096, n_init=1, max_iter=20, random_state=seed)
    return found.fit_predict(rows).astype(np.int32)


def real_tokens(folder: Path) -> peers.Tokens:
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


def ours(sentences: list[peers.Tokens], n_workers: int, **options: float) -> peers.Learnt:
    """Learn with birdfast; the seconds are those of the epochs, as gensim's are."""
    told: list[skipgram.Epoch] = []
    embeddings = skipgram.train(sentences, VOCABULARY, n_workers=n_workers, progress=told.append, **options)
    return peers.Learnt(embeddings, sum(epoch.seconds for epoch in told))


def corpora(folder: Path) -> dict[str, peers.Tokens]:
    """Return the kinds of tokens there are."""
    uniform = np.random.default_rng(0).integers(0, VOCABULARY, 400 * SENTENCE).astype(np.int32)
    if folder.is_dir():
        return {"uniform": uniform, "real": real_tokens(folder)}
    print(f"no real tokens: {folder} is not there")
    return {"uniform": uniform}


def speed(folder: Path, repeats: int, *, scaling: bool) -> bool:
    """Print tokens a second for each kind of tokens and each size; say whether the bars are met."""
    names = ("two workers", "one worker") if scaling else ("birdfast", "gensim")
    print(f"{'tokens':<10}{'dim':>5}{'window':>8}{names[0]:>16}{names[1]:>14}{'ratio':>8}{'bar':>6}", end="")
    print(f"{'cores used':>12}" if scaling else "")
    met = True
    for name, tokens in corpora(folder).items():
        for (dim, window), bar in JOBS.items():
            sentences = np.split(tokens[: len(tokens) // SENTENCE * SENTENCE], len(tokens) // SENTENCE)
            sentences = sentences[:: 4 if window > 40 else 1]
            options = {"dim": dim, "window": window, "negatives": 5, "subsample": 0, "epochs": 1}
            ours(sentences[:2], 1, **options)  # compiles
            pairs, cores = [], []
            for _ in range(repeats):
                began, used = time.perf_counter(), time.process_time()
                first = ours(sentences, 2 if scaling else 1, **options).seconds
                cores.append((time.process_time() - used) / (time.perf_counter() - began))
                other = ours if scaling else peers.gensim
                pairs.append((first, other(sentences, n_workers=1, **options).seconds))
            bar = SCALING_BAR if scaling else bar
            ratio = statistics.median(second / first for first, second in pairs)
            met &= ratio >= bar
            rates = SENTENCE * len(sentences) / np.median(pairs, axis=0)
            print(
                f"{name:<10}{dim:>5}{window:>8}{rates[0]:>16,.0f}{rates[1]:>14,.0f}{ratio:>8.2f}{bar:>6}",
                end="",
            )
            print(f"{statistics.median(cores):>12.2f}" if scaling else "", flush=True)
    return met


def macro_roc_auc(clips: Clips, tokens: list[peers.Tokens], embeddings: peers.Float32) -> tuple[float, float]:
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
            theirs = peers.gensim(tokens, seed=seed, **options)
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
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--vocabulary", type=int, default=1024, help="of --quality")
    parser.add_argument("--epochs", type=int, default=50, help="of --quality")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=ESC10, help="ESC-10's folder, with labels.csv")
    chosen = parser.parse_args()
    if not peers.is_here() and not chosen.scaling:
        raise SystemExit("gensim is not installed: pip install '.[bench]'")
    if chosen.quality and not chosen.data.is_dir():
        raise SystemExit(f"real data is not part of the project: {chosen.data} is not there")
    if chosen.quality:
        met = quality(chosen.data, range(chosen.seeds), chosen.vocabulary, chosen.epochs)
    else:
        met = speed(chosen.data, chosen.repeats, scaling=chosen.scaling)
    print("all bars met" if met else "a bar is missed")


if __name__ == "__main__":
    main()

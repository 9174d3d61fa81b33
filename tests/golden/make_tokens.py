"""Make tokens.npz: what faiss finds, for codebooks and frames that anyone can make again.

    pip install faiss-cpu==1.15.1
    python tests/golden/make_tokens.py

faiss-cpu 1.15.1, IndexFlatL2, one thread. faiss takes |x|^2 - 2 x.c + |c|^2 in float32 for its distance, so
the frames are kept whose nearest and next nearest centroids are further apart than that can err. `inertia` is
the median of faiss.Kmeans' over seeds, for all rows of "mfcc" in 32 clusters, 25 iterations.
"""

from pathlib import Path

import numpy as np

SIZES = {"mfcc": (1000, 20), "patches": (512, 64), "few": (3, 7)}
N_FRAMES = 300
N_NEAREST = 4


def codebook_and_frames(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Integers over 256 from a generator written out here: no library's random numbers matter."""
    n_centroids, n_values = SIZES[name]
    state = np.arange(1, (n_centroids + N_FRAMES) * n_values + 1, dtype=np.uint64) + np.uint64(n_values << 32)
    for shift, factor in ((33, 0xFF51AFD7ED558CCD), (33, 0xC4CEB9FE1A85EC53), (33, 1)):
        with np.errstate(over="ignore"):
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    values = ((state >> np.uint64(54)).astype(np.float32) - 512) / 256
    rows = values.reshape(-1, n_values)
    return rows[:n_centroids].copy(), rows[n_centroids:].copy()


def kmeans_inertia(rows: np.ndarray) -> float:
    import faiss

    inertias = []
    for seed in range(9):
        kmeans = faiss.Kmeans(rows.shape[1], 32, niter=25, seed=seed)
        kmeans.train(rows)
        distances = np.square(rows[:, None].astype(float) - kmeans.centroids).sum(axis=-1)
        inertias.append(distances.min(axis=1).sum())
    return float(np.median(inertias))


def main() -> None:
    import faiss

    faiss.omp_set_num_threads(1)
    found = {}
    for name in SIZES:
        centroids, frames = codebook_and_frames(name)
        index = faiss.IndexFlatL2(centroids.shape[1])
        index.add(centroids)
        n = min(N_NEAREST, len(centroids))
        distances, tokens = index.search(frames, n)
        exact = np.sort(np.square(frames[:, None].astype(float) - centroids).sum(axis=-1), axis=1)
        clear = np.diff(exact[:, : n + 1], axis=1).min(axis=1) > 1e-3
        found[f"{name}_rows"] = np.flatnonzero(clear).astype(np.int16)
        found[f"{name}_tokens"] = tokens[clear].astype(np.int16)
        found[f"{name}_distances"] = distances[clear]
    found["inertia"] = np.array(kmeans_inertia(np.concatenate(codebook_and_frames("mfcc"))))
    np.savez_compressed(Path(__file__).parent / "tokens.npz", **found)


if __name__ == "__main__":
    main()

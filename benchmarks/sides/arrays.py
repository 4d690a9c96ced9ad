"""What both sides of the factorisation benchmarks share: arrays in, quality out; numpy alone."""

import statistics
import time

import numpy as np
from scipy.sparse import csr_matrix


def read(folder, part):
    """user, item (int32) and rating (float32) of `train` or `test`."""
    with np.load(folder / f"{part}.npz") as file:
        return (
            file["user"].astype(np.int32),
            file["item"].astype(np.int32),
            file["rating"].astype(np.float32),
        )


def touched(folder):
    """Both parts as (n_users, n_items) matrices of ones."""
    parts = {part: read(folder, part)[:2] for part in ("train", "test")}
    shape = tuple(1 + max(int(p[side].max()) for p in parts.values()) for side in (0, 1))
    return [
        csr_matrix((np.ones(len(u), np.float32), (u, i)), shape=shape) for u, i in parts.values()
    ]


def gains(top, test):
    """NDCG of `top` (n_users, k) of each user with a test item; all of these are relevant."""
    k = top.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)
    found = []
    for user in range(test.shape[0]):
        relevant = test.indices[test.indptr[user] : test.indptr[user + 1]]
        if len(relevant):
            hits = np.isin(top[user], relevant)
            found.append((hits * discount).sum() / ideal[min(k, len(relevant)) - 1])
    return found


def ndcg(top, test):
    """Their mean."""
    return float(np.mean(gains(top, test)))


def best(scores, train, k):
    """(n_users, k) from (n_users, n_items) scores, which are overwritten."""
    scores[train.nonzero()] = -np.inf
    some = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, some, 1), axis=1)
    return np.take_along_axis(some, order, 1)


def timed(work, times, clock=time.perf_counter):
    """The last result of `work`, and the median of its seconds."""
    seconds = []
    for _ in range(times):
        start = clock()
        found = work()
        seconds.append(clock() - start)
    return found, statistics.median(seconds)

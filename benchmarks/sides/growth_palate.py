"""Our side of the growth benchmark: five passes of each model, and lists, on given rows."""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from arrays import read

from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.models.als import ALS, ALSConfig
from palate.models.bpr import BPR, BPRConfig
from palate.models.svd import SVD, SVDConfig

LISTED = 20_000
K = 10


class Rows:
    """What models read of a dataset, without frames of strings."""

    def __init__(self, histories):
        self.histories = histories
        self.n_users, self.n_items = histories.n_users, histories.n_items
        self.item_vocabulary = Vocabulary(str(i) for i in range(self.n_items))

    def __len__(self):
        return len(self.histories)


def rows(user, item, rating):
    return Rows(
        Histories.from_entries(
            user,
            item,
            rating,
            np.full(len(user), -1, np.int64),
            n_users=int(user.max()) + 1,
            n_items=int(item.max()) + 1,
        )
    )


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(inputs, output):
    user, item, rating = read(inputs, "train")
    models = {
        "als": lambda n: ALS(ALSConfig(f=32, iterations=n)),
        "bpr": lambda n: BPR(BPRConfig(f=32, epochs=n)),
        "svd": lambda n: SVD(SVDConfig(f=32, epochs=n)),
    }
    few = rows(user[:2000], item[:2000], rating[:2000])
    for make in models.values():
        make(1).fit(few).top_k(few.histories.slice(0, 40), K)
    data = rows(user, item, rating)
    figures = {"rows memory": peak_mib()}
    for name, make in models.items():
        start = time.perf_counter()
        model = make(5).fit(data)
        figures[f"{name} fit"] = time.perf_counter() - start
        figures[f"{name} memory"] = peak_mib()
        if name == "als":
            # For as many users at every size, since for all of them it is users times items.
            listed = data.histories.slice(0, min(LISTED, data.n_users))
            start = time.perf_counter()
            model.top_k(listed, K)
            seconds = (time.perf_counter() - start) / listed.n_users * LISTED
            figures[f"top-k for {LISTED:,} users"] = seconds
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]))

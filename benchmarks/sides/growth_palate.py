"""Our side of the growth benchmark: five passes of each model, and lists, on given rows.

Seconds are those of the processors, all threads together: what is asked is how cost grows,
and they do not depend on what else the machine does.
"""

import json
import re
import sys
import time
from pathlib import Path

import numpy as np
from arrays import read, timed

from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.models.als import ALS, ALSConfig
from palate.models.bpr import BPR, BPRConfig
from palate.models.svd import SVD, SVDConfig

LISTED = 20_000
K = 10
PASSES = 5
OFTEN = 2_000_000  # rows below which a figure is the median of several
MODELS = {
    "als": lambda n: ALS(ALSConfig(f=32, iterations=n)),
    "bpr": lambda n: BPR(BPRConfig(f=32, epochs=n)),
    "svd": lambda n: SVD(SVDConfig(f=32, epochs=n)),
}


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


def forget_peak():
    """The kernel counts the peak of this process anew."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib():
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024


def cost(work, times):
    return timed(work, times, time.process_time)


def main(inputs, output):
    user, item, rating = read(inputs, "train")
    few = rows(user[:2000], item[:2000], rating[:2000])
    for make in MODELS.values():
        make(1).fit(few).top_k(few.histories.slice(0, 40), K)
    data = rows(user, item, rating)
    del user, item, rating
    times = max(1, min(5, OFTEN // len(data)))
    # For as many users at every size, since for all of them it is users times items.
    listed = data.histories.slice(0, min(LISTED, data.n_users))
    figures = {}
    for name, make in MODELS.items():
        forget_peak()
        model, figures[f"{name} fit"] = cost(lambda make=make: make(PASSES).fit(data), times)
        figures[f"{name} memory"] = peak_mib()
        if name == "als":
            _, seconds = cost(lambda model=model: model.top_k(listed, K), times)
            figures[f"top-k for {LISTED:,} users"] = seconds / listed.n_users * LISTED
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]))

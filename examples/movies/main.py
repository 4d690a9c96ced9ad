"""Films, from data to a recommendation with its reasons, in the Python API.

python examples/movies/main.py                 a generated catalogue, nothing to download
python examples/movies/main.py DATA            MovieLens 100K from a local copy in DATA
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from palate import (
    EASE,
    SAR,
    ContentKNN,
    Dataset,
    ItemKNN,
    Popular,
    Protocol,
    Recommender,
    compare,
    open_releases,
)
from palate.data import sources
from palate.data.generated import generate


def load(folder: Path | None) -> Dataset:
    """MovieLens 100K where there is a local copy of it, a generated catalogue elsewhere."""
    if folder is None:
        return generate(n_users=300, n_items=200, n_events=10_000, seed=7).dataset
    ml_100k = sources.source("ml-100k")
    print(f"{ml_100k.terms}\n{ml_100k.citation}\n")
    with tempfile.TemporaryDirectory() as cache:
        return ml_100k.load(Path(cache), accept_licence=True, local=folder)


def main(folder: Path | None, home: Path) -> None:
    """Load, compare, release, recommend."""
    films = load(folder)
    title = dict(films.items.select("item_id", "title").rows())
    print(f"{len(films):,} events, {films.n_users:,} people, {films.n_items:,} films\n")

    # One split, one protocol, intervals over users: which model is best, and by how much?
    models: list[Recommender[Any]] = [Popular(), SAR(), ItemKNN(), EASE(), ContentKNN()]
    comparison = compare(models, films, Protocol())
    print(comparison.to_markdown())

    # Release the winner, fitted on everything, under a name and a version.
    best = comparison.best
    model = comparison.fitted[best.name].fit(films)
    releases = open_releases(home)
    release = releases.create(model, name="films", dataset=films)
    releases.promote(release.ref, by="example", reason=f"best {comparison.protocol.main}")
    print(f"released {release.ref}, a {best.model}; {releases.aliases()}\n")

    # What comes from the release knows no users: their histories are given to it.
    model = releases.load("stable").model.with_histories(films)
    user = films.user_vocabulary.id(0)
    for row in model.recommend([user], k=5).iter_rows(named=True):
        reasons = ", ".join(title[r.item_id] for r in model.explain(user, row["item_id"], k=2))
        print(
            f"{row['rank']}. {title[row['item_id']]}"
            + (f"  (because of {reasons})" if reasons else "")
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else None, Path(temporary))

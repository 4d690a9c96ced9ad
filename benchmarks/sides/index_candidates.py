"""Our side of the comparison of candidates: exact, inverted file, and lists without distances."""

import json
import sys
from pathlib import Path

import numpy as np
from index_measures import alike, measured, read

from palate.retrieval.index import LocalIndex


def main(inputs, output, _):
    items, queries, nearest = read(inputs)
    k = nearest.shape[1]
    ids = [str(row) for row in range(len(items))]
    groups = np.load(inputs / "groups.npy")
    liked, parts = np.load(inputs / "liked.npy"), np.load(inputs / "parts.npy")
    index = LocalIndex.build(ids, items, queries=alike(inputs))
    exact = LocalIndex.build(ids, items, n_lists=1)

    def rows(hits):
        return np.array(hits[0].ids, np.int64)

    def listed(query):
        return rows(index.probe(query[None], k))

    def compared(query):
        """Lists with ten times as many items as are wanted, and the best of these by distance."""
        some = [ids[row] for row in rows(index.probe(query[None], 10 * k))]
        scores = index.vectors(some) @ query
        best = np.argpartition(-scores, k)[:k]
        return np.array([some[place] for place in best], np.int64)

    asked = attribute_query(groups, parts, liked, k)
    numbers = {query.tobytes(): number for number, query in enumerate(queries)}
    methods = {
        "attribute query": lambda query: asked(numbers[query.tobytes()]),
        "k-means probe": listed,
        "probe and distance": compared,
        "exact": lambda query: rows(exact.search(query[None], k)),
        "inverted file": lambda query: rows(index.search(query[None], k)),
    }
    figures = {}
    for name, search in methods.items():
        found = [np.asarray(search(query)).tolist() for query in queries]
        figures[name] = measured(search, queries, nearest) | {"found": found}
    output.write_text(json.dumps(figures))


def attribute_query(groups, parts, liked, k):
    """Select ... where model in (the three a visitor likes best) and part = theirs limit k.

    As a database with an index on each model answers it; the newest come first.
    """
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(groups.max() + 2))

    def asked(number):
        models, part = set(liked[number, :-1].tolist()), liked[number, -1]
        rows = np.concatenate([order[starts[one] : starts[one + 1]] for one in models])
        found = np.sort(rows[parts[rows] == part])[-k:]
        if len(found) < k:  # then in other ranges of prices too
            others = np.sort(rows[parts[rows] != part])[len(found) - k :]
            found = np.concatenate((found, others))
        return found

    return asked


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

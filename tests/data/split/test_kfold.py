from __future__ import annotations

import polars as pl

from palate.data import Dataset
from palate.data.split import KFold


def test_every_row_is_tested_once() -> None:
    frame = pl.DataFrame({"user_id": [1] * 11, "item_id": [1] * 11, "value": list(range(11))})
    splits = list(KFold(folds=4).splits(Dataset.from_frames(frame)))
    assert sorted(len(s.test) for s in splits) == [2, 3, 3, 3]
    tested = [v for s in splits for v in s.test.interactions["value"].to_list()]
    assert sorted(tested) == list(range(11))


def test_one_fold_is_one_of_all() -> None:
    frame = pl.DataFrame({"user_id": [1] * 6, "item_id": list(range(6))})
    whole = Dataset.from_frames(frame)
    third = list(KFold(folds=3).splits(whole))[2]
    alone = KFold(folds=3, fold=2).split(whole)
    assert third.test.interactions.equals(alone.test.interactions)

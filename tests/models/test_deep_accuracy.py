"""Deep recommenders on MovieLens 100K, the 75/25 split of the `recommenders` benchmark."""

from __future__ import annotations

import pytest

from palate.data import Dataset
from palate.evaluate.judge import judge
from palate.evaluate.protocol import Protocol
from palate.models.lightgcn import LightGCN, LightGCNConfig
from palate.models.multvae import MultVAE
from palate.models.ncf import NCF, NCFConfig
from palate.testing.model_files import AnyModel

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.mark.parametrize(
    ("model", "ndcg"),
    [
        (LightGCN(LightGCNConfig(batch_size=128, weight_decay=0.1)), 0.42),
        (NCF(NCFConfig(learning_rate=5e-3, negatives=8, weight_decay=0.1)), 0.41),
        (MultVAE(), 0.45),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_lists(parts: tuple[Dataset, Dataset], model: AnyModel, ndcg: float) -> None:
    train, test = parts
    protocol = Protocol(split=None, metrics=("ndcg",))
    found = judge(model.fit(train), train, test, protocol).intervals["ndcg"]
    assert found.estimate >= ndcg

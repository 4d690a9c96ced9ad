"""Settings of NeuMF, LightGCN and MultVAE for each data set, and how they were chosen.

Configs were judged by NDCG@10 on a fifth of the training rows (seed 0), as
`factorisation_tuning.py` does; no test row had a part in it. How long to train is decided
within each fit by a part held out of the rows it is given; then all are learned from again.
`ncf_test` has the settings of ml-1m.
"""

from __future__ import annotations

from palate.models.lightgcn import LightGCNConfig
from palate.models.multvae import MultVAEConfig
from palate.models.ncf import NCFConfig

__all__ = ["LIGHTGCN", "MULTVAE", "NCF"]

LIGHTGCN = {
    "ml-100k": LightGCNConfig(batch_size=128, weight_decay=0.1),
    "ml-1m": LightGCNConfig(d=128, batch_size=256, weight_decay=0.3),
}
MULTVAE = {
    "ml-100k": MultVAEConfig(),
    "ml-1m": MultVAEConfig(),
}
# Validation was still rising a little after 12 epochs; they take minutes, so they are fixed.
NCF_1M = NCFConfig(learning_rate=5e-3, negatives=8, weight_decay=0.1, epochs=12, validation=0.0)
NCF = {
    "ml-100k": NCFConfig(learning_rate=5e-3, negatives=8, weight_decay=0.1),
    "ml-1m": NCF_1M,
    "ncf_test": NCF_1M,
}

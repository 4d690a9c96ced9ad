"""Settings of the factorisation models for each data set, and how they were chosen.

`benchmarks/factorisation_tuning.py` draws configs from the space that a model declares and
judges them on a fifth of the training rows; a few more were set by hand about the best and
judged on the same rows. No test row of the 75/25 split or of Gowalla had a part in it. Each
fold of MovieLens 1M takes the one of `FOLD_SVD` that a tenth of its own training rows judges
best. iALS on `ncf_test` has the published settings of Rendle et al. 2021.
"""

from __future__ import annotations

from palate.models.als import ALSConfig
from palate.models.als_explicit import ExplicitALSConfig
from palate.models.bpr import BPRConfig
from palate.models.puresvd import PureSVDConfig
from palate.models.svd import SVDConfig

__all__ = ["ALS", "BPR", "EXPLICIT_ALS", "NCF_ALS", "PURESVD", "SVD"]

PURESVD = {"ml-100k": PureSVDConfig(f=16, d=0.7), "ml-1m": PureSVDConfig(f=40, d=0.7)}
ALS = {
    "ml-100k": ALSConfig(f=32, lambda_=0.015),
    "ml-1m": ALSConfig(f=128, lambda_=0.01),
    "gowalla-lightgcn": ALSConfig(f=512, alpha0=0.02, lambda_=0.03, nu=0.65),
}
NCF_ALS = ALSConfig(f=192, alpha0=0.3, lambda_=0.007, nu=1.0, iterations=12)
BPR = {
    "ml-100k": BPRConfig(f=64, lambda_=0.02),
    "ml-1m": BPRConfig(f=64, alpha=0.09, lambda_=0.012),
    "gowalla-lightgcn": BPRConfig(f=128, alpha=0.13, lambda_=0.004),
}
SVD = {"ml-100k": SVDConfig(), "ml-1m": SVDConfig()}
FOLD_SVD = tuple(
    SVDConfig(epochs=epochs, lambda_=lambda_, lambda_fold=fold)
    for epochs in (20, 40)
    for lambda_ in (0.03, 0.06, 0.1)
    for fold in (0.05, 0.1)
)
EXPLICIT_ALS = {
    "ml-100k": ExplicitALSConfig(f=31, lambda_=0.12),
    "ml-1m": ExplicitALSConfig(f=63, lambda_=0.08),
}

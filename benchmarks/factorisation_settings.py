"""Settings of the factorisation models for each data set, and how they were chosen.

`benchmarks/factorisation_tuning.py` draws configs from the space that a model declares (or
from a narrower one about its best) and judges them on a fifth of the training rows; no test
row had a part in it. iALS on `ncf_test` has the published settings of Rendle et al. 2021.
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
    "gowalla-lightgcn": ALSConfig(f=512, alpha0=0.015, lambda_=0.011, nu=0.65),
}
NCF_ALS = ALSConfig(f=192, alpha0=0.3, lambda_=0.007, nu=1.0, iterations=12)
BPR = {
    "ml-100k": BPRConfig(f=64, lambda_=0.02),
    "ml-1m": BPRConfig(f=64, alpha=0.09, lambda_=0.012),
    "gowalla-lightgcn": BPRConfig(f=64, alpha=0.13, lambda_=0.004),
}
SVD = {"ml-100k": SVDConfig(), "ml-1m": SVDConfig()}
EXPLICIT_ALS = {
    "ml-100k": ExplicitALSConfig(f=31, lambda_=0.12),
    "ml-1m": ExplicitALSConfig(f=63, lambda_=0.08),
}

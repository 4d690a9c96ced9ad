"""What a person prefers, by Bayesian statistics: evidence, the average person, and both together.

`definition` says which attributes count and for how long; `statistics` is what is kept of one
person, in constant time an event; `prior` is the average person, learned by `learn`;
`preference` shrinks the one towards the other when it is read. `layout` makes a vector of it for
nets, and `replay` the same vectors at past moments, for training.
"""

from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.evidence import ItemEvidence
from palate.features.profile.layout import ProfileLayout
from palate.features.profile.learn import learn_prior
from palate.features.profile.packed import PackedStatistics, Packing
from palate.features.profile.preference import (
    CategoryPreference,
    NumberPreference,
    Preferences,
    preferences,
)
from palate.features.profile.prior import CategoryPrior, NumberPrior, Prior
from palate.features.profile.replay import profiles_at, profiles_before
from palate.features.profile.statistics import Moments, Statistics

__all__ = [
    "CategoryPreference",
    "CategoryPrior",
    "ItemEvidence",
    "Moments",
    "NumberPreference",
    "NumberPrior",
    "PackedStatistics",
    "Packing",
    "Preferences",
    "Prior",
    "ProfileDefinition",
    "ProfileLayout",
    "Statistics",
    "learn_prior",
    "preferences",
    "profiles_at",
    "profiles_before",
]

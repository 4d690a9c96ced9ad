"""What a person prefers, by Bayesian statistics: evidence, the average person, and both together.

`definition` says which attributes count and for how long; `statistics` is what is kept of one
person, in constant time an event; `prior` is the average person, learned by `learn`;
`preference` shrinks the one towards the other when it is read.
"""

from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.learn import learn_prior
from palate.features.profile.preference import (
    CategoryPreference,
    NumberPreference,
    Preferences,
    preferences,
)
from palate.features.profile.prior import CategoryPrior, NumberPrior, Prior
from palate.features.profile.statistics import Moments, Statistics

__all__ = [
    "CategoryPreference",
    "CategoryPrior",
    "Moments",
    "NumberPreference",
    "NumberPrior",
    "Preferences",
    "Prior",
    "ProfileDefinition",
    "Statistics",
    "learn_prior",
    "preferences",
]

"""A dataset in two parts, one to learn from and one to be judged on: one splitter a file."""

from palate.data.split.base import Split, Splitter
from palate.data.split.by_name import AnySplitter, split_by_name, split_names
from palate.data.split.chronological import Chronological
from palate.data.split.cold import ColdItem, ColdUser
from palate.data.split.given import Given, split_given
from palate.data.split.global_time import GlobalTime
from palate.data.split.kfold import KFold
from palate.data.split.leave_last import LeaveLastN, LeaveOneOut
from palate.data.split.random import Random
from palate.data.split.stratified import Stratified

__all__ = [
    "AnySplitter",
    "Chronological",
    "ColdItem",
    "ColdUser",
    "Given",
    "GlobalTime",
    "KFold",
    "LeaveLastN",
    "LeaveOneOut",
    "Random",
    "Split",
    "Splitter",
    "Stratified",
    "split_by_name",
    "split_given",
    "split_names",
]

"""recbole's side of the training benchmark."""

import copy
import json
import math
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from arrays import best, ndcg, touched
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, get_trainer, init_logger, init_seed
from sequences import last_items, sequences_of
from sklearn.metrics import roc_auc_score

K = 10
USERS_AT_ONCE = 256
VALIDATION = 0.1


class Peer:
    """A model of recbole's over atomic files, trained an epoch at a time."""

    def __init__(self, name, folder, settings):
        fixed = {"data_path": str(folder.parent), "use_gpu": False, "show_progress": False}
        fixed |= {"checkpoint_dir": str(folder / "saved"), "state": "WARNING", "seed": 1}
        self.config = Config(model=name, dataset=folder.name, config_dict=fixed | settings)
        init_seed(1, reproducibility=True)
        init_logger(self.config)
        dataset = create_dataset(self.config)
        self.train, self.valid, self.test = data_preparation(self.config, dataset)
        self.dataset = self.train.dataset
        self.model = get_model(name)(self.config, self.dataset)
        self.trainer = get_trainer(self.config["MODEL_TYPE"], name)(self.config, self.model)
        self.epochs = 0

    def epoch(self):
        self.model.train()
        self.trainer._train_epoch(self.train, self.epochs, show_progress=False)
        self.epochs += 1
        self.model.eval()

    def rows_of(self, field, tokens):
        """recbole's own row numbers; 0 for what it has not met."""
        known = self.dataset.field2token_id[field]
        return np.array([known.get(str(token), 0) for token in tokens])

    def best_epochs(self, judge, epochs, patience, budget_s=math.inf):
        """Train until validation stops rising or time is up; the best weights stay."""
        top, at, kept, spent = -1.0, 0, None, 0.0
        while self.epochs < epochs and self.epochs - at < patience and spent < budget_s:
            start = time.perf_counter()
            self.epoch()
            spent += time.perf_counter() - start
            value = judge()
            print(f"epoch {self.epochs}: {value:.4f}", file=sys.stderr, flush=True)
            if value > top:
                top, at, kept = value, self.epochs, copy.deepcopy(self.model.state_dict())
        self.model.load_state_dict(kept)
        return at


class First:
    """The first batches of a loader: an epoch of all takes minutes."""

    def __init__(self, loader, n):
        self.loader, self.n = loader, n

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def __len__(self):
        return min(self.n, len(self.loader))

    def __iter__(self):
        return islice(iter(self.loader), self.n)


def write(path, columns, header):
    """One atomic file."""
    rows = np.column_stack(columns)
    np.savetxt(path, rows, fmt="%s", delimiter="\t", header="\t".join(header), comments="")


def neumf(folder, work, said):
    train, test = touched(folder)
    rng = np.random.default_rng(1)
    coo = train.tocoo()
    held = rng.random(train.nnz) < VALIDATION
    settings = {
        "USER_ID_FIELD": "user_id",
        "ITEM_ID_FIELD": "item_id",
        "load_col": {"inter": ["user_id", "item_id"]},
        "benchmark_filename": ["train", "valid", "test"],
        "eval_args": {"mode": "full", "order": "RO", "group_by": "user"},
        **said["config"],
    }

    def make(rows, name):
        place = work / name
        place.mkdir()
        for part, some in (("train", rows), ("valid", held), ("test", held)):
            pairs = coo.row[some], coo.col[some]
            write(place / f"{name}.{part}.inter", pairs, ("user_id:token", "item_id:token"))
        return Peer("NeuMF", place, settings)

    def judge(peer, known, wanted):
        users = peer.rows_of("user_id", range(train.shape[0]))
        items = peer.rows_of("item_id", range(train.shape[1]))
        all_items = torch.from_numpy(items)
        top = []
        for start in range(0, len(users), USERS_AT_ONCE):
            some = torch.from_numpy(users[start : start + USERS_AT_ONCE])
            pairs = some.repeat_interleave(len(items)), all_items.repeat(len(some))
            with torch.no_grad():
                scores = peer.model.forward(*pairs).view(len(some), -1).numpy().copy()
            scores[:, items == 0] = -np.inf
            top.append(best(scores, known[start : start + USERS_AT_ONCE], K))
        return ndcg(np.concatenate(top), wanted)

    def quality():
        first = make(~held, "tuned")
        parts = [train.copy() for _ in range(2)]
        for part, gone in zip(parts, (held, ~held), strict=True):
            part[coo.row[gone], coo.col[gone]] = 0
            part.eliminate_zeros()
        epochs = first.best_epochs(lambda: judge(first, *parts), said["epochs"], said["patience"])
        again = make(np.ones(len(held), bool), "whole")
        for _ in range(epochs):
            again.epoch()
        return judge(again, train, test)

    rows = train.nnz * (1 + said["config"]["train_neg_sample_args"]["sample_num"])
    return lambda: make(np.ones(len(held), bool), "timed"), rows, quality


def sasrec(folder, work, said):
    known, asked, targets = last_items(*sequences_of(folder))
    whole = [np.append(one, target) for one, target in zip(asked, targets, strict=True)]
    users = np.repeat(np.arange(len(whole)), [len(one) for one in whole])
    place = work / "beauty"
    place.mkdir()
    header = ("user_id:token", "item_id:token", "timestamp:float")
    write(place / "beauty.inter", (users, np.concatenate(whole), np.arange(len(users))), header)
    settings = {
        "USER_ID_FIELD": "user_id",
        "ITEM_ID_FIELD": "item_id",
        "TIME_FIELD": "timestamp",
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
        "eval_batch_size": USERS_AT_ONCE,
        **said["config"],
    }

    def judge(peer, part):
        gains, discount = [], 1 / np.log2(np.arange(2, K + 2))
        for interaction, _, _, wanted in part:
            with torch.no_grad():
                scores = peer.model.full_sort_predict(interaction).numpy().copy()
            scores[:, 0] = -np.inf
            seen = interaction["item_id_list"].numpy()
            scores[np.arange(len(scores))[:, None], seen] = -np.inf
            some = np.argpartition(-scores, K, axis=1)[:, :K]
            order = np.argsort(-np.take_along_axis(scores, some, 1), axis=1)
            hit = np.take_along_axis(some, order, 1) == wanted.numpy()[:, None]
            gains.append((hit * discount).sum(axis=1))
        return float(np.concatenate(gains).mean())

    def quality():
        peer = Peer("SASRec", place, settings)
        limits = said["epochs"], said["patience"], said["budget_s"]
        peer.best_epochs(lambda: judge(peer, peer.valid), *limits)
        return judge(peer, peer.test)

    rows = sum(len(one) - 1 for one in known)
    return lambda: Peer("SASRec", place, settings), rows, quality


def deepfm(folder, work, said):
    parts = {}
    for part in ("train", "valid", "test"):
        with np.load(folder / f"{part}.npz", allow_pickle=False) as file:
            parts[part] = {name: file[name] for name in file.files}
    names = list(parts["train"])
    others = [name for name in names if name not in {"user", "item", "used"}]
    settings = {
        "USER_ID_FIELD": "user",
        "ITEM_ID_FIELD": "item",
        "LABEL_FIELD": "used",
        "load_col": {"inter": names},
        "benchmark_filename": ["train", "valid", "test"],
        "eval_args": {"mode": "labeled", "order": "RO", "group_by": None},
        "train_neg_sample_args": None,
        "metrics": ["AUC"],
        "valid_metric": "AUC",
        **said["config"],
    }
    header = [f"{name}:float" if name == "used" else f"{name}:token" for name in names]

    def make(train, name):
        place = work / name
        place.mkdir()
        for part, rows in (("train", train), ("valid", parts["valid"]), ("test", parts["test"])):
            write(place / f"{name}.{part}.inter", [rows[n] for n in names], header)
        return Peer("DeepFM", place, settings)

    def judge(peer, rows):
        coded = {n: peer.rows_of(n, rows[n]) for n in ("user", "item", *others)}
        found = []
        for start in range(0, len(rows["used"]), 4096):
            batch = Interaction(
                {n: torch.from_numpy(c[start : start + 4096]) for n, c in coded.items()}
            )
            with torch.no_grad():
                found.append(peer.model.predict(batch).numpy())
        return float(roc_auc_score(rows["used"], np.concatenate(found)))

    both = {n: np.concatenate((parts["train"][n], parts["valid"][n])) for n in names}

    def quality():
        first = make(parts["train"], "tuned")
        epochs = first.best_epochs(
            lambda: judge(first, parts["valid"]), said["epochs"], said["patience"]
        )
        return judge(first, parts["test"]) if epochs else float("nan")

    return lambda: make(both, "timed"), len(both["used"]), quality


def main(folder, output, case, said):
    said = json.loads(said)
    with tempfile.TemporaryDirectory(prefix="palate-recbole-") as work:
        make, rows, quality = globals()[case](folder, Path(work), said)
        if said["judged"]:
            output.write_text(json.dumps({"quality": quality()}))
            return
        peer = make()
        whole = len(peer.train)
        peer.train = First(peer.train, said["timed"])
        start, cpu = time.perf_counter(), time.process_time()
        peer.epoch()
        done = rows * min(said["timed"] / whole, 1.0)
        figures = {
            "rows_per_s": done / (time.perf_counter() - start),
            "rows_per_cpu_s": done / (time.process_time() - cpu),
        }
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])

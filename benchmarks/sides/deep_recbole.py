"""recbole's deep recommenders: stopped by a tenth of train, then trained on all of it."""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from arrays import best, ndcg, touched
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.data.interaction import Interaction
from recbole.utils import get_model, get_trainer, init_logger, init_seed
from scipy.sparse import dok_matrix

# LightGCN fills its graph by a method that SciPy 1.13 took away.
dok_matrix._update = lambda self, entries: self._dict.update(entries)

K = 10
HELD = 0.1
USERS_AT_ONCE = 256
EVERY = 5  # epochs between two looks at what was held out


class Model:
    """A model of recbole's over a matrix of ones, all of which it trains on."""

    def __init__(self, name, matrix, folder, settings):
        folder.mkdir()
        users, items = matrix.nonzero()
        for part in ("train", "valid", "test"):  # it wants all three, and trains on the first
            rows = slice(None) if part == "train" else slice(1)
            np.savetxt(
                folder / f"{folder.name}.{part}.inter",
                np.column_stack((users[rows], items[rows])),
                fmt="%d",
                delimiter="\t",
                header="user_id:token\titem_id:token",
                comments="",
            )
        fixed = {
            "data_path": str(folder.parent),
            "checkpoint_dir": str(folder / "saved"),
            "use_gpu": False,
            "show_progress": False,
            "state": "WARNING",
            "seed": 1,
            "USER_ID_FIELD": "user_id",
            "ITEM_ID_FIELD": "item_id",
            "load_col": {"inter": ["user_id", "item_id"]},
            "benchmark_filename": ["train", "valid", "test"],
            "eval_args": {"mode": "full", "order": "RO", "group_by": "user"},
        }
        config = Config(model=name, dataset=folder.name, config_dict=fixed | settings)
        init_seed(1, reproducibility=True)
        init_logger(config)
        self.train, _, _ = data_preparation(config, create_dataset(config))
        self.all_at_once = name != "NeuMF"  # which scores pair by pair
        self.model = get_model(name)(config, self.train.dataset)
        self.trainer = get_trainer(config["MODEL_TYPE"], name)(config, self.model)
        self.users, self.items = (
            self._rows(field, n)
            for field, n in zip(("user_id", "item_id"), matrix.shape, strict=True)
        )
        self.epochs = 0

    def _rows(self, field, n):
        """recbole's own row numbers; 0 for what it has not met."""
        known = self.train.dataset.field2token_id[field]
        return np.array([known.get(str(token), 0) for token in range(n)])

    def epoch(self):
        self.model.train()
        self.trainer._train_epoch(self.train, self.epochs, show_progress=False)
        self.epochs += 1
        self.model.eval()

    def quality(self, known, wanted):
        top = []
        for start in range(0, len(self.users), USERS_AT_ONCE):
            part = slice(start, start + USERS_AT_ONCE)
            with torch.no_grad():
                scores = self._scores(torch.from_numpy(self.users[part]))
            scores[:, self.items == 0] = -np.inf
            top.append(best(scores, known[part], K))
        return ndcg(np.concatenate(top), wanted)

    def _scores(self, users):
        n = len(self.items)
        if self.all_at_once:
            found = self.model.full_sort_predict(Interaction({"user_id": users}))
            return found.view(len(users), -1).numpy()[:, self.items].copy()
        items = torch.from_numpy(self.items).repeat(len(users))
        scores = self.model.forward(users.repeat_interleave(n), items)
        return scores.view(len(users), n).numpy().copy()


def main(folder, output, name, said):
    said = json.loads(said)
    train, test = touched(folder)
    coo = train.tocoo()
    held = np.random.default_rng(1).random(train.nnz) < HELD
    parts = [train.copy() for _ in range(2)]
    for part, gone in zip(parts, (held, ~held), strict=True):
        part[coo.row[gone], coo.col[gone]] = 0
        part.eliminate_zeros()
    with tempfile.TemporaryDirectory(prefix="palate-recbole-") as work:
        first = Model(name, parts[0], Path(work) / "tuned", said["config"])
        top, at = -1.0, 0
        while first.epochs < said["epochs"] and first.epochs - at < said["patience"]:
            first.epoch()
            if first.epochs % EVERY:
                continue
            value = first.quality(*parts)
            print(f"{name}, epoch {first.epochs}: {value:.4f}", file=sys.stderr, flush=True)
            if value > top:
                top, at = value, first.epochs
        again = Model(name, train, Path(work) / "whole", said["config"])
        for _ in range(at):
            again.epoch()
        output.write_text(json.dumps({"ndcg": again.quality(train, test), "epochs": at}))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])

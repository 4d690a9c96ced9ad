"""Write the accepted figures into README.md and docs, between markers; `--check` finds stale ones.

<!-- bench:speed-sar -->                        all records of results/speed-sar.json
<!-- bench:accuracy-movielens/ml-100k/sar -->   those whose name starts so
<!-- bench:leaderboard/ml-100k -->              models by NDCG; ml-100k by default
<!-- bench:speed-factorisation_growth -->       a picture, a row for each number of rows: growth.py
<!-- bench:speed-candidates -->                 a row for each method: `method/figure`
<!-- bench:in-real-time -->                     some records of several files, as `CHOSEN` says
<!-- /bench -->                                 ends each
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from growth import GROWTHS, picture
from growth import table as growth_table
from record import Record, number, read

__all__ = ["rendered", "stale", "update"]

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
LEADERBOARD = "accuracy-movielens"
BY_METHOD = ("speed-candidates", "speed-candidates_trained")
BESIDE = "beside 500 changes and 200 requests a second"
CHOSEN = {
    "in-real-time": (
        ("serving-realtime", "realtime/p50 at 500 a second"),
        ("serving-realtime", "realtime/p99 at 500 a second"),
        ("serving-realtime", "realtime/closed loop"),
        ("serving-realtime", f"realtime/user event to changed answer, {BESIDE}, p99"),
        ("serving-realtime", f"realtime/item event to retrievable in every worker, {BESIDE}, p99"),
        ("serving-realtime", "realtime/failed, lost, degraded or mixed answers in 40 swaps"),
        ("speed-vector_index", "2 million clustered/recall@500"),
        ("speed-vector_index", "2 million clustered/p50 against annoy"),
        ("speed-vector_index", "2 million clustered/p50 against faiss"),
    )
}
NONE_YET = "*No figures were accepted yet: `make bench`.*\n"
BLOCK = re.compile(
    r"(?P<open><!-- bench:(?P<name>\S+) -->\n)(?P<body>.*?)(?P<close><!-- /bench -->)", re.DOTALL
)
OPENING = re.compile(r"<!-- bench:\S+ -->")


def rendered(text: str, results: Path) -> str:
    """`text` with every block between markers written anew.

    Raises:
        ValueError: A block has no end, or names a record that its file does not hold.
    """
    found = BLOCK.sub(lambda m: m["open"] + _table(m["name"], results) + m["close"], text)
    if len(OPENING.findall(text)) != len(BLOCK.findall(text)):
        raise ValueError("a <!-- bench:... --> block has no <!-- /bench --> after it")
    return found


def stale(root: Path, results: Path) -> list[Path]:
    """Files whose tables or pictures are not those of the accepted records."""
    texts = _texts(root, results)
    return [path for path in texts if not path.is_file() or path.read_text() != texts[path]]


def update(root: Path, results: Path) -> list[Path]:
    """Write the tables and pictures; the files that changed."""
    texts = _texts(root, results)
    changed = stale(root, results)
    for path in changed:
        path.write_text(texts[path])
    return changed


def _texts(root: Path, results: Path) -> dict[Path, str]:
    """What pages and pictures should hold."""
    texts = {path: rendered(path.read_text(), results) for path in _pages(root)}
    for kind, growth in GROWTHS.items():
        records = _records(kind, results)
        if records:
            texts[root / "docs" / growth.picture] = picture(records, growth)
    return texts


def _pages(root: Path) -> list[Path]:
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [path for path in pages if path.is_file()]


def _table(name: str, results: Path) -> str:
    kind, _, prefix = name.partition("/")
    if kind in CHOSEN:
        chosen = [one for file, said in CHOSEN[kind] for one in _called(said, file, results)]
        return _whole(_figures(chosen), chosen) if chosen else NONE_YET
    records = _records(LEADERBOARD if kind == "leaderboard" else kind, results)
    if not records:
        return NONE_YET
    if kind == "leaderboard":
        prefix = f"{prefix or 'ml-100k'}/leaderboard/"
    chosen = [record for record in records if record.name.startswith(prefix)]
    if not chosen:
        raise ValueError(f"bench:{name} needs a record {prefix}..., and none was accepted")
    return _whole(_lines(kind, chosen, prefix), chosen)


def _called(name: str, kind: str, results: Path) -> list[Record]:
    """The record of that name, alone; none where the file has none at all."""
    records = _records(kind, results)
    if records and all(record.name != name for record in records):
        raise ValueError(f"there is no record {name!r} in {kind}")
    return [record for record in records if record.name == name]


def _whole(lines: Sequence[str], chosen: Sequence[Record]) -> str:
    """A table, and where its figures come from."""
    peer = any(record.peer is not None for record in chosen)
    origins = dict.fromkeys(_origin(record, peer=peer) for record in chosen)
    return "\n".join([*lines, "", *origins, ""])


def _lines(kind: str, chosen: Sequence[Record], prefix: str) -> list[str]:
    """The table in the form that is asked for."""
    if kind == "leaderboard":
        return _leaderboard(chosen, prefix)
    if kind in GROWTHS:
        growth = GROWTHS[kind]
        return [f"![{growth.said}]({growth.picture})", "", *growth_table(chosen)]
    return _by_method(chosen) if kind in BY_METHOD else _figures(chosen)


def _records(kind: str, results: Path) -> list[Record]:
    """Those of `KIND.json` and of all `KIND-*.json`; growth has a table of its own form."""
    several = sorted(results.glob(f"{kind}-*.json"))
    files = [results / f"{kind}.json", *(file for file in several if file.stem not in GROWTHS)]
    return [record for file in files if file.is_file() for record in read(file)]


def _figures(records: Sequence[Record]) -> list[str]:
    lines = [
        "| figure | Palate | spread | peer | ratio | target |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for r in records:
        unit = f" {r.unit}" if r.unit else ""
        cells = (
            r.name,
            f"{number(r.value)}{unit}",
            "" if r.low is None or r.high is None else f"{number(r.low)} to {number(r.high)}",
            "" if r.peer_value is None else f"{number(r.peer_value)}{unit}",
            "" if r.ratio is None else f"{r.ratio:.1f}x",
            _target(r),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _by_method(records: Sequence[Record]) -> list[str]:
    """A row for each method, a column for each figure; records are called `method/figure`."""
    methods: dict[str, dict[str, Record]] = {}
    for record in records:
        method, _, figure = record.name.rpartition("/")
        methods.setdefault(method, {})[figure] = record
    figures = dict.fromkeys(figure for found in methods.values() for figure in found)
    units = {record.name.rpartition("/")[2]: record.unit for record in records}
    heads = [f"{figure}, {units[figure]}" if units[figure] else figure for figure in figures]
    lines = [f"| method | {' | '.join(heads)} |", "|---" + "|---:" * len(heads) + "|"]
    for method, found in methods.items():
        cells = (number(found[figure].value) if figure in found else "" for figure in figures)
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def _target(record: Record) -> str:
    if record.target is None:
        return ""
    sign = "≥" if record.higher_is_better or record.target_is == "ratio" else "≤"
    times = "x" if record.target_is == "ratio" else ""
    return f"{sign} {number(record.target)}{times}, {'met' if record.met else '**missed**'}"


def _leaderboard(records: Sequence[Record], prefix: str) -> list[str]:
    models: dict[str, dict[str, Record]] = {}
    for record in records:
        model, _, figure = record.name.removeprefix(prefix).partition("/")
        models.setdefault(model, {})[figure] = record
    headings = ("model", "NDCG@10", "95 % interval", "MAP@10", "precision@10", "recall@10")
    headings += ("coverage", "fit, s", "all users, s")
    lines = [f"| {' | '.join(headings)} |", "|---" + "|---:" * (len(headings) - 1) + "|"]
    for model, found in sorted(models.items(), key=lambda pair: -pair[1]["ndcg@10"].value):
        ndcg = found["ndcg@10"]
        cells = (
            model,
            f"{ndcg.value:.4f}",
            f"{ndcg.low:.4f} to {ndcg.high:.4f}",
            *(f"{found[f'{metric}@10'].value:.4f}" for metric in ("map", "precision", "recall")),
            f"{found['catalogue coverage'].value:.0%}",
            *(f"{found[what].value:.2f}" for what in ("fit", "recommend")),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _origin(record: Record, *, peer: bool) -> str:
    """One line: which machine, which versions, those of the peer if there is one."""
    ours = {n: v for n, v in record.versions.items() if not n.startswith("peer ")}
    theirs = {n.removeprefix("peer "): v for n, v in record.versions.items() if n not in ours}
    machine = record.machine
    parts = [
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['system']}",
        _listed(ours),
    ]
    if peer and theirs:
        parts.append(f"the peer with {_listed(theirs)}")
    return f"<sub>{'; '.join(parts)}.</sub>"


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def main() -> None:
    parser = argparse.ArgumentParser(description="figures into README.md and docs")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if stale")
    check: bool = parser.parse_args().check
    try:
        found = stale(ROOT, RESULTS) if check else update(ROOT, RESULTS)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    for path in found:
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}", file=sys.stderr)
    if check and found:
        raise SystemExit("run python benchmarks/tables.py")


if __name__ == "__main__":
    main()

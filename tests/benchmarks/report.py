"""The outcomes as a table for people and as JSON."""

import importlib.metadata
import os
import platform
from pathlib import Path

from tests.benchmarks.peers import CORES, PEERS

HEADINGS = ("TARGET", "CASE", "CNNFILTER", "PEER", "", "RATIO", "AT LEAST", "MET")
NUMBERS = (2, 4, 5, 6)  # columns that are set to the right


def machine():
    """What the times depend on, the peers by version (None: not installed) among it."""
    return {
        "processor": _processor(),
        "cores": CORES,
        "load": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "cnnfilter": importlib.metadata.version("cnnfilter"),
        "numpy": importlib.metadata.version("numpy"),
        "numba": importlib.metadata.version("numba"),
        "peers": {peer.name: peer.find() for peer in PEERS},
    }


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def quantity(value, unit):
    """Write seconds or bytes with three digits."""
    if unit == "B":
        return f"{value / 1e6:.0f} MB"
    for factor, name in ((1, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {name}"
    return f"{value * 1e6:.3g} us"


def table(outcomes, *, every_case=False):
    """A row for each target, below a heading; with `every_case`, its cases follow it."""
    rows = [HEADINGS]
    for outcome in outcomes:
        target, verdict = outcome.target, {True: "yes", False: "NO", None: "skipped"}[outcome.met]
        if outcome.shown is None:
            rows.append((target.name, "", "", target.peer, "", "", f"{target.at_least:.2f}", verdict))
            continue
        rows.append(_row(target.name, target, *outcome.shown, verdict))
        if every_case and len(outcome.results) > 1:
            rows += [_row("", target, case.name, result, "") for case, result in outcome.results.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(
            cell.rjust(width) if place in NUMBERS else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        + "\n"
        for row in rows
    )


def _row(name, target, case, result, verdict):
    peer, shown = target.peer, target.unit
    numbers = quantity(result.ours, shown), peer, quantity(result.peer, shown)
    return (name, case, *numbers, f"{result.ratio:.2f}", f"{target.at_least:.2f}", verdict)


def closing(outcomes):
    """What was skipped or failed, and the count, as lines."""
    lines = []
    for outcome in outcomes:
        if outcome.skipped is not None:
            lines.append(f"skipped {outcome.target.name}: {outcome.skipped}")
        if outcome.problem is not None:
            lines.append(f"failed {outcome.target.name}: {outcome.problem}")
    verdicts = [outcome.met for outcome in outcomes]
    lines.append(f"{verdicts.count(True)} met, {verdicts.count(False)} missed, {verdicts.count(None)} skipped")
    return lines


def as_json(outcomes):
    """The outcomes as what `json` writes."""
    return {"machine": machine(), "targets": [_target_as_json(outcome) for outcome in outcomes]}


def _target_as_json(outcome):
    target, shown = outcome.target, outcome.shown
    case, result = shown or (None, None)
    return {
        "name": target.name,
        "work": target.work,
        "peer": target.peer,
        "unit": target.unit,
        "case": case,
        "ours": result and result.ours,
        "theirs": result and result.peer,
        "ratio": result and result.ratio,
        "at_least": target.at_least,
        "met": outcome.met,
        "skipped": outcome.skipped,
        "problem": outcome.problem,
        "cases": [
            {"case": case.name, "ours": each.ours, "theirs": each.peer, "ratio": each.ratio}
            for case, each in outcome.results.items()
        ],
    }

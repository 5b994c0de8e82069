"""The command: choose targets, measure them, report."""

import argparse
import fnmatch
import json
import sys
import tempfile
from pathlib import Path

from cnnfilter.errors import CnnfilterError
from tests import benchmarks
from tests.benchmarks import clusters, filters, folders, learning, networks, processes, published, report
from tests.benchmarks.measure import Different, Setting
from tests.benchmarks.rows import Outcome

TARGETS = (
    *filters.TARGETS,
    *networks.TARGETS,
    *published.TARGETS,
    *processes.TARGETS,
    *folders.TARGETS,
    *clusters.TARGETS,
    *learning.TARGETS,
)

QUICK = {"megapixels": 0.05, "runs": 1, "seconds": 0.0, "most_files": 3, "pictures": 128}


def main(arguments=None):
    """Run the benchmarks; return 1 if a target could not be measured as it should, else 0."""
    options = _parser().parse_args(arguments)
    chosen = _choose(options.names)
    if not chosen:
        sys.stderr.write(f"no target matches {' '.join(options.names)}; --list shows them all\n")
        return 2
    if options.list:
        for target, _ in chosen:
            sys.stdout.write(f"{target.name:24} {target.at_least:6.2f}  {target.peer:44} {target.work}\n")
        return 0
    values = {"megapixels": options.megapixels, "runs": options.runs}
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(Path(folder), **(QUICK if options.quick else values))
        outcomes = _measure(chosen, setting)
    if options.json:
        json.dump(report.as_json(outcomes), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        for name, value in report.machine().items():
            shown = ", ".join(f"{k} {v or '-'}" for k, v in value.items()) if isinstance(value, dict) else value
            sys.stdout.write(f"{name}: {shown}\n")
        sys.stdout.write("\n" + report.table(outcomes, every_case=options.cases) + "\n")
        sys.stdout.write("\n".join(report.closing(outcomes)) + "\n")
    return int(any(outcome.problem for outcome in outcomes))


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=benchmarks.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="targets, or cases as TARGET/CASE; * stands for anything [default: all]",
    )
    parser.add_argument("--list", action="store_true", help="list the targets and measure nothing")
    parser.add_argument("--cases", action="store_true", help="show every case, not only the worst of each target")
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="least turns of each side [default: 5]")
    parser.add_argument(
        "--megapixels", type=float, default=12, metavar="N", help="size of the photographs [default: 12]"
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny photographs, one turn: tries the benchmarks, the times mean nothing"
    )
    return parser


def _choose(names):
    """The targets that are asked for, each with its cases that are."""
    chosen = []
    for target in TARGETS:
        cases = [
            case
            for case in target.cases
            if not names
            or any(
                fnmatch.fnmatch(target.name, name) or fnmatch.fnmatch(f"{target.name}/{case.name}", name)
                for name in names
            )
        ]
        if cases:
            chosen.append((target, cases))
    return chosen


def _measure(chosen, setting):
    """Measure the cases of each target, and each case once."""
    known, outcomes = {}, []
    for target, cases in chosen:
        missing = [need for need in target.needs if need.find() is None]
        if missing:
            reason = ", ".join(f"{need.name} is missing ({need.remedy})" for need in missing)
            outcomes.append(Outcome(target, {}, skipped=reason))
            continue
        results, problems = {}, []
        for case in cases:
            if case not in known:
                known[case] = _attempt(target, case, setting)
            if isinstance(known[case], Exception):
                problems.append(f"{case.name}: {known[case]}")
            else:
                results[case] = known[case]
        outcomes.append(Outcome(target, results, problem="; ".join(problems) or None))
    return outcomes


def _attempt(target, case, setting):
    """Measure one case, and say so: a full run takes minutes."""
    try:
        result = case.measure(setting)
    except (Different, CnnfilterError) as error:  # of one case; the others may take minutes yet
        sys.stderr.write(f"{target.name}/{case.name}: {error}\n")
        return error
    shown = report.quantity(result.ours, target.unit), report.quantity(result.peer, target.unit)
    sys.stderr.write(f"{target.name}/{case.name}: {shown[0]}, {target.peer} {shown[1]}, {result.ratio:.2f}\n")
    return result


if __name__ == "__main__":
    sys.exit(main())

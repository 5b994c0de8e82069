"""A plan of many: what a million listed inputs cost, and that a share of them costs a share of it."""

import json
import os
import subprocess
import sys

import pytest

from tests.command import ROOT

MILLION = 1_000_000

PROGRAM = """
import json, sys, time
from cnnfilter.batch.inputs import find_inputs
from cnnfilter.batch.lists import read_list
from cnnfilter.batch.naming import Wanted
from cnnfilter.batch.plan import plan_outputs
from cnnfilter.batch.work import Streams, Work, process
from cnnfilter.imaging.limits import Limits
from cnnfilter.runtime.process import put_off_garbage
from tests.peaks import peak
from tests.plans import Doing

count, output = int(sys.argv[1]), sys.argv[2]
with open("list.txt", "w") as file:
    for number in range(count):
        file.write(f"{sys.argv[3]}2024/{number // 1000:04}/IMG_{number:07}.{'png' if number % 50 == 0 else 'jpg'}\\n")
put_off_garbage()  # as the command does
before = time.process_time()
found = find_inputs((), listed=read_list("list.txt", None))
task = Doing()
plan = plan_outputs(found, task, Wanted(output=output, skip_existing="skip" in sys.argv))
planned = time.process_time() - before
events = process(plan, task, limits=Limits(), streams=Streams(), work=Work())
first = next(events)
started = time.process_time() - before
events.close()
print(json.dumps([len(plan.jobs), planned, started, peak(), str(first.job.target), len(plan.jobs.skipped)]))
"""


def measured(folder, count, output, prefix="photos/", *options):
    """How many jobs a plan has, seconds of the processor to the plan and to the first event, bytes, a target, skips."""
    arguments = [sys.executable, "-c", PROGRAM, str(count), output, prefix, *options]
    result = subprocess.run(
        arguments, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("inputs", "output"), [("photos/", "out/"), ("memory://photos/", "memory://out/")])
def test_a_million_listed_inputs_start_within_ten_seconds_and_a_gigabyte(inputs, output, tmp_path):
    jobs, planned, started, peak, target, _ = measured(tmp_path, MILLION, output, inputs)
    assert (jobs, target) == (MILLION, f"{output}IMG_0000000-edge.png")
    assert planned < started < 10
    assert peak < 1 << 30


def test_a_share_of_a_million_costs_its_share(tmp_path):
    jobs, planned, started, peak, target, _ = measured(tmp_path, MILLION // 20, "out/")
    assert (jobs, target) == (MILLION // 20, "out/IMG_0000000-edge.png")
    assert planned < started < 1  # twice its share: the least is 0.3 s, and others use the machine
    assert peak < 200 << 20

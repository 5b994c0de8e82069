"""Files and plans for them, in the current folder."""

from pathlib import Path

from cnnfilter.batch.plan import plan_outputs


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x" if name.endswith((".txt", ".pdf")) else b"\x89PNG\r\n\x1a\n")


def targets(inputs, **options):
    plan = plan_outputs(inputs, **{"kernel": "edge", **options})
    return [None if job.target is None else str(job.target) for job in plan.jobs]

"""`cnnfilter train`: a network learns from labelled pictures."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from cnnfilter.cli import commands, options, render, trained
from cnnfilter.cli.completion import complete_files, complete_stages
from cnnfilter.errors import ArgumentError, OutputError
from cnnfilter.messages import quoted, readable, show_bytes

if TYPE_CHECKING:
    from cnnfilter.addresses.address import Where
    from cnnfilter.learning.beginning import Begun
    from cnnfilter.learning.data.dataset import Dataset

INTERRUPTED = 130


@click.command(
    "train",
    cls=commands.Command,
    short_help="Train a network on labelled pictures.",
    epilog="""\b
    Examples:
      cnnfilter train conv:8@3x3,relu,maxpool:2,flatten,dense:2 pets/ -o net.npz
      cnnfilter train resize:32x32,gray,lenet-5 signs/ -o signs.npz --epochs 30
      cnnfilter train mnist-cnn mnist.npz -o digits.npz --augment shift=2
      cnnfilter train mnist-cnn mnist.npz -o digits.npz --epochs 20 --resume
      cnnfilter train resize:224x224,net.onnx pets/ -o pets.npz --freeze conv1
      cnnfilter train @net.txt list.csv -o net.safetensors --validation 0.2
      cnnfilter run digits.npz photo.jpg --top 3
    """,
)
@click.argument("stages", metavar="STAGES", shell_complete=complete_stages)
@click.argument("source", metavar="DATA", shell_complete=complete_files)
@click.option(
    "-o", "--output", metavar="PATH", required=True, shell_complete=complete_files,
    help="The network's file, .npz or .safetensors: weights, stages, labels and figures, all that run needs.",
)  # fmt: skip
@click.option(
    "--validation", metavar="PART|DATA", shell_complete=complete_files,
    help="Which part of the pictures is held back to tell how well it learned, such as 0.2, or data of its own.  "
    "[default: what DATA has for it, else 0.1]",
)  # fmt: skip
@options.whole("--epochs", help="How often all pictures are learned from.  [default: 10]")
@options.whole("--batch", help="How many of them at a time.  [default: 64]")
@click.option("--lr", "rate", type=float, metavar="RATE", help="The learning rate.  [default: 0.001]")
@click.option(
    "--optimizer", type=click.Choice(["sgd", "momentum", "adam"]),
    help="How numbers follow their gradients, as PyTorch's do; momentum is SGD with 0.9.  [default: adam]",
)  # fmt: skip
@click.option("--weight-decay", type=float, metavar="PART", help="L2, as PyTorch's.  [default: 0]")
@click.option(
    "--augment", metavar="WORDS",
    help="Change each picture by chance, in ways joined by commas: flip (left and right), upside (up and down), turn "
    "(by quarters), shift=N (up to N pixels), rotate=N (degrees), zoom=N, brightness=N, contrast=N, saturation=N "
    "(parts), also without a number.",
)  # fmt: skip
@click.option(
    "--from", "source_of_numbers", metavar="FILE", shell_complete=complete_files,
    help="Begin with the numbers of a network's file, where its stages are those of STAGES by name or place.",
)  # fmt: skip
@click.option(
    "--freeze", metavar="NODE", multiple=True, help="Leave the numbers of a node, by name or number, as they are."
)
@options.whole("--seed", minimum=0, help="What all chance follows from; the same seed gives the same file.")
@options.flag(
    "--resume",
    help="Go on with the checkpoint beside the output, NAME-checkpoint.npz, and overwrite what was written before.",
)
@click.option(
    "--memory", type=options.size_in_bytes("memory"), metavar="SIZE",
    help="What the pictures may take, such as 4G; of more, they are read again in each epoch.  "
    "[default: half of the machine's]",
)  # fmt: skip
@options.whole("--threads", help="Threads; the result does not depend on it.  [default: all cores]")
@click.option(
    "--report", metavar="PATH", shell_complete=complete_files,
    help="Write an HTML file too: curves, classes told for others, learned filters, figures, settings.",
)  # fmt: skip
@click.option("--plot", metavar="PATH", shell_complete=complete_files, help="Write the curves too, as .png or .svg.")
@options.flag("-f", "--force", help="Overwrite existing files: the output, its checkpoint, report and plot.")
@options.flag("--json", "as_json", help="Write JSON to standard output: an object for each epoch, then the output.")
@options.bounded
@options.quiet
def command(
    stages: str,
    source: str,
    output: str,
    validation: str | None,
    source_of_numbers: str | None,
    memory: int | None,
    threads: int | None,
    resume: bool,
    report: str | None,
    plot: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> int:
    """Train STAGES on DATA, and write the network that tells its classes apart best.

    STAGES is such as conv:8@3x3,relu,maxpool:2,flatten,dense:10, @FILE, the name of a network or its file. Stages of
    sizes learn; the last of them gets as many values as there are classes. What prepares a picture (resize, crop,
    gray, rgb, normalize) comes first; normalize is put there unless it is, and so is, in the file, what brings any
    picture to the size and the colours of those that were learned from. DATA is a folder with a folder of pictures
    for each class (or train and validation folders of these), an .npz of x_train and y_train, an IDX file
    (train-images-idx3-ubyte, also .gz), or a .csv of files and labels. At an address, what has none of these files'
    names is a folder.

    Ctrl-C keeps the best epoch so far. After each epoch a checkpoint is written, NAME-checkpoint.npz, from which
    --resume goes on as if nothing had happened.
    """
    from cnnfilter.addresses.address import located
    from cnnfilter.batch.memory import default_memory
    from cnnfilter.cli import epochs
    from cnnfilter.cli.compiling import compiling
    from cnnfilter.engine.bands import available_threads
    from cnnfilter.learning import checkpoints
    from cnnfilter.learning.beginning import begin
    from cnnfilter.learning.settings import Settings
    from cnnfilter.models.model import OF_ARRAYS
    from cnnfilter.pipeline import Pipeline

    target = located(output)
    if target.suffix.lower() not in OF_ARRAYS:
        msg = f"a network is written as {' or '.join(OF_ARRAYS)}, and {quoted(output)} is neither"
        raise ArgumentError(msg)
    checkpoint = checkpoints.checkpoint_path(target)
    beside = trained.Beside(report, plot)
    beside.check(overwrite=force or resume)
    _check_free(target, checkpoint, resume=resume, force=force)
    limit = memory or default_memory()
    dataset, fraction = _data(source, validation, limit)
    given = {name: value for name, value in asked.items() if value is not None}
    settings = Settings(fraction=fraction, **given)
    pipeline = Pipeline.parse(stages)
    numbers = None if source_of_numbers is None else Pipeline.load(source_of_numbers).network
    with compiling(quiet=quiet, verbose=False):
        with epochs.reading(quiet=quiet) as tell:
            begun = begin(
                pipeline.network, dataset, settings, memory=limit, threads=available_threads(threads), progress=tell,
                source=numbers,
            )  # fmt: skip
        if resume:
            checkpoints.resume(begun.learner, checkpoint, begun.made.text)
        if not quiet:
            for note in begun.made.notes:
                render.message(note)
            for note in begun.learner.parts.notes:
                render.warning(note)
            if begun.learner.epoch >= settings.epochs:
                render.warning(_nothing_left(begun.learner.epoch, settings.epochs))
        can_resume = _train(begun, checkpoint, as_json=as_json, quiet=quiet)
    code = _write(begun, target, can_resume=can_resume, overwrite=force or resume, as_json=as_json, quiet=quiet)
    return beside.write(begun, target, code, overwrite=force or resume, quiet=quiet)


def _check_free(target: Where, checkpoint: Where, *, resume: bool, force: bool) -> None:
    """Refuse to begin where something is in the way of what is written in the end."""
    from cnnfilter.weights.kinds import is_there
    from cnnfilter.writing.write import check_free

    if resume and not is_there(checkpoint):
        msg = f"there is no checkpoint {readable(checkpoint)} to go on with"
        raise ArgumentError(msg)
    check_free(target, overwrite=force or resume)
    remedy = "--resume goes on with it, and --force overwrites it"
    check_free(checkpoint, overwrite=force or resume, remedy=remedy)


def _nothing_left(done: int, epochs: int) -> str:
    """What a person is told who goes on with a training that has had all its epochs."""
    told = f"{done} epoch{'s are' if done > 1 else ' is'} done already, and --epochs is {epochs}"
    return f"{told}: nothing more is learned; --epochs {done + 1} would go on"


def _data(source: str, validation: str | None, memory: int) -> tuple[Dataset, float]:
    """The data, and which part of it is held back."""
    from cnnfilter.addresses.address import located
    from cnnfilter.learning.data.reading import read_data
    from cnnfilter.learning.settings import Settings

    dataset = read_data(located(source), memory)
    if validation is None:
        return dataset, Settings.fraction
    with contextlib.suppress(ValueError):
        fraction = float(validation)
        dataset.validation = None
        return dataset, fraction
    dataset.validation = read_data(located(validation), memory)
    return dataset, Settings.fraction


def _train(begun: Begun, checkpoint: Where, *, as_json: bool, quiet: bool) -> bool:
    """Train, tell of it, and write a checkpoint after each epoch; whether the last could be written."""
    from cnnfilter.cli import epochs
    from cnnfilter.learning.checkpoints import saved
    from cnnfilter.learning.training import Step
    from cnnfilter.writing.write import Writing, write_atomically

    learner = begun.learner
    pictures, count = len(learner.parts.training), learner.settings.epochs
    clock = epochs.Clock(pictures, learner.epoch, count)
    tells = not quiet and not as_json
    is_kept, room = True, render.columns(sys.stderr)
    if tells and learner.epoch < count:
        render.message(epochs.line(epochs.COLUMNS, room))
    with epochs.bar(pictures, clock, count, quiet=quiet or as_json) as tell, _interruptible() as wants_stop:
        for each in learner.epochs(wants_stop):
            if isinstance(each, Step):
                tell(each)
                continue
            if as_json:
                render.out(render.as_json(epochs.record(each, clock, pictures)))
            elif tells:
                render.message(epochs.line(epochs.cells(each, clock, pictures), room))
            try:
                write_atomically(checkpoint, saved(learner, begun.made.text), Writing(overwrite=True))
            except OutputError as error:
                if is_kept:
                    render.warning(f"{error}; training goes on, and cannot be resumed from here")
                is_kept = False
            clock.next()
    return is_kept


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C ask for an end while the context lasts; a second one ends the program."""
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    if before != signal.SIG_IGN:
        signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


def _write(begun: Begun, target: Where, *, can_resume: bool, overwrite: bool, as_json: bool, quiet: bool) -> int:
    """Write the network of the best epoch, and give the exit code."""
    from cnnfilter.writing.write import Writing, write_atomically

    learner = begun.learner
    problem, best = learner.problem, learner.best
    if best is None:
        render.error(f"{problem}; no epoch is done, and nothing is written")
        return INTERRUPTED if problem == "interrupted" else 1
    data = begun.file(target.suffix)
    try:
        write_atomically(target, data, Writing(overwrite=overwrite))
    except OutputError as error:
        render.error(str(error))
        return 1
    size = sum(map(len, data))
    if as_json:
        render.out(render.as_json({"output": str(target), "bytes": size, "best": best.figures._asdict()}))
    accuracy = best.figures.validation_accuracy
    reached = f"accuracy {best.figures.accuracy:.2%}" if accuracy is None else f"validation accuracy {accuracy:.2%}"
    told = f"wrote {readable(target)}  {show_bytes(size, 1)}  epoch {best.figures.epoch}, {reached}"
    if problem is not None:
        further = "; --resume goes on" if problem == "interrupted" and can_resume else ""
        render.error(f"{problem}; {told}{further}")
        return INTERRUPTED if problem == "interrupted" else 1
    if not quiet:
        render.message(told)
    return 0

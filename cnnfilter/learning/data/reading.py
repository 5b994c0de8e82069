"""What a person names as data, by what it is."""

from __future__ import annotations

from pathlib import Path

from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data import arrays, folders, idx, lists
from cnnfilter.learning.data.dataset import Dataset
from cnnfilter.messages import readable, why_no_file
from cnnfilter.weights.kinds import named_failures


def read_data(path: Path, memory: int) -> Dataset:
    """Labelled pictures.

    Parameters
    ----------
    path : Path
        A folder with a folder for each class, a `.npz` of arrays, an IDX file or a folder of them, or a `.csv`.
    memory : int
        How many bytes arrays may take.

    Raises
    ------
    ArgumentError, KernelError
        If it cannot be used; one line that names it.
    """
    with named_failures(path):
        is_folder, reason = path.is_dir(), why_no_file(path)
    if is_folder:
        found = idx.find_idx(path)
        return folders.read_folder(path) if found is None else idx.read_idx(found, memory)
    if reason:
        msg = f"{readable(path)}: {reason}"
        raise ArgumentError(msg)
    if path.suffix.lower() == ".npz":
        return arrays.read_arrays(path, memory)
    if path.suffix.lower() == ".csv":
        return lists.read_list(path)
    if idx.is_idx(path):
        return idx.read_idx(path, memory)
    msg = (
        f"{readable(path)} is no data to learn from: give a folder with a folder for each class, an .npz of x_train "
        "and y_train, an IDX file such as train-images-idx3-ubyte.gz, or a .csv of files and labels"
    )
    raise ArgumentError(msg)

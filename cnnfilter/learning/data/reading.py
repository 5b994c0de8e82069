"""What a person names as data, by what it is."""

from __future__ import annotations

from cnnfilter.addresses.address import Address, Where
from cnnfilter.errors import ArgumentError
from cnnfilter.learning.data import arrays, folders, idx, lists
from cnnfilter.learning.data.dataset import Dataset
from cnnfilter.messages import readable, why_no_file
from cnnfilter.weights.kinds import file_of, named_failures


def read_data(where: Where, memory: int) -> Dataset:
    """Labelled pictures.

    Parameters
    ----------
    where : Path or Address
        A folder with a folder for each class, a `.npz` of arrays, an IDX file or a folder of them, or a `.csv`. At an
        address, what has none of these files' names is a folder.
    memory : int
        How many bytes arrays may take.

    Raises
    ------
    ArgumentError, KernelError, MissingExtraError
        If it cannot be used; one line that names it.
    """
    suffix, of_idx = where.suffix.lower(), idx.is_idx(where)
    is_file = suffix in (".npz", ".csv") or of_idx
    if isinstance(where, Address):
        is_folder, reason = not is_file, None
    else:
        with named_failures(where):
            is_folder, reason = where.is_dir(), why_no_file(where)
    if is_folder:
        found = idx.find_idx(where)
        return folders.read_folder(where) if found is None else idx.read_idx(found, memory)
    if reason:
        msg = f"{readable(where)}: {reason}"
        raise ArgumentError(msg)
    if suffix == ".npz":
        return arrays.read_arrays(file_of(where), memory)
    if suffix == ".csv":
        return lists.read_list(where)
    if of_idx:
        return idx.read_idx(where, memory)
    msg = (
        f"{readable(where)} is no data to learn from: give a folder with a folder for each class, an .npz of x_train "
        "and y_train, an IDX file such as train-images-idx3-ubyte.gz, or a .csv of files and labels"
    )
    raise ArgumentError(msg)

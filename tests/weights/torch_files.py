"""Files as PyTorch writes them, put together from the opcodes of pickles: there is no PyTorch where tests run."""

import io
import struct
import zipfile

import numpy as np

from cnnfilter.weights.kinds import named_failures, open_members

CLASSES = {
    "f8": "DoubleStorage", "f4": "FloatStorage", "f2": "HalfStorage", "i8": "LongStorage", "i4": "IntStorage",
    "i2": "ShortStorage", "i1": "CharStorage", "u1": "ByteStorage", "b1": "BoolStorage",
}  # fmt: skip
MAGIC = b"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
VERSION = b"\x80\x02M\xe9\x03."


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def items(*parts):
    """A tuple of parts, each of which is opcodes that push one thing."""
    return b"(" + b"".join(parts) + b"t"


def name(module, called):
    return f"c{module}\n{called}\n".encode()


def call(module, called, *arguments):
    return name(module, called) + items(*arguments) + b"R"


def table(entries, begin=b"}"):
    return begin + b"(" + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def ordered(entries):
    return table(entries, call("collections", "OrderedDict"))


def whole(shape, strides=None):
    """The shape and the strides of a tensor whose numbers lie one after the other, unless they are told."""
    if strides is None:
        strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
    return items(*map(number, shape)), items(*map(number, strides))


def storage(key, count, kind="FloatStorage", *more, module="torch"):
    return items(text("storage"), name(module, kind), text(key), text("cpu"), number(count), *more) + b"Q"


def tensor(stored, shape, strides=None, offset=0, *more):
    """A tensor of a storage as PyTorch pickles it."""
    gradient = [b"\x89", call("collections", "OrderedDict")]
    return call("torch._utils", "_rebuild_tensor_v2", stored, number(offset), *whole(shape, strides), *gradient, *more)


def state_dict(arrays, sequence=False, begin=ordered):
    """The opcodes of a state dict of arrays and the bytes of its storages by their keys."""
    tensors, stored = {}, {}
    for key, (called, array) in enumerate(arrays.items()):
        more = [b"N"] if sequence else []
        kept = storage(str(key), array.size, CLASSES[array.dtype.str[1:]], *more)
        tensors[called] = tensor(kept, array.shape)
        stored[str(key)] = array.tobytes()
    return begin(tensors), stored


def zipped(pickle, stored, prefix="archive", order=b"little", method=zipfile.ZIP_STORED, **more):
    """A zip file of a pickle's opcodes and storages by their keys; `more` are other parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(f"{prefix}/data.pkl", b"\x80\x02" + pickle + b".")
        if order is not None:
            archive.writestr(f"{prefix}/byteorder", order)
        for key, data in stored.items():
            archive.writestr(f"{prefix}/data/{key}", data)
        for key, data in more.items():
            archive.writestr(f"{prefix}/{key}", data)
    return stream.getvalue()


def sequence(pickle, stored, sizes=None):
    """A file as PyTorch wrote before its version 1.6; `sizes` are bytes of a number, 4 where they are not told."""
    machine = table({"protocol_version": b"M\xe9\x03", "little_endian": b"\x88", "type_sizes": b"}"})
    keys = b"](" + b"".join(map(text, stored)) + b"e"
    data = MAGIC + VERSION + b"\x80\x02" + machine + b".\x80\x02" + pickle + b".\x80\x02" + keys + b"."
    for key, numbers in stored.items():
        data += struct.pack("<q", len(numbers) // (sizes or {}).get(key, 4)) + numbers
    return data


def written(path, arrays, kind):
    """Write a state dict of arrays as a file: `zip`, or `sequence` as it was before."""
    if kind == "zip":
        path.write_bytes(zipped(*state_dict(arrays)))
    else:
        sizes = {str(key): array.itemsize for key, array in enumerate(arrays.values())}
        path.write_bytes(sequence(*state_dict(arrays, sequence=True), sizes))
    return path


def in_zip(pickle, **stored):
    """A zip file of a pickle and storages of float32 by their keys."""
    return zipped(pickle, {key.removeprefix("_"): array.tobytes() for key, array in stored.items()})


ONES = np.ones(4, np.float32)
ONE = tensor(storage("0", 4), (4,))
"""A storage, and a tensor of it."""


def read(path):
    """The arrays of a weight file by their names."""
    with named_failures(path), open_members(path) as members:
        for each in members:
            each.check()
        return {each.name: each.read() for each in members}

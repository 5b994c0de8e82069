"""Keras files as tests write them, of a configuration and arrays of their own."""

import io
import json
import zipfile

import h5py
import numpy as np

DATA_FORMAT = {"data_format": "channels_last"}


def layer(kind, name="x", **config):
    """The configuration of a layer."""
    return {"module": "keras.layers", "class_name": kind, "config": {"name": name, **config}, "registered_name": None}


def given(size, name="in"):
    """The configuration of an input."""
    return layer("InputLayer", name, batch_shape=[None, *size])


def sequential(*layers, size=(8, 7, 2), **more):
    """The configuration of a Sequential model."""
    return layer("Sequential", "model", layers=[given(size), *layers], **more)


def tensor(name, use=0):
    """The result of a layer, as Keras 3 tells it."""
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, use, 0]}}


def functional(layers, outputs, inputs=(("in", (8, 7, 2)),)):
    """The configuration of a functional model: layers with what each of their uses is given, by names."""
    made = [given(size, name) | {"name": name, "inbound_nodes": []} for name, size in inputs]
    for told, uses in layers:
        nodes = [{"args": [[tensor(*each) for each in use]], "kwargs": {}} for use in uses]
        made.append(told | {"name": told["config"]["name"], "inbound_nodes": nodes})
    config = {"layers": made, "input_layers": [[name, 0, 0] for name, _ in inputs]}
    return layer("Functional", "model", **config, output_layers=[[name, use, 0] for name, use in outputs])


def hdf5(arrays):
    """An HDF5 file of arrays by their paths."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, values in arrays.items():
            file[name] = np.asarray(values, "f4")
    return stream.getvalue()


def keras_file(path, config, arrays=(), version="3.15.1", method=zipfile.ZIP_STORED, **members):
    """Write a `.keras` file; a member given as None is left out."""
    told = {
        "config.json": config if isinstance(config, str) else json.dumps(config),
        "metadata.json": json.dumps({"keras_version": version}),
        "model.weights.h5": hdf5(dict(arrays)),
    }
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in (told | {name.replace("__", "."): data for name, data in members.items()}).items():
            if data is not None:
                archive.writestr(name, data)
    return path


def legacy_file(path, config, arrays=(), orders=None, version="2.15.0"):
    """Write an `.h5` file of arrays by their paths, and the names of each layer's in their order."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        file.attrs["keras_version"] = version
        file.create_group("model_weights")
        for name, values in dict(arrays).items():
            file[f"model_weights/{name}"] = np.asarray(values, "f4")
        for name, order in (orders or {}).items():
            file.require_group(f"model_weights/{name}").attrs["weight_names"] = [each.encode() for each in order]
    return path

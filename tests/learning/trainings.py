"""Small trainings."""

from cnnfilter.learning.beginning import begin
from cnnfilter.learning.data.arrays import given
from cnnfilter.learning.settings import Settings
from cnnfilter.pipeline import Pipeline
from tests.learning.strokes import LABELS, strokes

TEXT = "conv:6@3x3,batchnorm,relu,maxpool:2,dropout:0.2,flatten,dense:10"
QUICK = {"epochs": 3, "rate": 0.01, "batch": 16, "seed": 3}


def begun(text=TEXT, data=None, *, source=None, threads=2, memory=10**8, **settings):
    pictures, classes = strokes()
    data = given(pictures, [LABELS[kind] for kind in classes]) if data is None else data
    network = Pipeline.parse(text).network
    wanted = Settings(**(QUICK | settings))
    return begin(
        network, data, wanted, memory=memory, threads=threads, progress=lambda done, total: None, source=source
    )


def learned(*arguments, **keywords):
    found = begun(*arguments, **keywords)
    list(found.learner.epochs())
    return found


def data_of(found, suffix=".npz"):
    return b"".join(found.file(suffix))

"""The public names: what type checkers see, and what `__init__.py` looks up."""

from cnnfilter.batch.plan import ConflictError as ConflictError
from cnnfilter.engine.activations import softmax as softmax
from cnnfilter.engine.ops import conv2d as conv2d
from cnnfilter.engine.ops import linear as linear
from cnnfilter.engine.pools import avg_pool2d as avg_pool2d
from cnnfilter.engine.pools import max_pool2d as max_pool2d
from cnnfilter.engine.pools import sum_pool2d as sum_pool2d
from cnnfilter.errors import ArgumentError as ArgumentError
from cnnfilter.errors import ClusterError as ClusterError
from cnnfilter.errors import CnnfilterError as CnnfilterError
from cnnfilter.errors import CnnfilterWarning as CnnfilterWarning
from cnnfilter.errors import DiskFullError as DiskFullError
from cnnfilter.errors import ExistsError as ExistsError
from cnnfilter.errors import GrammarError as GrammarError
from cnnfilter.errors import KernelError as KernelError
from cnnfilter.errors import MissingExtraError as MissingExtraError
from cnnfilter.errors import OutputError as OutputError
from cnnfilter.errors import PictureError as PictureError
from cnnfilter.errors import RoomError as RoomError
from cnnfilter.errors import ShapeError as ShapeError
from cnnfilter.kernels.kernel import get_kernel as get_kernel
from cnnfilter.learning.attribution import heat_map as heat_map
from cnnfilter.learning.kernels.api import learn_kernel as learn_kernel
from cnnfilter.network.activations import *  # noqa: F403  (each activation, by its name)
from cnnfilter.picture import Picture as Picture
from cnnfilter.picture import read as read
from cnnfilter.picture import sheet as sheet
from cnnfilter.pipeline import Pipeline as Pipeline
from cnnfilter.running.apply import apply as apply
from cnnfilter.sizes import output_size as output_size
from cnnfilter.training import Training as Training
from cnnfilter.training import train as train
from cnnfilter.weights.bank import load_bank as load_bank

__version__: str

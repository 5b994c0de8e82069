"""The activations. Each is one entry: a function in float32, and beside it all that the rest of the program asks of it.

From these derive the stages and their readers, the Python functions, `engine.reference`, the formulas of explanations,
the code in other languages, the help, and the parameters of tests.
"""

from cnnfilter.network.activations import bent as bent  # the first in the help
from cnnfilter.network.activations import curved as curved
from cnnfilter.network.activations.curved import SELU_ALPHA as SELU_ALPHA
from cnnfilter.network.activations.curved import SELU_SCALE as SELU_SCALE
from cnnfilter.network.activations.table import ACTIVATIONS as ACTIVATIONS
from cnnfilter.network.activations.table import Code as Code
from cnnfilter.network.activations.table import Function as Function
from cnnfilter.network.activations.table import Value as Value

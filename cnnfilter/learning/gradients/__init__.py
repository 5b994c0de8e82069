"""The aspect *gradient*: of each stage, how a batch goes forward through it in learning, and how deltas come back.

`differentiable` is the table. What it gives takes and returns arrays; `cnnfilter.learning.network` joins them.
"""

from cnnfilter.learning.gradients import convolution as _convolution  # noqa: F401  (fills the table, as the next do)
from cnnfilter.learning.gradients import dense as _dense  # noqa: F401
from cnnfilter.learning.gradients import joining as _joining  # noqa: F401
from cnnfilter.learning.gradients import normalizing as _normalizing  # noqa: F401
from cnnfilter.learning.gradients import pointwise as _pointwise  # noqa: F401
from cnnfilter.learning.gradients import pooling as _pooling  # noqa: F401
from cnnfilter.learning.gradients import rearranging as _rearranging  # noqa: F401
from cnnfilter.learning.gradients.base import Differentiable as Differentiable
from cnnfilter.learning.gradients.base import Gradients as Gradients
from cnnfilter.learning.gradients.base import differentiable as differentiable

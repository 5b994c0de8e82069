"""How one value of a chain's result came about: every window, product and sum behind it, computed and not printed.

Everything is float64 and follows the definition, so the numbers are those of a blackboard; `Pipeline.run` gives the
same within the rounding of float32.
"""

from cnnfilter.explanation.explaining import Explanation, explain
from cnnfilter.explanation.field import ReceptiveField
from cnnfilter.explanation.record import to_record

__all__ = ["Explanation", "ReceptiveField", "explain", "to_record"]

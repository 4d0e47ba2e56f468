"""The training side of Layerscope: records what the layers of a model make of a fixed probe, and carries the interventions of the papers.

    from layerscope import Recorder
"""

from .coding_rate import CodingRateAccumulator, CodingRates, coding_rate, coding_rate_reduction, coding_rate_within, measure_coding_rates
from .features import Features, extract_features
from .landscape import Surface, filter_normalized_directions, loss_surface
from .probe import Probe
from .random_labels import RandomLabelHeads, suppression_penalty
from .randomness import random_labels
from .recorder import Recorder
from .records import append_records, coding_rate_records
from .schedule import constant, cosine_decay, linear_warmup, log_then_regular
from .selection import select_layers
from .undisturbed import undisturbed
from . import umm, umm_tuner

__version__ = "0.1.0"

__all__ = [
    "CodingRateAccumulator", "CodingRates", "Features", "Probe", "RandomLabelHeads", "Recorder", "Surface",
    "append_records", "coding_rate", "coding_rate_records", "coding_rate_reduction", "coding_rate_within", "constant", "cosine_decay",
    "extract_features", "filter_normalized_directions", "linear_warmup", "log_then_regular", "loss_surface", "measure_coding_rates",
    "random_labels", "select_layers", "suppression_penalty", "umm", "umm_tuner", "undisturbed",
]

"""What all requests share."""

from dataclasses import dataclass

from .budget import Budget
from .decoder import Decoding
from .jobs import Jobs
from .metrics import Metrics
from .model_pool import ModelPool
from .settings import Limits
from .uploads import PrivateFolder


@dataclass
class State:
    """What all requests share.

    Attributes:
        models: The models and their threads.
        jobs: Videos and ZIPs.
        metrics: Counts.
        limits: What is refused.
        folder: For uploads.
        bytes: Of pictures' requests, in memory.
        decode: A picture, while its pixels are reserved.
        cameras: Connected now.
    """

    models: ModelPool
    jobs: Jobs
    metrics: Metrics
    limits: Limits
    folder: PrivateFolder
    bytes: Budget
    decode: Decoding
    cameras: int = 0

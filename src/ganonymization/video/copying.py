"""Streams on their way from one container into another."""

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping
from typing import Any


class Track(ABC):
    """A stream beside the pictures, packet by packet.

    Attributes:
        stream: The one that is written.
    """

    stream: Any

    @abstractmethod
    def packets(self, packet: Any) -> list[Any]:
        """What becomes of a packet."""

    def rest(self) -> list[Any]:
        """What is left at the end."""
        return []


class Copied(Track):
    """Packets go on as they are.

    Args:
        source: The stream that they come from.
        container: To be written.
    """

    def __init__(self, source: Any, container: Any) -> None:
        self.stream = container.add_stream_from_template(source)

    def packets(self, packet: Any) -> list[Any]:
        """What becomes of a packet."""
        packet.stream = self.stream
        return [packet]


def can_hold(container: Any, codec: str, refused: Mapping[str, Container[str]]) -> bool:
    """Whether a container takes packets of a codec as they are.

    Args:
        container: To be written.
        codec: As FFmpeg names it.
        refused: By container, codecs that FFmpeg says it takes, and then does not.
    """
    return codec in container.supported_codecs and codec not in refused.get(
        container.format.name, ()
    )

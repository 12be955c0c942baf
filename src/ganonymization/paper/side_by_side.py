"""The pictures that the paper's pix2pix learns from: a face and its landmark map side by side."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from ..errors import InputError, UnreadableError
from ..io import images
from ..io.files import walk
from ..training.harness import reason_of
from ..types import Image

_SEED = 42


class SideBySide(Dataset[dict[str, Tensor]]):
    """Pictures of a folder whose left half is a face and whose right half its landmark map.

    Keys: ``picture`` and ``condition``, (3, S, S) uint8.

    Raises:
        InputError: It holds no pictures.
    """

    def __init__(self, folder: Path, size_px: int) -> None:
        self.files = [p for p in walk(folder) if images.is_picture(p)]
        self.size_px = size_px
        if not self.files:
            raise InputError(
                f"{folder}: no pictures; make them with 'main.py preprocess' and name the folder "
                "that holds FacialLandmarks478 as --data_dir"
            )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        pixels = images.read(self.files[index]).pixels
        middle = pixels.shape[1] // 2
        return {
            "picture": self._sized(pixels[:, :middle]),
            "condition": self._sized(pixels[:, middle:]),
        }

    def _sized(self, half: Image) -> Tensor:
        side = (self.size_px, self.size_px)
        sized = cv2.resize(half, side, interpolation=cv2.INTER_AREA)
        return torch.from_numpy(np.ascontiguousarray(sized.transpose(2, 0, 1)))

    def first(self, count: int) -> dict[str, Tensor]:
        """The first few pictures as a batch."""
        loaded: dict[str, Tensor] = default_collate([self[i] for i in range(min(count, len(self)))])
        return loaded

    def epochs(
        self, first: int, end: int, seen_batches: int, batch_size: int, workers: int
    ) -> Iterator[tuple[dict[str, Tensor], bool]]:
        """Batches of some epochs, and whether each is its epoch's last.

        An epoch's order depends on its number alone.

        Args:
            first: Number of the first epoch.
            end: Number after the last one.
            seen_batches: Of the first epoch, which are left out.
            batch_size: Pictures a batch.
            workers: Processes that load pictures.

        Raises:
            InputError: A picture cannot be read.
        """
        for epoch in range(first, end):
            order = np.random.default_rng([_SEED, epoch]).permutation(len(self)).tolist()
            chunks = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
            chunks = chunks[seen_batches if epoch == first else 0 :]
            loader = DataLoader(self, batch_sampler=chunks, num_workers=workers)
            try:
                for number, batch in enumerate(loader, 1):
                    yield batch, number == len(chunks)
            except UnreadableError as error:
                raise InputError(reason_of(error)) from error

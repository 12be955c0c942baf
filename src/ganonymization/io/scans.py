"""How often a JPEG file draws its picture: each scan takes as long as a whole decoding."""

import re

_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")  # neither stuffed nor a restart
_START, _TEMPORARY, _END, _SCAN = 0xD8, 0x01, 0xD9, 0xDA


def count_scans(data: bytes, most: int) -> int:
    """Scans of the first picture in a JPEG file, read from its markers alone.

    Args:
        data: The file.
        most: Where counting ends.

    ITU-T T.81, Annex B.
    """
    scans, at = 0, 0
    while scans < most and (found := _MARKER.search(data, at)):
        marker, at = found.group(1)[0], found.end()
        if marker == _END:
            break
        scans += marker == _SCAN
        if marker not in (_START, _TEMPORARY):
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
    return scans

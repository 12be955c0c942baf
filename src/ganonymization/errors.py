"""Everything this package raises on purpose.

    GanonymizationError
    ├── InputError            a picture or folder that cannot be used as it is
    │   ├── UnreadableError   missing, truncated, not a picture, or too large
    │   └── NoFaceError       no face was found, and the caller asked to be told
    ├── OutputError           a file that cannot be written, or must not be
    ├── ModelError            a model file that is missing, corrupt or of another kind
    ├── OptionError           an option's value that makes no sense
    ├── MissingExtraError     a package that an extra would have brought
    ├── WorkersError          processes or machines that gave up before all was done
    └── FaceError             one face could not be redrawn; the pipeline covers it
        ├── LandmarksError    no landmarks, or landmarks that cannot be a face's
        ├── SynthesisError    the generator failed or drew something else
        └── FaceNotRedrawnError   raised by ``on_failure="error"``

A message names the thing, says what is wrong with it, and what to do. Where an argument helps, it
stands in the error's ``remedy`` between backticks; the command line makes an option of it, and the
service, whose clients have other arguments, leaves the remedy out.
"""

import re


class GanonymizationError(Exception):
    """The root; catch it to catch all of ours.

    Args:
        message: What is wrong with what.
        remedy: What to do, with names of arguments between backticks, as in "raise `max_pixels`".
    """

    def __init__(self, message: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}; {self.remedy}" if self.remedy else message

    @property
    def message(self) -> str:
        """What is wrong, without the remedy."""
        return super().__str__()


def with_options(text: str) -> str:
    """Arguments between backticks as options of the command line: "raise --max-pixels"."""
    return re.sub(r"`(\w+)`", lambda name: "--" + name[1].replace("_", "-"), text)


class InputError(GanonymizationError):
    """A picture or folder that cannot be used as it is."""


class UnreadableError(InputError):
    """A file that is missing, truncated, not a picture, or too large."""


class NoFaceError(InputError):
    """No face was found and the caller asked for an error."""


class OutputError(GanonymizationError):
    """A file that cannot be written, or that must not be overwritten."""


class ModelError(GanonymizationError):
    """A model file that is missing, corrupt or of another kind."""


class OptionError(GanonymizationError):
    """An option's value that makes no sense."""


class MissingExtraError(GanonymizationError):
    """A package is missing that an optional extra brings.

    Args:
        feature: What was asked for.
        extra: The extra that brings its packages.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an extra: pip install 'ganonymization[{extra}]'")


class WorkersError(GanonymizationError):
    """Processes or machines that gave up before all was done; what is done stays."""


class FaceError(GanonymizationError):
    """One face could not be redrawn; the pipeline turns it into a fill."""


class LandmarksError(FaceError):
    """No landmarks were found, or landmarks that cannot be a face's."""


class SynthesisError(FaceError):
    """The generator failed, or what it drew is not the face it was asked for."""


class FaceNotRedrawnError(FaceError):
    """A face could not be redrawn and ``on_failure`` is ``"error"``."""

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

    Example:
        >>> try:
        ...     anonymize("none.jpg")
        ... except GanonymizationError as error:
        ...     print(error)
        none.jpg: no such file; check the path
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
    """A picture or folder that cannot be used as it is.

    Example:
        >>> anonymize(picture.transpose(2, 0, 1))
        Traceback (most recent call last):
        ganonymization.errors.InputError: a picture must be of shape (H, W), (H, W, 3) or
        (H, W, 4); this is (3, 512, 512); give `layout` chw
    """


class UnreadableError(InputError):
    """A file that is missing, truncated, not a picture, or too large.

    Example:
        >>> anonymize(b"hello")
        Traceback (most recent call last):
        ganonymization.errors.UnreadableError: the picture: not a picture that can be read; ...
    """


class NoFaceError(InputError):
    """No face was found and the caller asked for an error.

    Example:
        >>> blind = Anonymizer(mode="portrait", detector_options=DetectorOptions(min_face_px=400))
        >>> blind("portrait.jpg").save("head.png")
        Traceback (most recent call last):
        ganonymization.errors.NoFaceError: no face found, so there is no portrait; check the picture
    """


class OutputError(GanonymizationError):
    """A file that cannot be written, or that must not be overwritten.

    Example:
        >>> anonymize("portrait.jpg").save("portrait.jpg")
        Traceback (most recent call last):
        ganonymization.errors.OutputError: portrait.jpg: is the input; ...
    """


class ModelError(GanonymizationError):
    """A model file that is missing, corrupt or of another kind.

    Example:
        >>> Anonymizer(model="none.onnx")
        Traceback (most recent call last):
        ganonymization.errors.ModelError: none.onnx: ...
    """


class OptionError(GanonymizationError):
    """An option's value that makes no sense.

    Example:
        >>> anonymize("portrait.jpg", seed=-1)
        Traceback (most recent call last):
        ganonymization.errors.OptionError: the seed -1 does not lie between 0 and 2**64 - 1; ...
    """


class MissingExtraError(GanonymizationError):
    """A package is missing that an optional extra brings; the message has the command for it.

    Args:
        feature: What was asked for.
        extra: The extra that brings its packages.

    Example:
        >>> print(MissingExtraError("training", "train"))
        training needs the extra train: pip install ...[train]...
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra {extra}: {_installing(extra)}")


def _installing(extra: str) -> str:
    """The command that adds an extra to this installation, from wherever it came."""
    import json  # only now: the package is to be imported in no time
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        told = json.loads(distribution("ganonymization").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        told = {}
    url = str(told.get("url", ""))
    if not url:  # from an index or a checkout that is not installed
        return f"pip install '.[{extra}]' in the project's folder"
    if "dir_info" in told:
        editable = "-e " if told["dir_info"].get("editable") else ""
        return f"pip install {editable}'{url2pathname(urlsplit(url).path)}[{extra}]'"
    if "vcs_info" in told:
        version = told["vcs_info"].get("requested_revision", "")
        url = f"{told['vcs_info']['vcs']}+{url}" + f"@{version}" * bool(version)
    return f"pip install 'ganonymization[{extra}] @ {url}'"


class WorkersError(GanonymizationError):
    """Processes or machines that gave up before all was done; what is done stays."""


class FaceError(GanonymizationError):
    """One face could not be redrawn; the pipeline turns it into a fill.

    Example:
        >>> def never(inputs):
        ...     raise FaceError("not this one")
        >>> never.size_px, never.crop_side_eyes, never.draws_scenes = 256, 3.4, True
        >>> Anonymizer(model=never)("portrait.jpg").faces[0].outcome
        'filled: not this one'
    """


class LandmarksError(FaceError):
    """No landmarks were found, or landmarks that cannot be a face's.

    Example:
        >>> def never(crop):
        ...     raise LandmarksError("no landmarks found")
        >>> Anonymizer(landmarker=never)("portrait.jpg").faces[0].outcome
        'filled: no landmarks found'
    """


class SynthesisError(FaceError):
    """The generator failed, or what it drew is not the face it was asked for.

    Example:
        >>> def never(inputs):
        ...     raise SynthesisError("out of ideas")
        >>> never.size_px, never.crop_side_eyes, never.draws_scenes = 256, 3.4, True
        >>> Anonymizer(model=never)("portrait.jpg").faces[0].outcome
        'filled: out of ideas'
    """


class FaceNotRedrawnError(FaceError):
    """A face could not be redrawn and ``on_failure`` is ``"error"``.

    Example:
        >>> def never(crop):
        ...     raise LandmarksError("no landmarks found")
        >>> Anonymizer(landmarker=never, on_failure="error")("portrait.jpg")
        Traceback (most recent call last):
        ganonymization.errors.FaceNotRedrawnError: face 0 at ...
    """

"""Where ONNX Runtime computes: the processor, or a GPU by CUDA."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from . import weights
from .errors import ModelError, OptionError
from .options import Device, check_choice

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_INSTALL = (
    "pip uninstall -y onnxruntime onnxruntime-gpu && "
    "pip install 'onnxruntime-gpu[cuda,cudnn]>=1.21'"
)

Providers = list[str | tuple[str, dict[str, str]]]


def providers(device: Device) -> Providers:
    """What ONNX Runtime is to compute with, best first.

    Args:
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        OptionError: Another word, or an ONNX Runtime without CUDA; the message has the commands
            that install the other one.
    """
    check_choice(device, Device)
    if device == "cpu":
        return [_CPU]
    if _CUDA not in onnxruntime.get_available_providers():
        raise OptionError(
            f"ONNX Runtime {onnxruntime.__version__} is installed without CUDA; replace it: "
            f"{_INSTALL}; or use the device cpu"
        )
    options = {
        "cudnn_conv_algo_search": "HEURISTIC",  # the others try out, anew for each picture size
        "arena_extend_strategy": "kSameAsRequested",  # sizes differ: no doubling of memory
    }
    return [(_CUDA, options), _CPU]


class InterruptedWork(BaseException):
    """Work that is given up; no :class:`Exception`, for stages make covers of those and go on."""


_asked = threading.local()


@contextmanager
def interruptible(check: Callable[[], None]) -> Iterator[None]:
    """While it lasts, this thread calls ``check`` before each run of a network of ours.

    Args:
        check: Raises :class:`InterruptedWork` to end the work.
    """
    before, _asked.check = getattr(_asked, "check", None), check
    try:
        yield
    finally:
        _asked.check = before


def _refusable(session: onnxruntime.InferenceSession) -> onnxruntime.InferenceSession:
    """The session, whose runs :func:`interruptible` may refuse."""
    run = session.run

    def checked(*arguments: Any) -> Any:
        check = getattr(_asked, "check", None)
        if check is not None:
            check()
        return run(*arguments)

    session.run = checked
    return session


def settings_of(threads: int) -> onnxruntime.SessionOptions:
    """Settings of any network of ours.

    Args:
        threads: Of one call; 0 takes every core.
    """
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = threads
    # Networks run in turns and callers share the cores: threads that wait in a loop take them.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return settings


def open_session(
    model: str | bytes, settings: onnxruntime.SessionOptions, device: Device
) -> onnxruntime.InferenceSession:
    """A network on a device, and never on another in silence.

    Args:
        model: An ONNX file's path, or its content.
        settings: Completed here for CUDA.
        device: ``"cpu"`` or ``"cuda"``.

    Raises:
        OptionError: CUDA does not work here; install what the message says, or use the CPU.
        Exception: ONNX Runtime's own, on a file that is no model.
    """
    wanted = providers(device)
    if device == "cpu":
        return _refusable(onnxruntime.InferenceSession(model, settings, providers=wanted))
    missed = _preload()
    # CUDA has no integer convolutions. Floating-point ones want their weights unpacked once.
    settings.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        session = onnxruntime.InferenceSession(
            model, settings, providers=wanted, enable_fallback=False
        )
    except RuntimeError as error:  # CUDA's; a wrong file's errors are no RuntimeError
        raise _no_cuda(str(error)) from error
    if session.get_providers()[0] != _CUDA:
        raise _no_cuda(missed)
    session.disable_fallback()  # nor later, when a call fails
    return _refusable(session)


def open_shipped(
    name: str, threads: int = 0, device: Device = "cpu", *, any_size: bool = False
) -> onnxruntime.InferenceSession:
    """A network that ships with the package.

    Args:
        name: Of its file in ``weights``, without ``.onnx``.
        threads: Of one call; 0 takes every core.
        device: ``"cpu"`` or ``"cuda"``.
        any_size: Its inputs differ in size, so how memory is used is not planned; calls with large
            inputs take :func:`giving_back`.

    Raises:
        ModelError: The file is missing or damaged; install the package anew.
        OptionError: The device does not work here; the message has the remedy.
    """
    path = weights.path_of(name)
    settings = settings_of(threads)
    settings.enable_mem_pattern = not any_size
    try:
        return open_session(str(path), settings, device)
    except OptionError:
        raise
    except Exception as error:  # ONNX Runtime's own exceptions have no common base
        raise ModelError(f"{path}: missing or damaged; install the package anew") from error


def giving_back(device: Device) -> onnxruntime.RunOptions | None:
    """For a call with a large input: its memory is given back, rather than kept for the next."""
    if device != "cpu":
        return None
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def run(
    session: onnxruntime.InferenceSession, output: str, feed: dict[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """One output of a network, in the computer's memory. May be called by threads.

    Args:
        session: Of :func:`open_session`.
        output: Its name.
        feed: Inputs by name, each contiguous.

    Raises:
        Exception: ONNX Runtime's own, such as a lack of memory.
    """
    if session.get_providers()[0] != _CUDA:
        return np.asarray(session.run([output], feed)[0])
    binding = session.io_binding()  # of this call alone, for threads share the session
    for name, values in feed.items():
        binding.bind_cpu_input(name, values)
    binding.bind_output(output, "cpu")
    binding.synchronize_inputs()
    session.run_with_iobinding(binding)
    return np.asarray(binding.copy_outputs_to_cpu()[0])


def _preload() -> str:
    """Load CUDA's libraries from pip's packages, where ONNX Runtime itself does not look.

    Returns:
        The first complaint, or nothing.
    """
    preload = getattr(onnxruntime, "preload_dlls", None)  # since 1.21
    if preload is None:
        return ""
    complaints = io.StringIO()
    with redirect_stdout(complaints):
        preload()
    return complaints.getvalue().partition("\n")[0]


def _no_cuda(reason: str) -> OptionError:
    told = f" ({' '.join(reason.split())[:200]})" if reason else ""
    return OptionError(
        f"ONNX Runtime {onnxruntime.__version__} cannot use CUDA here{told}: nvidia-smi must show "
        f"a GPU, and CUDA's and cuDNN's libraries come by: {_INSTALL}; or use the device cpu"
    )

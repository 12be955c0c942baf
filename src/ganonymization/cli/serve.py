"""``ganonymize serve``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import OptionError
from .options import Count, DetectorOption, DeviceOption, ModelOption, require_extra

_LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8000,
    token: Annotated[str | None, typer.Option(envvar="GANONYMIZE_TOKEN", show_envvar=True)] = None,
    model: ModelOption = "default",
    detector: DetectorOption = "centerface",
    device: DeviceOption = "cpu",
    workers: Count = 2,
    max_mb: Count = 64,
    memory_gb: Annotated[float, typer.Option(min=1.5)] = 4.0,
    folder: Path | None = None,
) -> None:
    """A page and an API on this machine; pictures leave it only by your own hand.

    Options:
        host: Another address needs --token.
        port: To listen on.
        token: That requests must carry.
        workers: Threads that redraw.
        max_mb: Of a picture's upload.
        memory_gb: Of all processes together; decides how large pictures and frames may be.
        folder: For uploads. [default: the system's]
    """
    require_extra("the service", "serve", "fastapi", "uvicorn", "websockets", "python_multipart")
    if host not in _LOCAL:
        if not token:
            raise OptionError(f"--host {host}: others can reach that; give a --token as well")
        print(f"warning: others can reach {host}; only TLS hides the token and the pictures "
              "from them: put a proxy before it", file=sys.stderr)  # fmt: skip
    import uvicorn

    from ..config import AnonymizerConfig
    from ..detect.base import DetectorOptions
    from ..serve.app import make_app
    from ..serve.decoder import Decoder
    from ..serve.model_pool import ModelPool
    from ..serve.movies import MovieProcesses
    from ..serve.protocol import PunctualProtocol
    from ..serve.settings import MEGABYTE, Limits, ServeSettings, shares

    limits = Limits(upload_bytes=max_mb * MEGABYTE, **shares(memory_gb))
    settings = ServeSettings(host, port, token, workers, folder, limits)
    config = AnonymizerConfig(
        model=model, detector=detector, device=device,
        detector_options=DetectorOptions(device=device),
    )  # fmt: skip
    models = ModelPool.load(config, workers, limits.waiting)
    shown = f"[{host}]" if ":" in host else host
    print(f"http://{shown}:{port}", flush=True)
    with Decoder(limits.decode_s, limits.decode_bytes) as decoder:
        decoder.prepare(workers + limits.waiting)
        uvicorn.run(
            make_app(models, decoder, settings, MovieProcesses(config.with_threads(1))),
            host=host, port=port, log_level="warning", access_log=False, server_header=False,
            ws="websockets-sansio", ws_max_size=limits.frame_bytes, http=PunctualProtocol,
            timeout_keep_alive=20, timeout_graceful_shutdown=10,
            h11_max_incomplete_event_size=32_768,
        )  # fmt: skip

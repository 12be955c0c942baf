import asyncio
import time

import pytest
from starlette.requests import Request

from ganonymization.serve import uploads
from ganonymization.serve.budget import Budget
from ganonymization.serve.problems import Problem
from ganonymization.serve.settings import Limits


def request(chunks, every_s):
    """One whose body comes in parts, and so slowly."""
    left = list(chunks)

    async def receive():
        await asyncio.sleep(every_s)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def read(chunks, every_s, **limits):
    async def whole():
        async with uploads.body(request(chunks, every_s), Limits(**limits), Budget(10**9)) as body:
            return body

    return asyncio.run(whole())


def test_a_byte_now_and_then_is_no_upload():
    start = time.monotonic()
    with pytest.raises(Problem) as refused:
        read([b"x"] * 1000, 0.02, idle_s=0.3, least_bytes_per_s=1000)
    assert refused.value.status == 408
    assert 0.2 < time.monotonic() - start < 5


def test_a_steady_upload_may_take_longer_than_the_time_for_its_parts():
    body = read([b"x" * 1000] * 30, 0.02, idle_s=0.3, least_bytes_per_s=1000)
    assert len(body) == 30_000

from __future__ import annotations

import asyncio

import pytest

from sectorwatch.web.problems import ApiError
from sectorwatch.web.turns import Turns


def test_one_is_let_in_some_wait_and_the_rest_are_told() -> None:
    """In the order they came; who is one too many gets 503 with when to come back."""

    async def ask() -> list[int]:
        turns = Turns(at_once=1, waiting=2)
        going = asyncio.Event()
        order: list[int] = []

        async def one(number: int) -> None:
            async with turns.turn():
                await going.wait()
                order.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as caught:
            async with turns.turn():
                raise AssertionError
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "10")
        tasks[1].cancel()
        going.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with turns.turn():
            order.append(9)
        return order

    assert asyncio.run(ask()) == [0, 2, 9]

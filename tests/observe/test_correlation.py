from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sectorwatch.observe import LogCorrelationContext, carry, correlation_id, new_correlation_id


def test_contexts_nest_and_restore() -> None:
    """Leaving an inner context brings the outer id back, and leaving that, none."""
    assert correlation_id() == ""
    with LogCorrelationContext("outer"):
        with LogCorrelationContext("inner") as inner:
            assert correlation_id() == "inner" == inner.correlation_id
        assert correlation_id() == "outer"
    assert correlation_id() == ""


async def _task(name: str) -> tuple[str, str]:
    async with LogCorrelationContext(name):
        await asyncio.sleep(0)
        inside = correlation_id()
        await asyncio.sleep(0)
        return inside, await asyncio.create_task(_child())


async def _child() -> str:
    return correlation_id()


def test_tasks_keep_their_own_and_hand_them_to_children() -> None:
    """Tasks that run in turn never see each other's id; a task begun inside inherits it."""

    async def both() -> list[tuple[str, str]]:
        return list(await asyncio.gather(_task("a"), _task("b")))

    assert asyncio.run(both()) == [("a", "a"), ("b", "b")]


def test_an_exception_restores_too() -> None:
    """A block left by an exception leaves nothing behind."""
    with pytest.raises(RuntimeError), LogCorrelationContext("x"):
        raise RuntimeError
    assert correlation_id() == ""


def test_ids_are_made_where_none_is_given_and_differ() -> None:
    """A made id has the form of a W3C trace id, and no two are alike."""
    with LogCorrelationContext() as one, LogCorrelationContext("") as two:
        assert one.correlation_id != two.correlation_id
    assert len(new_correlation_id()) == 32
    int(new_correlation_id(), 16)


@given(st.text(max_size=300))
def test_a_given_id_is_kept_but_for_what_could_harm_a_log(text: str) -> None:
    """Whatever is sent in, the id is printable and short, and itself where it was so already."""
    kept = LogCorrelationContext(text).correlation_id
    assert kept
    assert kept.isprintable()
    assert len(kept) <= 128
    if text and text.isprintable() and len(text) <= 128:
        assert kept == text


def test_carry_takes_the_context_into_threads_at_once() -> None:
    """Several threads call the carried function, each with the id of where it was made."""
    with LogCorrelationContext("tick-7"):
        carried = carry(correlation_id)
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(carried())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["tick-7"] * 8
    assert correlation_id() == ""


def test_leaving_in_another_context_does_no_harm() -> None:
    """A context entered in one place and left in another raises nothing."""
    context = LogCorrelationContext("lost")
    contextvars.copy_context().run(context.__enter__)
    context.__exit__(None, None, None)
    assert correlation_id() == ""

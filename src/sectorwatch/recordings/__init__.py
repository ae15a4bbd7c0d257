"""A recording of a made network, so that there is something to look at without the real one.

`tools/make_recording.py` writes it. It is a journal like any other; nobody in it is real, so the
key that masks its invented members is published here.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["AUSTRALIA", "MASKING_KEY"]

AUSTRALIA = Path(__file__).parent / "australia"
"""Two hours over Australia at 15 s, transceivers among them: a folder of journal files."""

MASKING_KEY = bytes.fromhex("5ec704a7c4d3" + "00" * 26)
"""Public on purpose: it guards nobody."""

"""The JSON API, its event streams and its documentation, over one running application."""

from __future__ import annotations

from sectorwatch.web.app import create_app, create_fastapi

__all__ = ["create_app", "create_fastapi"]

"""What the notebooks ``executive_overview`` and ``performance_deep_dive`` call: the two dashboards of the platform.

`read` asks for a dashboard's panels; the functions of `reports.boards.executive` and `reports.boards.deep`
each show one of them, with what it says in words. A panel that the source has nothing for says so, and the rest stand.
"""

from __future__ import annotations

from reports.boards.board import Board, cover, read, sources, summary

__all__ = ["Board", "cover", "read", "sources", "summary"]

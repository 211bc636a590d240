"""Counts found again in a table that holds only normalized values."""

from foldwise.recover.counts import RecoveredCounts, recover_counts
from foldwise.recover.refusal import NotRecoverableError

__all__ = ["NotRecoverableError", "RecoveredCounts", "recover_counts"]

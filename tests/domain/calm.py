"""Property tests that a busy machine may take its time with."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

calm = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large])
"""Drawing a whole template takes longer on two shared cores than hypothesis likes; that says nothing of the product."""

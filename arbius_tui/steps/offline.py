"""Another device signs: the unsigned transaction goes out in a file, and what comes back signed is judged."""

from __future__ import annotations

"""The journey. One file for each step: what it needs, what it does, what it yields."""

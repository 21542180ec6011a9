"""One file for each outside system. Async, typed by domain, no Textual; each raises only `domain.errors.Failure`."""

# Works with GNU make 3.81 (macOS) and a POSIX shell. Needs Python 3.11, 3.12 or 3.13 with venv; everything else comes from the lock.
SHELL := /bin/sh
PY := .venv/bin/python
UV_LOCK := .venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --only-binary :all: \
           --no-header --no-emit-index-url --no-emit-find-links --no-emit-build-options pyproject.toml
.PHONY: help setup run test check format bench pictures lock clean

help:
	@echo "make run       set up everything and open the wizard in rehearsal (no Docker, no GPU, no node, no money)"
	@echo "make test      set up everything and run the whole suite; what needs a missing part is skipped with a sentence"
	@echo "make check     lint, formatting, types, import rules"
	@echo "make bench     measure start-up, keys and memory beside a bare Textual app"
	@echo "make pictures  draw the README's pictures again"
	@echo "make setup     only set up .venv      make lock      refresh the lock files      make clean     remove what was built"

# Runs again only when the lock, the project's metadata or the folder changed. An .venv whose Python fits is kept.
setup:
	@key="$$(cat requirements-dev.lock pyproject.toml | cksum) $$PWD"; \
	if [ "$$(cat .venv/.setup 2>/dev/null)" = "$$key" ] && $(PY) -c '' 2>/dev/null; then exit 0; fi; \
	fits() { "$$@" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }; \
	if ! fits $(PY) || ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  found=; bare=; for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	    fits $$python || continue; \
	    if $$python -c 'import venv, ensurepip' >/dev/null 2>&1; then found=$$python; break; fi; \
	    bare=$${bare:-$$python}; done; \
	  if [ -z "$$found$$bare" ]; then \
	    echo "make setup: Python 3.11, 3.12 or 3.13 is needed and none was found; install one (Debian, Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python@3.13)." >&2; exit 1; fi; \
	  if [ -z "$$found" ]; then \
	    echo "make setup: $$bare has no venv; install it (Debian, Ubuntu: sudo apt install $$(basename $$bare)-venv), then run this again." >&2; exit 1; fi; \
	  echo "setup: an environment in .venv with $$($$found --version)" >&2; \
	  $$found -m venv --clear .venv || exit 1; \
	fi; \
	export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1; \
	echo "setup: the locked packages (about a minute the first time)" >&2; \
	$(PY) -m pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.lock || { \
	  echo "make setup: see above; every locked package has a build for Linux (x86_64, arm64) and for macOS on Apple silicon, so look at the network first." >&2; exit 1; }; \
	echo "setup: arbius-tui itself" >&2; \
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --no-index -e . || exit 1; \
	echo "$$key" >.venv/.setup; echo "setup: done" >&2

# Without a terminal on stdin the program itself walks the same journey as lines of text.
run: setup
	@.venv/bin/arbius-tui --rehearse $(ARGS)

# ARGS narrows it down: make test ARGS="tests/domain -x"
test: setup
	@$(PY) -m pytest -n 2 --dist worksteal $(ARGS)

check: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy arbius_tui bench tests/parts.py tests/conftest.py tests/test_architecture.py
	@.venv/bin/lint-imports

format: setup
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

bench: setup
	@$(PY) -m bench $(ARGS)

pictures: setup
	@$(PY) -m bench.pictures

# The only place where uv is used: it resolves for every platform and Python at once. Review the diff before committing it.
# `make lock` keeps what is locked; `make lock UPGRADE=--upgrade` takes the newest versions that pyproject.toml allows.
lock: setup
	@test -x .venv-lock/bin/uv || { $(PY) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv; }
	$(UV_LOCK) $(UPGRADE) -o requirements.lock
	$(UV_LOCK) $(UPGRADE) --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .venv-lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist snapshot_report.html
	find arbius_tui tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

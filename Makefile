# Thin: a target is a few commands that can be typed by hand. On Windows, which has no make, the README gives them.
SHELL := /bin/sh
PYTEST := .venv/bin/python -m pytest --nbval --nbval-current-env
CHROMIUM := { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null
.DEFAULT_GOAL := help
.PHONY: help study test build homework slides lint test-browser test-real test-gpu room-kit test-room-kit ready

help:  ## this list
	@awk -F ' *## ' '/^[a-z-]+:.*## / { sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2 }' Makefile

study:  ## install what is missing and open the chapters in JupyterLab (ARGS=--no-browser passes through)
	@bash tools/setup.sh study
	@.venv/bin/course study $(ARGS)

test: lint  ## install what is missing, check style and types, run every test and every notebook (some minutes)
	.venv/bin/python -m tools.build --check
	.venv/bin/python -m tools.homework --check
	@$(CHROMIUM) || echo "No Chromium is here: the browser tests are skipped; make test-browser installs it."
	$(PYTEST) -n 2 --dist loadfile --nbval-cell-timeout=120 --cov=course_utils $(ARGS)

build: ready  ## execute the chapters whose source changed (ARGS=06_lenet_digits for one)
	.venv/bin/python -m tools.build $(ARGS)

homework: ready  ## write the homework notebooks whose sources changed, solutions left out
	.venv/bin/python -m tools.homework $(ARGS)

slides: ready  ## a chapter as slides that need no network, and as PDF (ARGS=03)
	@.venv/bin/course slides --pdf $(ARGS)

lint: ready  ## style and types
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m mypy

test-browser: ready  ## demos and JupyterLab in Chromium, which it installs for root on Debian (two minutes)
	@$(CHROMIUM) || { [ "$$(id -u)" = 0 ] && apt-get install -y chromium; } || \
	  { echo "Chromium is missing: install it, on Debian as root with: apt-get install chromium." >&2; exit 1; }
	$(PYTEST) tests/test_browser.py tests/test_browser_lab.py $(ARGS)

test-real: ready  ## chapter 06 at full length on the real MNIST (some minutes)
	@.venv/bin/course data verify mnist
	COURSE_DATA=real COURSE_PROFILE=full $(PYTEST) --nbval-cell-timeout=1200 notebooks/06_lenet_digits.ipynb

test-gpu: ready  ## every notebook on the first CUDA device (unproven: no CUDA device was to be had)
	@COURSE_DEVICE=gpu:0 .venv/bin/course doctor --brief
	COURSE_DEVICE=gpu:0 $(PYTEST) --nbval-cell-timeout=600 notebooks

room-kit: ready  ## one folder from which a room of laptops installs without a network (ARGS=FOLDER)
	@.venv/bin/python -m tools.room_kit $(ARGS)

test-room-kit: ready  ## the same, and an installation from it with the network off
	@.venv/bin/python -m tools.room_kit --try $(ARGS)

ready:
	@bash tools/setup.sh author

# Linux, Python 3.11 and git are all that is needed; everything else comes into .venv.
PYTHON ?= python3.11
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# DVC reports anonymous usage over the network unless told not to.
export DVC_NO_ANALYTICS := 1

.PHONY: help repro test lint smoke rehearse lock clean machine

help:            ## list these targets
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

repro: machine .venv/ready   ## set up, then run the default pipeline
	dvc repro

test: machine .venv/ready    ## set up, then run the tests, a file at a time on each of two cores
	pytest -n 2 --dist loadfile

lint: machine .venv/ready    ## ruff and type checks
	ruff check . && ruff format --check . && basedpyright

smoke: machine .venv/ready   ## run the default pipeline scaled down, in a copy; then prove it idle
	bash tests/smoke.sh

rehearse: machine .venv/ready .venv-vllm/ready   ## run the prize's profile made small, from a hub on loopback to a report
	python -m tests.rehearse

.venv-vllm/ready: .ci/vllm.sh
	bash .ci/vllm.sh

lock: machine .venv/ready    ## write requirements.lock anew from what .venv holds
	pip freeze --exclude-editable --exclude pip --exclude setuptools | sed 's/+cpu$$//' > requirements.lock

clean:           ## remove the environment
	rm -rf .venv

machine:
	@[ "$$(uname -s)" = Linux ] || { echo "error: numina needs Linux, and this is $$(uname -s): its \
	sandbox needs namespaces, Landlock and seccomp. On Windows use WSL2; on a Mac, a Linux \
	machine." >&2; exit 1; }
	@command -v git >/dev/null || { echo "error: git is not installed, and DVC needs it" >&2; exit 1; }

.venv/ready: requirements.lock pyproject.toml | machine
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	echo "error: $(PYTHON) is not Python 3.11; make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet pip==25.3 setuptools==80.9.0
	.venv/bin/python -m pip install --quiet -r requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

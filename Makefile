# One word per habit. Every target works on a fresh clone: the environment is made when it is not there.
# Needs Python 3.11 or newer; `engines` (and so `test`) also gcc and cmake. ARGS= passes options on: make matrix ARGS='--json out.json'

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python .venv -c constraints.txt
OURS := -e . -e adapters/llamacpp -e adapters/mlx -e adapters/ollama -e adapters/lmstudio
ARGS ?=

.PHONY: matrix engines test lint fix bench docs browser timelines twins clips clean
.DELETE_ON_ERROR:

matrix: .venv/light
	$(BIN)/runtimeprobe matrix --store matrix $(ARGS)

engines: .venv/engines

test: .venv/engines browser
	$(BIN)/python -m pytest $(ARGS)

# A headless Chromium and axe-core for the tests of the site, into .cache/ (70 MB). Without them those tests are skipped, and say so.
browser: .venv/tools
	-$(BIN)/python -m tests.publish.browser.fetch

lint: .venv/light .venv/tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(ARGS)

fix: .venv/tools
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/engines
	$(BIN)/python -m bench $(ARGS)

# The real table of this machine into matrix/ and the README, and the last figures.
docs: .venv/engines browser
	$(BIN)/runtimeprobe matrix --store matrix
	$(BIN)/python -m bench.readme
	$(BIN)/runtimeprobe publish site
	$(BIN)/python -m tests.publish.browser.shot site docs/site.png

# Measures the releases of every engine that the package index holds (llama-cpp-python builds half a dozen of them: an hour).
TIMELINES := xllamacpp mlx-vlm mlx-lm llama-cpp-python
timelines: .venv/engines
	mkdir -p matrix/timelines
	for engine in $(TIMELINES); do $(BIN)/runtimeprobe timeline $$engine --json matrix/timelines/$$engine.json || exit 1; done
	$(BIN)/python -m bench.readme

# Trains the twins again (an hour or two on two cores; needs espeak-ng), then exports and packs them.
twins: .venv/training
	.venv/training/bin/python -m runtimeprobe.twins.recipe.make $(ARGS)

# Speaks the clips of audio_samples/ again (needs espeak-ng).
clips: .venv/light
	$(BIN)/python -m runtimeprobe.audio.recipe

clean:
	rm -rf .venv

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit("runtimeprobe needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	touch $@

# core, adapters and the prebuilt engine: no compiler
.venv/light: .venv/python pyproject.toml constraints.txt
	$(INSTALL) $(OURS) xllamacpp
	touch $@

.venv/tools: .venv/python pyproject.toml constraints.txt
	$(INSTALL) -e '.[dev]'
	touch $@

# every engine that runs on this platform; llama-cpp-python is built from source (5 to 10 minutes)
.venv/engines: .venv/light .venv/tools
	$(INSTALL) llama-cpp-python mlx-lm mlx-vlm 'mlx[cpu]; sys_platform == "linux"' 'mlx; sys_platform == "darwin"'
	touch $@

.venv/training: .venv/python
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet -c constraints.txt -e . torch transformers safetensors

# Two commands do all the set-up: `make quickstart` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
TRAIN  := .venv-train
LLAMA  := .venv-llamafactory
DIST   := .venv-dist
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

# The tests start hundreds of processes, and without bytecode each of them compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quickstart test fast-tests test-slow test-realmodel test-integration dist-test docs check format crash-test clean help \
        real-model example-real notebook proof \
        bench bench-society bench-memory bench-rows bench-reading bench-export bench-report

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

quickstart: $(VENV)/.installed ## install scai, run the quickstart experiment, show the run and its system message
	@id=$$($(BIN)/scai run configs/quickstart.yaml) && echo && $(BIN)/scai show $$id && \
	  echo && echo "The system message, to paste into any chatbot:" && echo && $(BIN)/scai export $$id --format system && \
	  echo && echo "Next steps:" && \
	  printf '  %-38s %s\n' "source $(BIN)/activate" "makes the command \`scai\`" \
	    "scai view" "shows all runs in a browser" \
	    "scai init my-study" "copies the experiments to a folder of yours"

test: $(VENV)/.installed-dev ## the checks and the fast tests (under 3 minutes on two cores)
	@$(MAKE) --no-print-directory -j2 check fast-tests

fast-tests:
	@$(BIN)/python -m pytest -q -n auto -m "not slow and not server and not oracle and not browser and not integration and not realmodel"

test-slow: $(VENV)/.installed-slow $(VENV)/.chromium ## the slow tests: pages of docs, a real model server, a real browser, independent libraries as oracles
	@$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "slow or server or oracle or browser"

test-realmodel: $(VENV)/.installed-server ## a run, rows, a chat and an export with a small trained model, on this machine
	@$(BIN)/python tests/support/real_model.py --fetch-only
	@$(BIN)/python -m pytest -q -m realmodel

test-integration: $(TRAIN)/.installed $(LLAMA)/.installed ## what scai writes, read, trained on and evaluated by datasets, TRL, LLaMA-Factory and inspect_ai; models of transformers and LangChain; sweeps on Ray; observers for wandb and mlflow
	@$(TRAIN)/bin/python tests/support/real_model.py --fetch-only
	@$(TRAIN)/bin/python -m pytest -q -m integration tests/datasets/test_trainers.py tests/datasets/test_llama_factory.py tests/datasets/test_hub_upload.py \
	  tests/jobs/test_serve_inspect.py tests/jobs/test_sweep_ray.py tests/jobs/test_observers_logged.py tests/models/test_langchain.py tests/models/test_huggingface.py \
	  tests/benchmarks/test_proof.py

dist-test: $(DIST)/.installed ## build the wheel and try it in an empty environment of each Python from 3.11 on
	@$(DIST)/bin/python tests/support/distribution.py

docs: $(VENV)/.installed-docs ## the documentation as a web site in docs/_build/html; a warning is an error
	@$(BIN)/python docs/reference.py
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

crash-test: $(VENV)/.installed-dev ## kill all commands that make calls at 100 random moments, and resume them (KILLS=100 SEED=1 COMMAND=explain)
	@$(BIN)/python tests/support/crash.py --kills $(or $(KILLS),100) --seed $(or $(SEED),1) $(if $(COMMAND),--command "$(COMMAND)")

real-model: $(VENV)/.installed-server ## serve a small trained model on http://127.0.0.1:8081/v1 (it downloads 93 MB once)
	@$(BIN)/python tests/support/real_model.py --port 8081

example-real: $(VENV)/.installed-server ## run examples/small-model.yaml and keep its folder as examples/real
	@$(BIN)/python tests/support/make_example_real.py

notebook: $(VENV)/.installed-slow ## execute examples/quickstart.ipynb again and keep its outputs
	@$(BIN)/python tests/support/make_notebook.py

proof: $(TRAIN)/.installed ## does a trained model keep the rules on new tasks? run, generate, export, train, evaluate
	@file=$$($(TRAIN)/bin/python tests/support/real_model.py --fetch-only) && \
	  $(TRAIN)/bin/python -m benchmarks.proof $$(dirname $$file) --gguf $$(basename $$file) $(ARGS)

bench-memory: $(VENV)/.installed-dev ## peak memory and pace of a run of 200,000 calls, and of its resume
	@$(BIN)/python benchmarks/memory.py --calls $(or $(CALLS),200000)

bench-rows: $(VENV)/.installed-dev ## peak memory and pace of generating 20,000 rows, and of a resume
	@$(BIN)/python benchmarks/rows.py --rows $(or $(ROWS),20000)

bench-reading: $(VENV)/.installed-dev ## how fast and in how much memory a large run is read (EVENTS=100000)
	@$(BIN)/python benchmarks/reading.py --events $(or $(EVENTS),100000)

bench-export: $(VENV)/.installed-dev ## how fast and in how much memory a million rows are exported, beside plain json
	@$(BIN)/python benchmarks/export.py $(ARGS)

bench-report: $(VENV)/.installed-dev ## the page about a run of 100,000 events
	@$(BIN)/python benchmarks/reporting.py $(ARGS)

check: $(VENV)/.installed-dev ## ruff, mypy, and a search for unclear words in help, docstrings, messages and docs
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/python tests/support/plain_english.py

format: $(VENV)/.installed-dev ## format the code
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

clean: ## remove what make made
	rm -rf $(VENV) $(TRAIN) $(LLAMA) $(DIST) .venv-bench .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "scai needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Creating $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

# Measured with Python 3.11 and an empty pip cache: 46 packages, 67 MB of wheels; 21 s on two quiet cores, 56 s on busy ones.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing scai and the 46 packages it needs into $(VENV): about 70 MB to download, 300 MB on disk."
	@echo "This takes half a minute to a minute on a fast connection. The next \`make quickstart\` starts at once."
	@start=$$(date +%s); $(PIP) install -e '.[report]' && echo "Installed in $$(($$(date +%s) - start)) seconds."
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing scai and what its tests need into $(VENV) ..."
	@$(PIP) install -e '.[dev,data,excel,report]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-slow: $(VENV)/.installed-dev
	@echo "Installing a small model server and independent libraries into $(VENV) ..."
	@$(PIP) install -e '.[dev,data,excel,report,notebook,docs,oracles,server]'
	@touch $@

$(VENV)/.installed-server: $(VENV)/.installed-dev
	@echo "Installing a model server into $(VENV) ..."
	@$(PIP) install -e '.[dev,data,excel,report,server]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	@$(PIP) install -e '.[docs]'
	@touch $@

$(VENV)/.chromium: $(VENV)/.installed-dev
	@command -v chromium > /dev/null || { echo "Installing Chromium ..."; \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -qq -y --no-install-recommends chromium; }
	@$(PIP) install 'playwright>=1.50' 'axe-playwright-python>=0.1.8'
	@touch $@

# torch first and by its version, which is a CPU build: whatever asks for it unversioned may bring gigabytes of CUDA.
$(TRAIN)/.installed: pyproject.toml
	@echo "Installing trainers, a harness, transformers, LangChain, Ray, wandb and mlflow into $(TRAIN) ..."
	@$(PYTHON) -m venv $(TRAIN)
	@$(TRAIN)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(TRAIN)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,data,hf,langchain,ray]' \
	  'trl>=1.16' 'inspect_ai>=0.3.285' 'langchain-openai>=1.0' 'wandb>=0.31' 'mlflow-skinny>=3.17' alembic sqlalchemy
	@touch $@

# Without the packages of its web pages, for sound and for video: with all of them it is 6.6 GB, CUDA's libraries included.
$(LLAMA)/.installed:
	@echo "Installing LLaMA-Factory into $(LLAMA): 1.6 GB on disk ..."
	@$(PYTHON) -m venv $(LLAMA)
	@$(LLAMA)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(LLAMA)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.6.0 \
	  datasets==4.0.0 peft==0.18.1 trl==0.24.0 accelerate==1.11.0 'av<=16.0.0' einops omegaconf sentencepiece tiktoken
	@$(LLAMA)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps llamafactory==0.9.5
	@touch $@

$(DIST)/.installed:
	@$(PYTHON) -m venv $(DIST)
	@$(DIST)/bin/python -m pip install --quiet --disable-pip-version-check 'build>=1.2'
	@touch $@

BENCH := .venv-bench

bench: $(VENV)/.installed-dev $(BENCH)/.installed ## measure scai beside its peers; fills docs/benchmarks.md
	@$(BIN)/python benchmarks/bench.py --peers $(BENCH)/bin/python $(ARGS)
	@$(BIN)/python benchmarks/layers.py

$(BENCH)/.installed: benchmarks/peers.txt
	@echo "Installing the peers into $(BENCH) ..."
	@$(PYTHON) -m venv $(BENCH) && $(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench-society: $(VENV)/.installed-dev ## the regret of every strategy and acceptance rule; fills docs/benchmarks.md
	@$(BIN)/python -m benchmarks.regret $(ARGS)

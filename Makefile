# The house's commands. Every target that needs Python depends on the environment in .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: $(STAMP) ## Make the environment in .venv (does nothing when it is up to date)

KERNEL := $(wildcard streams/kernel/*.c streams/kernel/*.h models/kernel/*.c)

$(STAMP): requirements.lock pyproject.toml sender/pyproject.toml $(KERNEL)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "winback needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 || true)" >&2; \
	  echo "Install one, then: make install PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments (no module venv or ensurepip)." >&2; \
	  echo "On Debian and Ubuntu: apt-get install python3-venv, then make install again." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/compiler.lock \
	  || echo "There is no C compiler to be had, so Python does all the work, and takes twice the time." >&2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e ./sender -e .
	@touch $@

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-emit-package winback-sender --no-annotate --quiet \
  --custom-compile-command "make lock"

.PHONY: lock
lock: install ## Resolve the dependencies anew: hashes, no hosts
	$(LOCK) pyproject.toml --upgrade --all-extras -o requirements.lock
	$(LOCK) pyproject.toml --extra console --constraint requirements.lock -o deploy/requirements.lock
	$(LOCK) sender/pyproject.toml --constraint requirements.lock -o sender/requirements.lock
	$(LOCK) benchmarks/peers/requirements.in --upgrade -o benchmarks/peers/requirements.lock
	$(LOCK) --group compiler --upgrade -o deploy/compiler.lock
	$(LOCK) --group build --constraint requirements.lock --constraint deploy/compiler.lock -o deploy/build.lock

.PHONY: format
format: install ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: lint
lint: install ## Linter and formatter, without changing anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: install ## Types, strictly
	$(BIN)/mypy

.PHONY: imports
imports: install ## The arrows between the rooms
	$(BIN)/lint-imports

PEERS := build/peers

$(PEERS)/.installed: benchmarks/peers/requirements.lock $(STAMP)
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@# Behind their own packages they find ours, for they run the same core.
	@{ $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; pwd; echo "$$PWD/sender"; } \
	  > $$($(PEERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/winback.pth
	@touch $@

.PHONY: peers
peers: $(PEERS)/.installed ## Quix Streams and Bytewax, whom winback is compared with, in build/peers

.PHONY: kustomize
kustomize: ## What puts overlays of Kubernetes together: kubectl, kustomize, or one built by Go, here or Debian's
	@{ command -v kubectl || command -v kustomize || test -x build/bin/kustomize; } >/dev/null || { \
	  export PATH="$$PATH:$$PWD/build/go/bin" GOBIN="$$PWD/build/bin" CGO_ENABLED=0; \
	  { command -v go >/dev/null || ( mkdir -p build/go && cd build/go \
	    && { apt-cache show golang-go >/dev/null 2>&1 || apt-get update -qq; } \
	    && release=$$(apt-cache depends golang-go | grep -om1 'golang-1[.0-9]*') \
	    && apt-get download -qq "$$release-go" "$$release-src" 2>/dev/null \
	    && for package in ./*.deb; do dpkg -x "$$package" .; done && ln -sfn "usr/lib/$${release/golang/go}/bin" bin ); } \
	  && go install sigs.k8s.io/kustomize/kustomize/v5@v5.0.3; } || { \
	  echo "Tests of deploy/kubernetes need kubectl or kustomize on the PATH, or Go to build the latter." >&2; exit 3; }

PROMETHEUS := build/prometheus

.PHONY: prometheus
prometheus: ## Prometheus and promtool: those on the PATH, or Debian's package, unpacked in build
	@{ command -v promtool && command -v prometheus || test -x $(PROMETHEUS)/usr/bin/promtool; } >/dev/null || { \
	  mkdir -p $(PROMETHEUS) && cd $(PROMETHEUS) && rm -f ./*.deb \
	  && { apt-get download -qq prometheus 2>/dev/null \
	    || { apt-get update -qq && apt-get download -qq prometheus; }; } \
	  && dpkg -x prometheus_*.deb .; } || { \
	  echo "Tests of deploy/prometheus need promtool and prometheus on the PATH: apt-get install prometheus." >&2; exit 3; }

.PHONY: browser
browser: ## Chromium, and a font for Chinese, of Debian: for the tests of pages
	@{ command -v chromium || command -v chromium-browser; } >/dev/null || { \
	  sudo=$$(test "$$(id -u)" = 0 || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } || { \
	  echo "Tests of the console need a browser: apt-get install chromium fonts-noto-cjk." >&2; exit 3; }

.PHONY: test
test: install peers kustomize prometheus browser ## All tests, on a real Kafka (TESTS='tests/unit -k name' for some)
ifdef TESTS
	$(BIN)/python -m pytest $(TESTS)
else
	$(BIN)/python -m pytest -n auto --dist worksteal tests/unit tests/simulation tests/deterministic tests/fuzz
	WINBACK_NATIVE=off $(BIN)/python -m pytest -n auto --dist worksteal tests/unit/core/test_partition.py tests/unit/core/test_runs.py tests/unit/golden tests/unit/models/test_river.py
	$(BIN)/python -m pytest -n auto --dist loadfile tests/quality tests/integration tests/chaos
endif

PARSER := build/asyncapi-parser

$(PARSER)/.installed: $(wildcard deploy/asyncapi-parser/*) deploy/asyncapi-parser/.npmrc $(STAMP)
	@mkdir -p $(PARSER) && cp -a deploy/asyncapi-parser/. $(PARSER)
	@$(BIN)/npm ci --prefix $(PARSER) --loglevel=error || { \
	  echo "The AsyncAPI parser could not be fetched from the npm registry (npm says why, above)." >&2; \
	  echo "It is needed once, later it lies in $(PARSER). Behind a mirror: npm config set registry URL" >&2; exit 3; }
	@touch $@

.PHONY: contracts
contracts: install $(PARSER)/.installed ## Messages: nobody is left behind, and AsyncAPI's own parser agrees
	$(BIN)/winback contracts check
	$(BIN)/node $(PARSER)/validate.mjs deploy/asyncapi.yaml

.PHONY: check
check: lint types imports contracts test ## What CI runs

.PHONY: audit
audit: install ## What we are made of: hashes, bill of materials, known vulnerabilities (needs api.osv.dev)
	$(BIN)/python -m pytest -q tests/unit/house/test_supply_chain.py
	$(BIN)/python -m tests.supply_chain sbom
	$(BIN)/python -m tests.supply_chain audit

.PHONY: bench
bench: install peers ## Measure: beside floors and peers; latency, restore, memory, detection (2 h on 2 quiet cores)
	$(BIN)/python -m benchmarks.compare
	$(BIN)/python -m benchmarks.command_line
	$(BIN)/python -m benchmarks.core_stages
	$(BIN)/python -m benchmarks.intake
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.model_cost
	$(BIN)/python -m benchmarks.router
	$(BIN)/python -m benchmarks.scrape
	$(BIN)/python -m benchmarks.failover
	$(BIN)/python -m benchmarks.sender
	$(BIN)/python -m benchmarks.quality.detection 'cj-*' 'cdnow-*'
	$(BIN)/python -m benchmarks.figures

.PHONY: bench-table
bench-table: install ## Write the table of the comparison into the READMEs, from build/figures
	$(BIN)/python -m benchmarks.compare.page

.PHONY: prove
prove: install ## All long proofs, one after the other (an hour each at most; again: goes on)
	@failed=0; \
	for proof in $$($(BIN)/python -m benchmarks.prove --list | awk '{print $$2}'); do \
	  $(MAKE) --no-print-directory $$proof || failed=1; done; \
	$(BIN)/python -m benchmarks.figures $(if $(JSON),--json) || failed=1; exit $$failed

prove-%: install ## One of them: chaos, worlds, fuzz, soak, … (make prove-list)
	$(if $(filter list,$*),$(BIN)/python -m benchmarks.prove --list,$(BIN)/python -m benchmarks.prove $*)

.PHONY: demo
demo: install ## See it all in two minutes: a year of purchases, a worker killed on the way
	@$(BIN)/winback demo

.PHONY: docs
docs: install ## Write the docs that are generated from the catalogues in code
	$(BIN)/winback settings --markdown > docs/settings.md
	$(BIN)/winback sender settings --markdown > docs/sender-settings.md
	$(BIN)/python -c "from streams.core.lifecycle_page import page; print(page(), end='')" > docs/lifecycle.md
	$(BIN)/python -c "from streams.core.decisions_page import page; print(page(), end='')" > docs/decisions.md
	$(BIN)/python -c "from streams.core.playbooks_page import page; print(page(), end='')" > deploy/playbooks/playbooks.schema.json
	$(BIN)/python -c "from streams.core.rules_page import page; print(page(), end='')" > deploy/rules/rules.schema.json
	$(BIN)/python -c "from winback_sender.law.page import page; print(page(), end='')" > docs/channel-law.md
	$(BIN)/python -c "from winback_sender.templating.templates_schema import page; print(page(), end='')" > deploy/templates/templates.schema.json
	$(BIN)/python -m models.feature_page > docs/features.md
	$(BIN)/python -m streams.runtime.metrics > docs/metrics.md
	$(BIN)/python -m streams.runtime.limits_page > docs/limits.md
	$(BIN)/python -m winback_sender.engine.metrics > docs/sender-metrics.md
	$(BIN)/python -m winback_sender.schema_files
	$(BIN)/python -m streams.runtime.asyncapi > deploy/asyncapi.yaml
	$(BIN)/python -m streams.runtime.erasure.page docs/erasure.md
	$(BIN)/python -m streams.runtime.acl_page > docs/acls.md
	$(BIN)/python -m benchmarks.scale_page > docs/scale.md
	$(BIN)/python -m deploy.grafana.source

.PHONY: clean
clean: ## Remove what the targets above have made, the environment too
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

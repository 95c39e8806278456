# The two commands most people need: make demo, make test. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh

SWIFT_FORMAT_PATHS := Package.swift Sources Tests agent coordinator

.PHONY: help
help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install the Debian packages needed, quietly skipping what is there.
	@deploy/local/deps.sh all

.PHONY: build
build: ## Debug build of everything.
	@deploy/local/deps.sh build
	swift build

.PHONY: lint
lint: ## swift format, strict.
	swift format lint --strict --parallel --recursive --configuration .swift-format $(SWIFT_FORMAT_PATHS)

.PHONY: format
format: ## Rewrite the sources in the project's format.
	swift format format --in-place --parallel --recursive --configuration .swift-format $(SWIFT_FORMAT_PATHS)

# Suites that start real processes and judge their timing run one after another; all others run side by side.
LIVE := CurlHTTPTests|ClusterWatchTests|TokenAccessTests|NotificationTests|ActuatorProbeTests|PostgresProbeTests|PodProbeTests|ProbingTests|CheckProbeTests|PrometheusProbeTests|LogProbeTests|HostProbeTests|TocsinCLITests|LinkTests|CoordinatorAppTests|BlackBoxTests

.PHONY: test
test: deps lint ## Install what is missing, build once, run all tests against real PostgreSQL, a real JVM and real TLS.
	swift build --build-tests
	swift test --skip-build --skip '^($(LIVE))\.'
	Tests/Support/live.sh '$(LIVE)'

.PHONY: test-pg-versions
test-pg-versions: deps ## The PostgreSQL probe's tests on server versions 14, 16, 17 and 18, from Python wheels.
	swift build --build-tests
	deploy/local/pg-versions.sh

.PHONY: simulate
simulate: ## Virtual days of incidents from seeds, optimised: SEEDS=1000, or one again with SEED=17.
	TOCSIN_ONLY=SimulationTests swift build -c release --build-tests --scratch-path .build/simulate
	TOCSIN_ONLY=SimulationTests TOCSIN_SIMULATION_SEEDS=$(or $(SEEDS),1000) $(if $(SEED),TOCSIN_SIMULATION_SEED=$(SEED)) \
	    swift test -c release --skip-build --scratch-path .build/simulate --filter '^SimulationTests\.'

.PHONY: bench
bench: deps ## Bytes and CPU of codec, wire and ingest against their goals: SEED=7 (eight minutes after the build).
	swift build -c release --product codec-allocations
	swift build -c release --product codec-bench
	swift build -c release --product wire-bench
	swift build -c release --product store-bench
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	@Tests/Benchmarks/run.sh $(or $(SEED),197) $(or $(DATA),../shared)

# The interpreter that has numpy: the user's own, or Debian's with python3-numpy.
NUMPY_PYTHON = $$(python3 -c 'import numpy' 2>/dev/null && echo python3 || echo /usr/bin/python3)

.PHONY: restart-bench
restart-bench: deps ## Start of a coordinator that has a day of 40,000 series: SEED=7 (ten minutes and 4 GB of disk after the build).
	swift build -c release --product store-bench
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	@$(NUMPY_PYTHON) Tests/Benchmarks/restart.py $(or $(SEED),197) $(or $(DATA),../shared) --binaries "$$(swift build -c release --show-bin-path)" $(ARGS)

.PHONY: bench-peers
bench-peers: deps-peers ## VictoriaMetrics and Prometheus from Debian on the data of `make bench`, same SEED (an hour; see docs).
	@cd Tests/Benchmarks && $(NUMPY_PYTHON) -m unittest -q peerbench.test_remote_write
	@$(NUMPY_PYTHON) Tests/Benchmarks/peers.py $(or $(SEED),197) $(or $(DATA),../shared) $(ARGS)

.PHONY: page-bench
page-bench: deps-peers ## Fault to page beside Prometheus and Alertmanager from Debian, at 10 s: ARGS="--phases 12" (a quarter of an hour).
	swift build -c release --product tocsin-agent
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	@python3 Tests/Benchmarks/page_peers.py --binaries "$$(swift build -c release --show-bin-path)" $(ARGS)

.PHONY: deps-peers
deps-peers:
	@deploy/local/deps.sh peers

.PHONY: chaos
chaos: deps ## 200 rounds of kill -9 of coordinator or agent under load: ROUNDS=200 SEED=7 (about ten minutes after the build).
	swift build --build-tests
	TOCSIN_CHAOS_ROUNDS=$(or $(ROUNDS),200) TOCSIN_CHAOS_SEED=$(or $(SEED),1) swift test --skip-build --no-parallel --filter '^BlackBoxTests.ChaosTests'

.PHONY: fuzz
fuzz: deps ## Every parser of foreign bytes under libFuzzer: SECONDS=60 each, or one with TARGET=KubeletFuzz.
	@Tests/Fuzz/run.sh $(or $(TARGET),all) $(or $(SECONDS),60)

.PHONY: detect-bench
detect-bench: ## Detectors on generated incidents, a simulated month, labelled recordings: SEED=7 (figures go to .build/bench/results.json).
	TOCSIN_ONLY=detect-bench swift build -c release --product detect-bench --scratch-path .build/detect
	@.build/detect/release/detect-bench --seed $(or $(SEED),1) --recordings $(or $(DATA),../shared)/detect

.PHONY: detect-seeds
detect-seeds: ## The scenarios over many seeds as a table, fault by fault: SEEDS=5001-5030 (four seconds a seed).
	TOCSIN_ONLY=detect-bench swift build -c release --product detect-bench --scratch-path .build/detect
	@.build/detect/release/detect-bench --seeds $(or $(SEEDS),1-30)

.PHONY: replay-bench
replay-bench: ## Cells of a simulated day through their store and back, as a week of 200 workloads: DAYS=1 (figures go to .build/bench/results.json).
	TOCSIN_ONLY=replay-bench swift build -c release --product replay-bench --scratch-path .build/detect
	@.build/detect/release/replay-bench --days $(or $(DAYS),1)

.PHONY: log-bench
log-bench: ## How fast logs are read, and the memory of it (figures go to .build/bench/results.json).
	TOCSIN_ONLY=log-bench swift build -c release --product log-bench --scratch-path .build/log-bench
	@.build/log-bench/release/log-bench --megabytes $(or $(MEGABYTES),256)

.PHONY: detect-plots
detect-plots: ## The pictures and the table of docs/detection.md, from ../shared/detect and the scenarios.
	TOCSIN_ONLY=detect-plots swift build -c release --product detect-plots --scratch-path .build/detect
	@.build/detect/release/detect-plots docs/images --recordings $(or $(DATA),../shared)/detect

.PHONY: incident-bench
incident-bench: ## Incident events folded a second (figures go to .build/bench/results.json).
	swift build -c release --product incident-bench
	@"$$(swift build -c release --show-bin-path)/incident-bench"

.PHONY: demo
demo: deps ## The main job on real targets: seven faults, their incidents, their recoveries. Under four minutes after the build.
	swift build -c release --product tocsin-agent
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	swift build -c release --product tocsin-demo
	@"$$(swift build -c release --show-bin-path)/tocsin-demo"

.PHONY: footprint
footprint: deps ## Memory and CPU of the release agent over five minutes at 10 s: ARGS="--actuators 10 --whole-node".
	swift build -c release --product tocsin-agent
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	swift build -c release --product tocsin-demo
	@"$$(swift build -c release --show-bin-path)/tocsin-demo" --footprint $(ARGS)

.PHONY: footprint-peers
footprint-peers: deps deps-peers ## The same targets by exporters and vmagent from Debian, beside ours in the same five minutes.
	swift build -c release --product tocsin-agent
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	swift build -c release --product tocsin-demo
	@python3 Tests/Benchmarks/footprint_peers.py $(or $(DATA),../shared) --binaries "$$(swift build -c release --show-bin-path)" $(ARGS)

.PHONY: run
run: ## Coordinator and agent for your own targets, from deploy/local/*.yaml.
	@deploy/local/deps.sh build
	swift build -c release --product tocsin-agent
	swift build -c release --product tocsin-coordinator
	swift build -c release --product tocsin
	@deploy/local/run.sh "$$(swift build -c release --show-bin-path)"

.PHONY: dist
dist: deps ## Stripped tarballs of the three programs in dist/, each started in a bare root (a quarter of an hour).
	@deploy/release/dist.sh

.PHONY: proto
proto: ## Regenerate proto/Generated from proto/tocsin/v1.
	proto/generate.sh

.PHONY: clean
clean: ## Remove all build products.
	rm -rf .build

# The short names of the few things one does here.

.PHONY: help run test chaos soak conformance check bench bench-scale bench-people bench-timing bench-micro fuzz docs

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

run: ## the provider and two sample apps on localhost, nothing to set up
	cargo run -- demo

# Integration tests wait most of the time, so two run at once for each processor.
AT_ONCE := $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
# All the other tests.
OTHERS := $(patsubst tests/%.rs,--test %,$(wildcard tests/*.rs)) \
	$(patsubst tests/%/main.rs,--test %,$(filter-out tests/it/% tests/browser/%,$(wildcard tests/*/main.rs)))

test: ## every test: installs what they need when it can, then runs them all
	scripts/test-setup
	cargo test --lib --bins $(OTHERS)
	scripts/browser-tests
	scripts/integration-tests $(AT_ONCE)

# How often each of the servers is killed, and each node restarted.
CHAOS_KILLS ?= 100
CHAOS_RESTARTS ?= 20

chaos: ## the fault rig for long: kills, cuts and restarts under load; prints what recovery took
	CHAOS_KILLS=$(CHAOS_KILLS) CHAOS_RESTARTS=$(CHAOS_RESTARTS) \
		cargo test --test chaos -- --test-threads=1 --nocapture

# Days that people and apps come and go.
SOAK_DAYS ?= 200

soak: ## days and days of use: no table and no fast store grows
	SOAK_DAYS=$(SOAK_DAYS) cargo test --test it -- running::soak --nocapture

conformance: ## the certification plans row by row: runs their tests, writes docs/conformance.md
	scripts/conformance

check: ## formatting and lints, as CI checks them
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

# Options of the load harness, such as --production or --quick; `make bench ARGS=--help` lists them.
ARGS ?=

bench: ## the load harness: requests per second on one core (docs/benchmarks.md)
	cargo bench --bench load -- $(ARGS)

bench-scale: ## does an operation cost more when there is more of everything? (docs/scaling.md)
	cargo bench --bench load -- --scale $(ARGS)

PEOPLE ?= 100000

bench-people: ## everybody imported, backed up, restored, copied and applied, killed on the way
	cargo bench --bench people -- $(PEOPLE)

bench-timing: ## does the time of a refused sign-in tell why it was refused?
	cargo bench --bench load -- --timing $(ARGS)

bench-micro: ## microbenchmarks of the parts that only compute
	cargo bench --bench micro -- $(ARGS)

# Seconds for each fuzz target.
FUZZ_SECONDS ?= 60

fuzz: ## every fuzz target for FUZZ_SECONDS (needs cargo-fuzz and a nightly toolchain)
	@for target in $$(cargo +nightly fuzz list); do \
		mkdir -p fuzz/corpus/$$target; \
		cargo +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

docs: ## the API documentation of the library
	cargo doc --no-deps --document-private-items

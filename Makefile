.DEFAULT_GOAL := help
.PHONY: help demo test faults bench fmt postgres pgbouncer

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: postgres ## Build shardq and show it at work on a throwaway Postgres
	cargo run --release --locked --quiet -- demo

test: postgres pgbouncer ## Check the formatting, lint, and run every test
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo test --locked

faults: postgres ## Break connections, servers and files at random, and count what comes of it
	FAULTS=full cargo test --locked --test faults -- --test-threads=1 --nocapture

bench: postgres ## Measure against psql, and write docs/benchmarks.md
	cargo bench --locked --bench versus_psql

fmt: ## Format the code
	cargo fmt

postgres:
	@scripts/ensure-postgres.sh

pgbouncer:
	@scripts/ensure-pgbouncer.sh

# Names for the sequences we type; plain `cargo` and `npm` work everywhere without it. CI runs `make test`.
export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin
# Node carries its own list of certificate authorities; let it trust what the machine trusts.
export NODE_EXTRA_CA_CERTS ?= /etc/ssl/certs/ca-certificates.crt
# Where cargo builds, and the laboratory reports.
LAB := $(or $(CARGO_TARGET_DIR),target)
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup web build run check test contract browser sdk sdk-dependencies fuzz fuzz-api bench steps lab loadtest smoke

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing on this machine for building and running
	@.ci/setup build

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

sdk/js/node_modules/.package-lock.json: sdk/js/package.json sdk/js/package-lock.json
	cd sdk/js && npm ci --no-audit --no-fund
	@touch $@

sdk/generate/node_modules/.package-lock.json: sdk/generate/package.json sdk/generate/package-lock.json
	cd sdk/generate && npm ci --no-audit --no-fund
	@touch $@

# The browser test drives Chromium with what the web client's tests have.
sdk-dependencies: web/node_modules/.package-lock.json sdk/js/node_modules/.package-lock.json sdk/generate/node_modules/.package-lock.json

web: web/node_modules/.package-lock.json ## build the web client that `plenum` carries
	cd web && npm run build

build: setup ## build everything in release
	@$(MAKE) --no-print-directory web
	cargo build --release --locked -p plenum-sfu -p plenum-control

run: build ## build and start a demo: the URL and the logins are printed
	@exec env DATA_DIR="$${DATA_DIR:-./data}" target/release/plenum --demo

check: ## the quick loop: format, clippy, types of the web client
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd web && npm run --silent typecheck && npm run --silent lint

test: ## everything a change must pass, on a machine that has only a Rust toolchain
	@.ci/test

contract: ## which ids of docs/contract no test carries, and which come later and why
	@node .ci/contract.mjs

sdk: ## the SDKs' types and the Postman collection from the API as target/debug (or PLENUM_BIN) describes it
	@node sdk/generate/write.mjs

browser: ## the browser tests alone, against target/debug (or PLENUM_BIN)
	@.ci/test browser

fuzz: ## hostile packets (PACKETS=100000000), random input (CASES=20000), and each fuzz target (FUZZ_SECONDS=60), optimised
	PLENUM_FUZZ_PACKETS=$(or $(PACKETS),100000000) cargo test --release --locked -p plenum-sfu --test engine hostile -- --nocapture
	PROPTEST_CASES=$(or $(CASES),20000) cargo test --release --locked -p plenum-sfu --lib
	PROPTEST_CASES=$(or $(CASES),20000) cargo test --release --locked -p plenum-shared
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) .ci/fuzz

fuzz-api: ## random requests against the API as it describes itself (SECONDS=600 SEED=7), on target/debug or PLENUM_BIN
	@.ci/schemathesis $(or $(SECONDS),60) $(or $(SEED),1)

bench: ## the whole path and the figures that must hold: target/bench.json (ARGS="--people 100"; AB="rev rev" compares two revisions)
ifeq ($(AB),)
	@$(MAKE) --no-print-directory build
	cargo build --release --locked -p plenum-bench
	@target/release/plenum-bench $(ARGS)
else
	cargo build --release --locked -p plenum-bench
	@target/release/plenum-bench ab $(ARGS) $(AB)
endif

steps: ## the benchmarks of every hot step
	cargo bench --locked -p plenum-bench

# The real part comes first and alone: beside the virtual one, which fills every core, its figures would be of that. A test of
# control's brings its program, with the features that the others are built with.
lab: ## the network laboratory, virtual and real: target/lab/index.html and target/lab.json (PLENUM_LAB_SEED=17 for one seed)
	@.ci/setup lab
	@$(MAKE) --no-print-directory web/node_modules/.package-lock.json
	rm -rf $(LAB)/lab $(LAB)/lab.json
	cargo test --workspace --locked --no-run --test lab --test socket_join
	@cargo test --workspace --locked --test lab -- --include-ignored --test-threads=1 real::; real=$$?; \
	  cargo test --workspace --locked --test lab -- --skip real:: && [ $$real = 0 ]; status=$$?; \
	  echo "the report: $(LAB)/lab/index.html"; exit $$status

loadtest: ## bots on a bare media node or a running product (ARGS="livestream --bare --viewers 200 --html report.html")
	cargo build --release --locked -p plenum-sfu -p plenum-loadtest
	@target/release/plenum-loadtest $(or $(ARGS),meeting --bare)

smoke: ## twenty bots in one meeting of the release build, every packet accounted for (ARGS="--bots 40")
	cargo build --release --locked -p plenum-sfu -p plenum-control -p plenum-loadtest
	@node .ci/smoke.mjs $(ARGS)

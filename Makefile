.PHONY: help setup package demo demo-stop test slow test-one unit platforms soak bench bench-documents fuzz check release workflows deny

help:           ## show this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/: *## */:\t/' | expand -t 16

setup:          ## bring up engine, pack, lifecycle, builders and services (idempotent)
	@scripts/setup

package:        ## package the buildpack into packaged/buildpack
	@scripts/package

demo:           ## a page: one visitor, two instances, one session (STORE=memcached, PORT=8080)
	@scripts/demo

demo-stop:      ## remove what the demo started, and list what is left
	@scripts/demo stop

unit:           ## the tests that need no container
	@scripts/test unit

test:           ## unit, property and integration tests
	@scripts/test

slow:           ## the other Debian, waits as users have them, builds done twice, speed
	@scripts/test slow

test-one:       ## one integration test, by its name: NAME=locks::session_reset
	@scripts/setup
	@FAST=1 scripts/package
	cargo test --locked --test integration -- $(NAME)

platforms:      ## kpack, Kubernetes, Cloud Foundry, pack of today
	@scripts/test platforms

soak:           ## the session proxy under load and faults, for MINUTES=60; a line a minute says what happened
	@scripts/setup
	@scripts/package
	@MINUTES=$(or $(MINUTES),60) cargo test --locked --test integration -- --nocapture soak::

bench:          ## measure what docs/performance.md says, and write it (PARTS="speed faults")
	@scripts/bench $(PARTS)

bench-documents: ## write docs/performance.md again, from the figures that are there
	@BENCH_FIGURES=/nonexistent cargo test --quiet --locked --test samples documents_show_the_figures

fuzz:           ## fuzz every parser, for SECONDS=60 each
	@scripts/fuzz $(or $(SECONDS),60)

check:          ## check format and lints
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

release:        ## build a release in packaged/release: VERSION=0.1.0
	@scripts/release $(VERSION)

workflows:      ## check the workflows of GitHub Actions
	@scripts/check-workflows

deny:           ## check licences, bans and sources of the dependencies
	@scripts/deny

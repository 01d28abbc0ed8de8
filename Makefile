# Every target sets up what it needs on a fresh Debian 12 machine, as root.
.PHONY: setup build demo demo-down test soak bench check clean
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

setup: node_modules/.caravela-setup

node_modules/.caravela-setup: package-lock.json scripts/setup.sh
	@scripts/setup.sh
	@touch $@

build: setup
	@node scripts/build.ts

demo: build
	@node scripts/demo.ts up

demo-down:
	@[ -x node_modules/.bin/node ] && node scripts/demo.ts down || echo "nothing to take down: the demo was never set up here"

check: setup
	@node scripts/check.ts

test: build
	@node scripts/check.ts
	@vitest run --project unit
	@vitest run --project e2e

soak: build
	@node scripts/soak.ts

bench: build
	@node bench/run.ts

clean:
	rm -rf dist .cache

# Each target does its own set-up and works as the first command in a fresh checkout.
.DEFAULT_GOAL := help
# Lines about directories, where make runs make, would break a pipe whose reader has gone.
MAKEFLAGS += --no-print-directory
# Exit status of a program whose reader has gone (`make demo | head`): no error.
GONE = 141
.PHONY: help setup demo test test-cluster check fuzz fuzz-decoder bench images lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: ## Debian packages where missing, .venv, the C modules
	@scripts/setup

demo: setup ## a Service moves on a rack; CLUSTER=1: on Kubernetes
	@.venv/bin/python -m lab.demo $(if $(CLUSTER),--cluster) $(ARGS) || { status=$$?; [ $$status -eq $(GONE) ] || exit $$status; }

# What the cluster's tests wait for leaves a processor to the others (tests/conftest.py).
test: setup ## all tests; ARGS="-k name" for some
	@scripts/cluster
	@.venv/bin/python -m pytest -n 2 --no-loadscope-reorder $(ARGS)

test-cluster: setup ## those on real Kubernetes alone
	@scripts/cluster
	@.venv/bin/python -m pytest -m cluster tests/cluster $(ARGS)

fuzz: setup ## made-up input for the XDP program and BGP, a minute each
	@.venv/bin/python -m tests.bpf.fuzz $(ARGS)
	@.venv/bin/python -m tests.native.fuzz $(ARGS)

fuzz-decoder: setup ## a million BGP messages gone wrong; ARGS=10000 for fewer
	@.venv/bin/python -m tests.unit.bgp.fuzz $(ARGS)

check: setup ## format, lint, types, import rules, C builds
	@scripts/check

bench: setup ## measure beside floors; CLUSTER=1: on Kubernetes, too
	@.venv/bin/python -m benchmarks.arp_latency
	@.venv/bin/python -m benchmarks.directory_latency
	@.venv/bin/python -m benchmarks.many_services
	@.venv/bin/python -m benchmarks.bgp_wire
	@.venv/bin/python -m benchmarks.bgp_convergence
ifdef CLUSTER
	@scripts/cluster
	@.venv/bin/python -m benchmarks.service_latency
	@.venv/bin/python -m benchmarks.footprint
	@.venv/bin/python -m benchmarks.failover
endif

images: ## the container images, with docker, podman or buildah
	@scripts/images

lock: ## write requirements.lock anew from pyproject.toml
	@scripts/lock

clean: ## remove what set-up, builds and gates made
	@rm -rf .venv .setup build *.egg-info native/_*.so native/_*.c native/_*.o \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

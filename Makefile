# `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Each target uses all cores, and one line of output at a time is readable.
.NOTPARALLEL:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE ?= localhost/flink-operator/flink-operator:dev
FUZZ_SECONDS ?= 10

build_folder := .build
version_variable := github.com/flink-operator/flink-operator/pkg/version.Version
local_cluster := hack/local-cluster/local-cluster.sh

# Tests and the demo create and delete objects, so a KUBECONFIG that merely happens to be in the
# environment is not used: name the cluster on the command line, make demo KUBECONFIG=...
ifneq ($(origin KUBECONFIG),command line)
unexport KUBECONFIG
endif

# A test that changes an object of an informer's cache fails: against the real API server, and in a part of the proof. The
# detector compares each second, and in virtual time hours of that pass, so the unit tests go without.
test-apiserver: export KUBE_CACHE_MUTATION_DETECTOR := true

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Try it
.PHONY: demo
demo: image ## Run the operator and a Flink job on a local Kubernetes, or on KUBECONFIG=FILE
	@OPERATOR_IMAGE=$(IMAGE) hack/demo.sh

.PHONY: demo-down
demo-down: ## Take the demo down, and the local Kubernetes with it
	@hack/demo.sh down

.PHONY: cluster-up
cluster-up: ## Start the local Kubernetes alone (needs root)
	@$(local_cluster) up

.PHONY: cluster-down
cluster-down: ## Stop the local Kubernetes
	@$(local_cluster) down

##@ Build
.PHONY: build
build: ## Build the static program into .build/flink-operator
	@mkdir -p $(build_folder)
	@CGO_ENABLED=0 hack/step.sh "building the operator $(VERSION)" go build -trimpath -buildvcs=false \
	  -ldflags "-s -w -X $(version_variable)=$(VERSION)" -o $(build_folder)/flink-operator ./cmd/flink-operator

.PHONY: image
image: build ## Pack the program into .build/flink-operator-image.tar, named IMAGE
	@hack/build-image.sh $(build_folder)/flink-operator $(IMAGE) $(build_folder)/flink-operator-image.tar

.PHONY: generate
generate: ## Regenerate code, CRD, roles, API reference and install.yaml
	@hack/step.sh "generating" hack/generate.sh

##@ Check
.PHONY: test
test: test-unit prove test-apiserver test-cluster ## Run all tests

.PHONY: test-unit
test-unit: ## Run the tests that need no server
	@hack/prerequisites.sh race
	@packages="$$(go list -f '{{ if or .TestGoFiles .XTestGoFiles }}{{ .ImportPath }}{{ end }}' ./...)"; \
	  hack/step.sh "unit tests" go test -race $$packages

.PHONY: prove
prove: ## Try every fault at every step, in virtual time; PLAN='scenario/fault' tries one again
	@hack/prerequisites.sh race
	@hack/step.sh "proof" hack/prove.sh

.PHONY: test-apiserver
test-apiserver: ## Run the tests against a real kube-apiserver
	@hack/prerequisites.sh race
	@hack/step.sh "tests against a real kube-apiserver" hack/test-apiserver.sh

.PHONY: test-cluster
test-cluster: image ## Run the tests with a real Flink on a local Kubernetes, or on KUBECONFIG=FILE
	@hack/prerequisites.sh race
	@OPERATOR_IMAGE=$(IMAGE) hack/step.sh "tests with a real Flink on a real cluster" hack/test-cluster.sh

.PHONY: bench
bench: image ## Measure: pure code, then the whole program on a real cluster
	@hack/step.sh "benchmarks of pure code" go test -run '^$$' -bench . -benchmem ./...
	@OPERATOR_IMAGE=$(IMAGE) hack/step.sh "benchmarks on a real cluster" hack/test-cluster.sh -run '^$$' -bench . -benchtime 1x

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZ_SECONDS
	@hack/step.sh "fuzzing" hack/fuzz.sh $(FUZZ_SECONDS)

.PHONY: lint
lint: ## Run the linters alone
	@hack/verify.sh lint logs

.PHONY: verify
verify: ## Check generated files, formatting, imports, lint, scripts and known vulnerabilities
	@hack/step.sh "verifying" hack/verify.sh

##@ Tidy up
.PHONY: clean
clean: ## Remove what the build made (not the cache of the local Kubernetes)
	@rm -rf $(build_folder)

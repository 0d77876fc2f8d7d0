# TLS platform operator. `make` lists the targets.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

MODULE := github.com/tlsplatform/tls-platform-operator
IMAGE_DEFAULT := ghcr.io/tlsplatform/tls-platform-operator:dev

VERSION ?= $(shell git describe --tags --always --dirty --match 'v*' 2>/dev/null || echo v0.0.0-dev)
IMG ?= $(IMAGE_DEFAULT)
# Which Ginkgo labels to run, for example LABELS='adoption && !slow'.
LABELS ?=
# Which group of figures to measure.
BENCH ?= main
ARTIFACTS ?= $(CURDIR)/_artifacts

TOOLS = hack/tools/build.sh
KUBECTL_SH = hack/kubectl.sh

##@ See it

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "; printf "usage: make TARGET\n"} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Start a cluster, install the operator, tell the whole story (DEMO_KEEP=1 leaves it running).
	go run ./test/demo

##@ Check it

.PHONY: test
test: ## All tests: unit and golden, then integration and end-to-end on a real control plane.
	@started=$$SECONDS; \
	$(MAKE) test-unit; \
	$(MAKE) test-integration; \
	echo "test: all passed in $$((SECONDS - started)) s"

.PHONY: test-unit
test-unit: ## Unit and golden tests. They start no process and open no connection.
	@started=$$SECONDS; \
	go test -short $$(go list ./... | grep -vE '^$(MODULE)/test/(integration|e2e|demo)(/|$$)'); \
	echo "test-unit: passed in $$((SECONDS - started)) s"

.PHONY: test-integration
test-integration: ## Ginkgo suites on a real control plane (LABELS='...' to choose).
	@LABELS='$(LABELS)' ARTIFACTS='$(ARTIFACTS)' hack/test-suites.sh

.PHONY: bench
bench: ## Measure and print figures (BENCH=main).
	go run ./test/bench -group $(BENCH)

.PHONY: verify
verify: ## Everything that must hold before a commit; changes nothing in the tree.
	@hack/verify.sh

.PHONY: lint
lint: ## Run golangci-lint.
	@"$$($(TOOLS) golangci-lint)/golangci-lint" run ./...

##@ Make it

.PHONY: build
build: ## Build bin/tls-platform, bin/tls-platform-agent and bin/kubectl-tls.
	CGO_ENABLED=0 go build -trimpath \
	  -ldflags '-s -w -X $(MODULE)/internal/app.Version=$(VERSION) -X $(MODULE)/internal/app/member.Version=$(VERSION) -X main.version=$(VERSION)' \
	  -o bin/ ./cmd/tls-platform ./cmd/tls-platform-agent ./cmd/kubectl-tls

.PHONY: generate
generate: ## Generate deep copies, CRDs, RBAC roles, dashboards and the API reference.
	@hack/generate.sh

.PHONY: docs
docs: ## Generate docs/api.md only.
	@hack/generate.sh api-docs

.PHONY: fmt
fmt: ## Format all Go code and order its imports.
	@"$$($(TOOLS) golangci-lint)/golangci-lint" fmt ./...

.PHONY: clean
clean: ## Remove what builds and tests leave in the tree (not the cache of built tools).
	rm -rf bin _artifacts

##@ Install it (uses the current KUBECONFIG)

.PHONY: install
install: ## Apply the CRDs.
	$(KUBECTL_SH) apply --server-side -k config/crd

.PHONY: deploy
deploy: ## Apply the CRDs, roles and operator (IMG=registry/name:tag).
	$(KUBECTL_SH) kustomize config/default | sed 's|$(IMAGE_DEFAULT)|$(IMG)|' | $(KUBECTL_SH) apply --server-side -f -
	$(KUBECTL_SH) -n tls-platform-system rollout status deployment/tls-platform --timeout=3m

.PHONY: undeploy
undeploy: ## Remove the operator and the CRDs. Refuses while a TLSPlatform exists.
	@hack/undeploy.sh

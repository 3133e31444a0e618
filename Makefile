# `make help` lists the targets. All of them need Go, make and git; the tests also need a C
# compiler, which Go's race detector links with. Everything else is fetched or built on first
# use and kept in the user's cache folder.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
REVISION ?= $(shell git rev-parse --verify --quiet HEAD || echo unknown)
# The image carries the time of its commit, so that building it again gives the same bytes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

# The architecture of `make image`: amd64 or arm64.
ARCH ?= $(shell go env GOARCH)
IMAGE ?= ghcr.io/causeway-io/causeway:$(VERSION)
IMAGE_ARCHIVE ?= bin/causeway-image.tar

# Limits the tests of one package.
TEST_TIMEOUT ?= 10m
TEST_FLAGS ?= -race -shuffle=on -timeout=$(TEST_TIMEOUT)

GO_BUILD = CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
GOLANGCI_LINT = hack/tools/run.sh golangci-lint
# Every module with code of ours. The modules under hack/tools and hack/assets only pin versions.
MODULES = $(shell find . -name go.mod -not -path './hack/tools/*' -not -path './hack/assets/*' -exec dirname {} \; | sort)

##@ Use

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: assets ## Show it all: Pods in, keys out, in this terminal. DEMO_ONCE=1 ends by itself.
	@go run ./hack/demo

.PHONY: localup
localup: assets ## Run a local Kubernetes control plane and etcd until Ctrl-C.
	@go run ./hack/localup

##@ Build

.PHONY: build
build: ## Build bin/causeway.
	$(GO_BUILD) -o bin/causeway .

.PHONY: image
image: ## Build the OCI image as bin/causeway-image.tar, without a container engine. ARCH=arm64 for the other one.
	GOOS=linux GOARCH=$(ARCH) $(GO_BUILD) -o bin/linux-$(ARCH)/causeway .
	cd hack/image && go run . -binary $(CURDIR)/bin/linux-$(ARCH)/causeway -arch $(ARCH) \
		-version '$(VERSION)' -revision '$(REVISION)' -created $(SOURCE_DATE_EPOCH) \
		-tag '$(IMAGE)' -o $(abspath $(IMAGE_ARCHIVE))
	@ls -lh $(IMAGE_ARCHIVE)

.PHONY: clean
clean: ## Remove bin/. What the cache folder holds stays.
	rm -rf bin

##@ Check

.PHONY: test
test: assets check-cc ## Run every test, with the race detector.
	@set -e; for module in $(MODULES); do \
		echo "go test $(TEST_FLAGS) ./... in $$module"; \
		(cd $$module && CGO_ENABLED=1 go test $(TEST_FLAGS) ./...); \
	done

.PHONY: chaos
chaos: assets ## Break everything around the controller with real processes, and print what consumers saw. Some minutes.
	@go run ./hack/chaos

.PHONY: lint
lint: ## Run golangci-lint.
	@set -e; for module in $(MODULES); do \
		(cd $$module && $(CURDIR)/$(GOLANGCI_LINT) run --config $(CURDIR)/.golangci.yml ./...); \
	done

.PHONY: vet
vet: ## Run go vet.
	@set -e; for module in $(MODULES); do (cd $$module && go vet ./...); done

.PHONY: fmt
fmt: ## Format all Go code.
	@$(GOLANGCI_LINT) fmt

.PHONY: check-fmt
check-fmt: ## Show what `make fmt` would change, and fail if it would.
	@$(GOLANGCI_LINT) fmt --diff

.PHONY: tidy
tidy: ## Tidy the go.mod files of all code.
	@set -e; for module in $(MODULES); do (cd $$module && go mod tidy); done

.PHONY: check-tidy
check-tidy: ## Show what `make tidy` would change, and fail if it would.
	@set -e; for module in $(MODULES); do (cd $$module && go mod tidy -diff); done

.PHONY: check-config
check-config: assets ## Build every kustomization under config/.
	@hack/check-config.sh "$$(go run ./hack/assets/cmd/assets -print)/kubectl"

.PHONY: generate
generate: ## Renew all generated files.
	@set -e; for module in $(MODULES); do (cd $$module && go generate ./...); done

.PHONY: verify
verify: ## Check everything that CI checks. Run it before a commit.
	@hack/verify.sh

##@ Local control plane

.PHONY: assets
assets: ## Make etcd, Kubernetes and kwok available; once, some minutes.
	@go run ./hack/assets/cmd/assets >&2

.PHONY: print-assets
print-assets: ## Print the folder that holds them; use with make -s.
	@go run ./hack/assets/cmd/assets -print

# Says in one line what Go would say in several.
.PHONY: check-cc
check-cc:
	@set -- $$(go env CC); command -v "$$1" >/dev/null || { \
		echo "the race detector needs a C compiler: install gcc, or set CC" >&2; exit 1; }

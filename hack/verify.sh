#!/bin/sh
# Checks everything that must hold before a commit, in the order of cost, and stops at the first
# failure. CI runs the same.
set -eu

cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# tree describes the checkout: what git sees as changed, and a checksum of every file that is
# not ignored. For a file that git knows and that is gone, cksum says so, which serves as well.
tree() {
	git status --porcelain
	git ls-files -z --cached --others --exclude-standard | xargs -0 cksum 2>&1 || :
}

# unchanged fails if the checkout is not what it was at the start.
unchanged() {
	tree >"$scratch/after"
	diff "$scratch/before" "$scratch/after" >&2
}

generated() {
	make --no-print-directory generate && unchanged
}

# step runs a command under a heading, and closes with the seconds it took.
step() {
	title=$1
	shift
	echo "==> $title"
	started=$(date +%s)
	if ! "$@"; then
		echo "==> $title: FAILED after $(($(date +%s) - started)) s" >&2
		exit 1
	fi
	echo "==> $title: ok, $(($(date +%s) - started)) s"
}

target() {
	step "$1" make --no-print-directory "$2"
}

tree >"$scratch/before"
target "go.mod files are tidy" check-tidy
step "generated files are current" generated
target "code is formatted" check-fmt
target "go vet" vet
target "golangci-lint" lint
target "kustomizations build" check-config
target "tests" test
step "the tree is unchanged" unchanged
echo "==> verified"

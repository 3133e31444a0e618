#!/bin/sh
# Builds every kustomization under config/: check-config.sh <kubectl>.
# Components are built as parts of those which use them.
set -eu

kubectl=$1
cd "$(dirname "$0")/.."

grep -rl --include=kustomization.yaml '^kind: Kustomization$' config | sort | while read -r file; do
	dir=$(dirname "$file")
	if ! "$kubectl" kustomize "$dir" >/dev/null; then
		echo "$dir does not build" >&2
		exit 1
	fi
	echo "$dir builds"
done

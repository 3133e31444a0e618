#!/bin/sh
# Runs a pinned tool: hack/tools/run.sh <tool> [arguments].
#
# A tool is a folder here with a go.mod of its own, so that its dependencies meet neither the
# product's nor another tool's. It is built once for each state of that module and each Go
# version, and kept in the user's cache folder. A binary appears there by rename only, so an
# interrupted build leaves nothing that could be mistaken for one.
set -eu

if [ $# -eq 0 ] || [ ! -f "$(dirname "$0")/$1/go.mod" ]; then
	echo "usage: $0 <tool> [arguments], where <tool> is a folder beside this script" >&2
	exit 2
fi
tool=$1
shift
module=$(cd "$(dirname "$0")/$tool" && pwd)
sum=$(cat "$module/go.mod" "$module/go.sum" | cksum | cut -d ' ' -f 1)
toolchain=$(cd "$module" && go env GOVERSION)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/causeway/tools
binary=$cache/$tool-$sum-$toolchain

if [ ! -x "$binary" ]; then
	mkdir -p "$cache"
	building=$(mktemp -d "$cache/building.XXXXXX")
	trap 'rm -rf "$building"' EXIT
	trap 'exit 130' INT TERM
	echo "building $tool, once; this may take some minutes" >&2
	(cd "$module" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$building/" tool)
	mv "$building/$tool" "$binary"
	rm -rf "$building"
	trap - EXIT INT TERM
fi

exec "$binary" "$@"

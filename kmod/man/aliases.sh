#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a page for each further name that a manual page has under NAME.
#
# usage: aliases.sh PAGE DIRECTORY
set -eu
page=$1 directory=$2
base=$(basename "$page")
section=${base##*.}
sed -n '/^\.SH NAME/,/\\-/{/^\.SH/d;s/\\-.*//;s/,/ /g;p;}' "$page" | tr ' ' '\n' |
    while read -r name; do
        if [ -n "$name" ] && [ "$name.$section" != "$base" ] && [ ! -e "$directory/$name.$section" ]; then
            printf '.so man%s/%s\n' "$section" "$base" >"$directory/$name.$section"
        fi
    done

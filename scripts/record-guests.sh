#!/usr/bin/env bash
# Records what the guests (or the ones named) print under QEMU into their expected.txt. After guests/build.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
npx --no-install tsc -p scripts/tsconfig.json
node .cache/scripts/guests/record.js "$@"

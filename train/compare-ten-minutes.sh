#!/usr/bin/env bash
# The paper's thirteen networks and the rows of its Table 1 at full width, on one large GPU (80 GB):
#   train/compare-ten-minutes.sh DATA OUT
# Samples lie on the GPU and are augmented there, in bfloat16 (train/comparison.toml says so). EPOCHS are
# those of each network. Started again, it goes on where it was stopped.
set -euo pipefail

if [[ $# -ne 2 ]]; then
  echo "give DATA and OUT" >&2
  exit 2
fi
exec blastoseg compare "$1" --out "$2" --width full --device cuda --ablation --budget epochs "${EPOCHS:-200}"

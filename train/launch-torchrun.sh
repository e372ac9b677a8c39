#!/usr/bin/env bash
# Train on the GPUs of one machine or several; everything given goes to `blastoseg train`.
#
# One machine, four GPUs:
#   train/launch-torchrun.sh DATA --recipe i2cnet-paper --out weights/mine --devices 4
# Two machines of four GPUs: the same command on each, the first one's name and a rank of its own:
#   NODES=2 NODE_RANK=0 MASTER_ADDR=gpu1 train/launch-torchrun.sh DATA --out /shared/mine --devices 4
#   NODES=2 NODE_RANK=1 MASTER_ADDR=gpu1 train/launch-torchrun.sh DATA --out /shared/mine --devices 4
# DATA and --out must lie on a disk that all of them see. After a kill: the same command with --resume.
set -euo pipefail

devices=""
previous=""
for argument in "$@"; do
  [[ "$previous" == "--devices" ]] && devices="$argument"
  [[ "$argument" == --devices=* ]] && devices="${argument#--devices=}"
  previous="$argument"
done
if [[ -z "$devices" ]]; then
  echo "give --devices N, the GPUs of each machine" >&2
  exit 2
fi
nodes="${NODES:-1}"
where=(--standalone)
if ((nodes > 1)); then
  where=(--node-rank "${NODE_RANK:?give each machine its rank, 0 to NODES - 1}"
    --master-addr "${MASTER_ADDR:?give the first machine by name}" --master-port "${MASTER_PORT:-29500}")
fi
exec python -m torch.distributed.run --nnodes "$nodes" --nproc-per-node "$devices" "${where[@]}" \
  -m blastoseg train "$@" --nodes "$nodes"

#!/bin/bash
# One part of a large archive a task: whole embryos, each part with an output folder of its own.
#
#     job=$(sbatch --parsable examples/slurm/score.sh /archive/day5 /reports/day5)
#     sbatch --dependency=afterok:"$job" examples/slurm/merge.sh /reports/day5
#
# A task that is cut short goes on where it was when it is submitted again with the same number of parts:
#     sbatch --array=3,7 --export=ALL,PARTS=8 examples/slurm/score.sh /archive/day5 /reports/day5
#SBATCH --job-name=blastoseg
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@300
set -uo pipefail
frames=$1 report=$2
parts=${PARTS:-$SLURM_ARRAY_TASK_COUNT}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-2}

# In the background, so that SLURM's warning before the time is up reaches the run, which then ends in good order.
blastoseg run "$frames" --out "$report/parts/$SLURM_ARRAY_TASK_ID" --part "$SLURM_ARRAY_TASK_ID/$parts" --settle 0 --quiet &
run=$!
trap 'kill -TERM $run' TERM
wait $run
code=$?
# The signal ends the first wait, not the run.
while kill -0 $run 2>/dev/null; do wait $run; code=$?; done
# 3: the report is complete, but some frames failed, which the whole will show.
[ $code -eq 3 ] && exit 0
exit $code

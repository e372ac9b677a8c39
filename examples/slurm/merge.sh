#!/bin/bash
# Joins the parts that examples/slurm/score.sh scored into one report.
#SBATCH --job-name=blastoseg-merge
#SBATCH --cpus-per-task=1
#SBATCH --mem=8G
#SBATCH --time=04:00:00
set -uo pipefail
report=$1

blastoseg merge "$report/whole" "$report"/parts/*

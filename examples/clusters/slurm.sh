#!/bin/bash
# One Ray cluster a Slurm job: a head on the first node, workers on the others, and one Heliostat
# command on all of them. What comes after the script is the command:
#
#   sbatch examples/clusters/slurm.sh run evomal --preset demo --name first
#   sbatch examples/clusters/slurm.sh resume first
#
# The lines marked "edit" are yours. Two minutes before its time is up the run is stopped as by
# Ctrl-C, and the next job resumes it. Checked by the tests with stand-ins for Slurm and Ray.
#
#SBATCH --job-name=heliostat
#SBATCH --nodes=2               # edit
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16      # edit
#SBATCH --time=04:00:00         # edit
#SBATCH --signal=B:TERM@120
#SBATCH --output=heliostat-%j.log
set -euo pipefail

source .venv/bin/activate       # edit: the same environment on every node
# runs, data and the environment lie on a file system that all nodes see
export HELIOSTAT_RUNS="${HELIOSTAT_RUNS:-$PWD/runs}"
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 OMP_NUM_THREADS=1

# others may have nodes of the same cluster: who has no token of this user gets no answer
test -s ~/.ray/auth_token || ray get-auth-token --generate > /dev/null
port=$((20000 + SLURM_JOB_ID % 20000)) # another job of this user may share a node

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
on() { # a step on one node, beside the others; always in a subshell, which it becomes
  exec srun --overlap --nodes=1 --ntasks=1 --nodelist="$1" "${@:2}"
}
# several addresses, IPv6 among them, may be listed: the first of IPv4 is taken
ip=$(on "${nodes[0]}" hostname --all-ip-addresses | tr ' ' '\n' | grep -m1 -F .)

trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
on "${nodes[0]}" ray start --head --node-ip-address="$ip" --port="$port" \
  --num-cpus="$SLURM_CPUS_PER_TASK" --include-dashboard=false --block &
head=$!
for node in "${nodes[@]:1}"; do
  on "$node" ray start --address="$ip:$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block &
done
# the head answers before anything joins it
for _ in $(seq 60); do
  ray status --address="$ip:$port" > /dev/null 2>&1 && break
  kill -0 "$head" 2> /dev/null || { echo "the Ray head did not start" >&2; exit 1; }
  sleep 2
done

# in the background, since bash obeys a signal only while it waits
heliostat "$@" --address "$ip:$port" --min-nodes "${#nodes[@]}" --wait 300 &
run=$!
trap 'kill -TERM "$run" 2> /dev/null || true' TERM
code=0
wait "$run" || code=$?
while kill -0 "$run" 2> /dev/null; do # the signal ended that wait: the run is still stopping
  code=0
  wait "$run" || code=$?
done
exit "$code"

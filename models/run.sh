#!/bin/bash
# Checks the models with spin. run.sh: the quick set and every ingredient taken out. run.sh full: the long set
# besides. run.sh MODEL …: only these models; with full before them, the long set too.
#
# A run that must pass and does not, or is not exhausted, is an error; so is an ingredient whose removal gives
# no counterexample. LIMIT is the seconds that a run may take, MEMORY its MB.
cd "$(dirname "$0")" || exit 1
for tool in spin gcc; do
	command -v $tool >/dev/null || { echo "$tool is not installed: apt-get install spin gcc" >&2; exit 2; }
done
sets="quick out"
[ "$1" = full ] && { sets="quick full out"; shift; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
here=$PWD
bad=0

# one MODEL SWITCHES: leaves states, errors and how it ended
one() {
	local model=$1; shift
	rm -rf "$work"/*
	cd "$work" || exit 1
	case $set in out) opt=-O0 ;; *) opt=-O1 ;; esac # most of the time would be the compiler's
	errors=- states=- how="does not compile"
	spin -a "$@" "$here/$model.pml" >spin.out 2>&1 &&
		gcc $opt -w -DNOREDUCE -DSAFETY -DCOLLAPSE -DMEMLIM="${MEMORY:-3000}" -DVECTORSZ=2048 -o pan pan.c || { cd "$here"; return; }
	timeout -s INT "${LIMIT:-900}" ./pan -E -m500000 -n >out 2>&1
	errors=$(grep -oE 'errors: [0-9]+' out | grep -oE '[0-9]+')
	states=$(grep -oE '[0-9.e+]+ states, stored' out | grep -oE '^[^ ]+')
	how=full
	grep -qE 'Interrupted|out of memory|MEMLIM|max search depth|Search not completed' out && how=partial
	cd "$here" || exit 1
}

printf '%-10s %-62s %10s %-8s %-6s %s\n' model configuration states search errors verdict
while read -r set model want switches; do
	case "$set" in ''|\#*) continue ;; esac
	[[ " $sets " == *" $set "* ]] || continue
	[ $# -gt 0 ] && [[ " $* " != *" $model "* ]] && continue
	# shellcheck disable=SC2086
	one "$model" $switches
	case "$want,$errors,$how" in
	ok,0,full) verdict=ok ;;
	ok,0,partial) verdict="NOT EXHAUSTED" bad=1 ;;
	part,0,full) verdict=ok ;;
	part,0,partial) verdict="no error in this part" ;;
	ok,* | part,*) verdict=ERROR bad=1 ;;
	none,0,full) verdict="no counterexample, as known: see README.md" ;;
	none,*) verdict="runs.txt says that there is no counterexample" bad=1 ;;
	*,0,*) verdict="NO COUNTEREXAMPLE" bad=1 ;;
	*,-,*) verdict=ERROR bad=1 ;;
	*) verdict="counterexample, as it should be" how=- ;;
	esac
	printf '%-10s %-62s %10s %-8s %-6s %s\n' "$model" "${switches//-D/}" "$states" "$how" "$errors" "$verdict"
done <runs.txt
exit $bad

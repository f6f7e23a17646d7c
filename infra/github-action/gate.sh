#!/usr/bin/env bash
# The work of the action: eval run (where wanted), gate, reports. It does not fail by itself: what it found is in its
# outputs, so that summary, annotations and comment are published before the last step fails the job.
set -uo pipefail

root=$(cd "$SLUICE_ROOT" && pwd)
out=${INPUT_OUTPUT:-.sluice/gate}
mkdir -p "$out"
comment="$out/comment.md"
report="$out/report.json"

output() { echo "$1=$2" >>"$GITHUB_OUTPUT"; }

# A pull request from a fork has no secrets, and its token may not comment.
is_fork() {
  node -e '
    const { pull_request: pr } = JSON.parse(require("node:fs").readFileSync(process.env.GITHUB_EVENT_PATH, "utf8"));
    process.exit(pr && pr.head.repo?.full_name !== pr.base.repo.full_name ? 0 : 1);
  ' 2>/dev/null
}

report_only=${INPUT_REPORT_ONLY:-auto}
if [ "$report_only" = auto ]; then
  if is_fork; then report_only=true; else report_only=false; fi
fi
output report-only "$report_only"

# Ends without a verdict of the gate: $1 exit code, $2 what was done, $3 file with what it said.
finish_without_verdict() {
  local sentence
  sentence=$(tail -n 1 "$3" | tr -d '`' | cut -c 1-1000)
  {
    echo '<!-- sluice-gate -->'
    echo
    echo "### ⚠️ Sluice gate: no verdict"
    echo
    echo "$2 ended with exit code $1, so nothing can be said about this change:"
    echo
    echo '```text'
    echo "$sentence"
    echo '```'
  } >"$comment"
  cat "$comment" >>"$GITHUB_STEP_SUMMARY"
  local escaped=${sentence//'%'/'%25'}
  echo "::error title=Sluice gate%3A no verdict::${escaped//$'\r'/'%0D'}"
  output verdict error
  output exit-code "$1"
  output comment-file "$comment"
  exit 0
}

log="$out/log.txt"
if [ ! -x "$root/node_modules/.bin/node" ]; then
  # Standard output of an install is no part of the job's answer.
  npx -y pnpm@12 --dir "$root" install --frozen-lockfile >"$log" 2>&1 || finish_without_verdict 1 "Installing Sluice" "$log"
fi
# What goes to standard error is shown as it comes, and kept; the exit code is the command's.
logged() {
  {
    "$@" 2>&1 1>&3 3>&- | tee "$log" >&2
    return "${PIPESTATUS[0]}"
  } 3>&1
}
sluice() { "$root/node_modules/.bin/node" "$root/packages/cli/src/main.ts" "$@"; }

if [ "${INPUT_EVAL:-true}" = true ]; then
  baseline="$out/baseline.jsonl"
  candidate="$out/candidate.jsonl"
  tree="$out/baseline-tree"
  git worktree remove --force "$tree" 2>/dev/null
  git worktree add --detach --force "$tree" "$INPUT_BASELINE_REF" >"$log" 2>&1 ||
    finish_without_verdict 2 "Checking out the baseline (is fetch-depth 0 set?)" "$log"
  # shellcheck disable=SC2086 # The arguments are meant to be split.
  logged sluice eval run --config "$INPUT_CONFIG" --out "$candidate" \
    --baseline-config "$tree/$INPUT_CONFIG" --baseline-out "$baseline" \
    ${INPUT_PROVIDERS:+--providers "$INPUT_PROVIDERS"} ${INPUT_EVAL_ARGUMENTS:-}
  code=$?
  git worktree remove --force "$tree" 2>/dev/null
  # 5: too many errors. The results are there, and the gate says more about them.
  if [ $code -ne 0 ] && [ $code -ne 5 ]; then finish_without_verdict $code "sluice eval run" "$log"; fi
  set -- --baseline "$baseline" --candidate "$candidate"
  output baseline "$baseline"
  output candidate "$candidate"
elif [ -n "${INPUT_PAIRS:-}" ]; then
  set -- --pairs "$INPUT_PAIRS" --format "${INPUT_FORMAT:-auto}"
else
  set -- --baseline "$INPUT_BASELINE" --candidate "$INPUT_CANDIDATE" --format "${INPUT_FORMAT:-auto}"
  output baseline "$INPUT_BASELINE"
  output candidate "$INPUT_CANDIDATE"
fi
if [ -f "$INPUT_CONFIG" ]; then set -- "$@" --policy "$INPUT_CONFIG"; fi

# Annotations go to standard error, where the runner reads them too.
rm -f "$comment"
logged sluice gate "$@" --json --markdown "$comment" --junit "$out/gate.junit.xml" >"$report"
code=$?
if [ ! -f "$comment" ]; then finish_without_verdict $code "sluice gate" "$log"; fi

cat "$comment" >>"$GITHUB_STEP_SUMMARY"
output verdict "$(node -p 'JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).verdict' "$report")"
output exit-code "$code"
output report "$report"
output comment-file "$comment"

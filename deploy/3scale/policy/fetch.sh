#!/bin/sh
# Brings the six files of the llm-metrics policy next to this script, from the commit that this set-up was written for, and
# fixes the one fault that loses numbers. They are other people's work and stay out of this repository.
# POLICY_REPO: a copy of your own, where the cluster's side has no internet.
set -eu
repo=${POLICY_REPO:-https://github.com/rh-aiservices-bu/models-aas}
commit=${POLICY_COMMIT:-394389607399d62b2af40f8aff97663845294438}
here=$(cd "$(dirname "$0")" && pwd)
into=${POLICY_INTO:-$here}
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git -C "$clone" init --quiet
git -C "$clone" fetch --quiet --depth 1 "$repo" "$commit"
for file in apicast-policy.json custom_metrics.lua init.lua llm.lua portal_client.lua response.lua; do
  git -C "$clone" show "$commit:deployment/3scale/llm_metrics_policy/$file" >"$into/$file"
done
# It calls deepcopy without importing it, so the first call of each key loses its tokens without a word. APIcast's own
# custom_metrics policy imports it from here.
if ! grep -q 'deepcopy *=' "$into/custom_metrics.lua"; then
  { echo "local deepcopy = require('pl.tablex').deepcopy" && cat "$into/custom_metrics.lua"; } >"$into/fixed.lua"
  mv "$into/fixed.lua" "$into/custom_metrics.lua"
fi

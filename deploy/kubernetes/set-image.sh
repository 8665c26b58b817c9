#!/bin/sh
# set-image.sh FOLDER NAME=IMAGE...: writes tag or digest of images into FOLDER/kustomization.yaml, as `kustomize edit set image`
# does, which kubectl does not have:  set-image.sh deploy/kubernetes/examples/mine maas-portal=registry.example.com/maas-portal:0.2.0
set -eu
[ $# -ge 2 ] || { echo "usage: set-image.sh FOLDER NAME=IMAGE..." >&2; exit 2; }
file=$1/kustomization.yaml
shift
for pair in "$@"; do
  name=${pair%%=*}
  image=${pair#*=}
  last=${image##*/}
  case $last in
    *@sha256:*) field=digest version=${image##*@} repository=${image%@*} ;;
    *:latest) echo "set-image.sh: $image: name a version, because latest moves" >&2; exit 2 ;;
    *:*) field=newTag version=${image##*:} repository=${image%:*} ;;
    *) echo "set-image.sh: $image has neither tag nor digest" >&2; exit 2 ;;
  esac
  # a digest takes precedence; a tag in addition would be ignored
  case ${repository##*/} in *:*) repository=${repository%:*} ;; esac
  grep -q "^  - name: $name\$" "$file" || { echo "set-image.sh: $file has no image $name" >&2; exit 2; }
  awk -v name="$name" -v repository="$repository" -v field="$field" -v version="$version" '
    $0 == "  - name: " name {
      print; print "    newName: " repository; print "    " field ": \"" version "\""
      entry = 1; next
    }
    entry && /^    / { next }
    { entry = 0; print }
  ' "$file" >"$file.new"
  mv "$file.new" "$file"
done

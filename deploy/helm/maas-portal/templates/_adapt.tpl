{{/* What an object of deploy/kubernetes has to become by the values. Changes the object; prints nothing. */}}
{{- define "portal.adapt" -}}
{{- $object := .object -}}
{{- $values := .root.Values -}}
{{- $id := printf "%s/%s" $object.kind $object.metadata.name -}}
{{- /* of a Route or Ingress: lower case, and the port is the controller's */ -}}
{{- $host := regexReplaceAll ":\\d+$" (urlParse $values.settings.PUBLIC_URL).host "" | lower -}}
{{- if eq $id "Deployment/maas-portal" -}}
  {{- include "portal.deployment" . -}}
{{- else if eq $id "Deployment/maas-redis" -}}
  {{- $pod := $object.spec.template.spec -}}
  {{- $_ := set (first $pod.containers) "image" $values.redis.image -}}
  {{- if $values.imagePullSecrets -}}{{- $_ := set $pod "imagePullSecrets" $values.imagePullSecrets -}}{{- end -}}
  {{- if not $values.openshift -}}
    {{- $_ := merge $pod.securityContext (dict "runAsUser" 999 "runAsGroup" 999 "fsGroup" 999) -}}
  {{- end -}}
{{- else if eq $id "Service/maas-redis" -}}
  {{- if not $values.openshift -}}{{- $_ := unset $object.metadata "annotations" -}}{{- end -}}
{{- else if eq $id "Route/maas-portal" -}}
  {{- $_ := set $object.spec "host" $host -}}
{{- else if eq $id "Ingress/maas-portal" -}}
  {{- $_ := set $object.spec "ingressClassName" $values.ingress.className -}}
  {{- $_ := set (first $object.spec.rules) "host" $host -}}
  {{- $_ := set $object.spec "tls" (list (dict "hosts" (list $host) "secretName" $values.ingress.tlsSecretName)) -}}
  {{- with $values.ingress.annotations -}}{{- $_ := set $object.metadata "annotations" . -}}{{- end -}}
{{- else if eq $object.kind "HorizontalPodAutoscaler" -}}
  {{- $_ := mergeOverwrite $object.spec $values.autoscaling -}}
  {{- if gt (int $object.spec.minReplicas) (int $object.spec.maxReplicas) -}}
    {{- fail "autoscaling: minReplicas is more than maxReplicas" -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "portal.deployment" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $pod := .object.spec.template.spec -}}
{{- $container := first $pod.containers -}}
{{- $version := printf ":%s" ($values.image.tag | default $root.Chart.AppVersion) -}}
{{- with $values.image.digest -}}{{- $version = printf "@%s" . -}}{{- end -}}
{{- $_ := set $container "image" (printf "%s%s" $values.image.repository $version) -}}
{{- /* merged: without a request for CPU the autoscaler has nothing to compare with */ -}}
{{- $_ := mergeOverwrite $container.resources $values.resources -}}
{{- if $values.imagePullSecrets -}}{{- $_ := set $pod "imagePullSecrets" $values.imagePullSecrets -}}{{- end -}}
{{- range $pod.volumes -}}
  {{- if eq .name "secrets" -}}{{- $_ := set .secret "secretName" $values.secretName -}}{{- end -}}
{{- end -}}
{{- $patches := list -}}
{{- if $values.redis.enabled -}}{{- $patches = append $patches "redis/portal.yaml" -}}{{- end -}}
{{- if eq $values.certificateAuthority "cluster" -}}{{- $patches = append $patches "private-ca/deployment.yaml" -}}{{- end -}}
{{- if eq $values.certificateAuthority "router" -}}{{- $patches = append $patches "router-ca/deployment.yaml" -}}{{- end -}}
{{- range $patches -}}
  {{- $patch := ($root.Files.Get (printf "files/%s" .) | fromYaml).spec.template.spec -}}
  {{- $added := first $patch.containers -}}
  {{- $_ := set $container "env" (concat $container.env $added.env) -}}
  {{- $_ := set $container "volumeMounts" (concat $container.volumeMounts $added.volumeMounts) -}}
  {{- $_ := set $pod "volumes" (concat $pod.volumes $patch.volumes) -}}
{{- end -}}
{{- /* pods restart when a setting changes */ -}}
{{- $settings := include "portal.settings" $root -}}
{{- $_ := set .object.spec.template.metadata "annotations" (dict "checksum/settings" (sha256sum $settings) "checksum/config" (printf "%s%s" (include "portal.config" $root) (toJson $root.Values.portalFiles) | sha256sum)) -}}
{{- end -}}

{{- define "portal.settings" -}}
{{- $settings := dict -}}
{{- range regexFindAll "(?m)^[A-Z_]+=.*$" (.Files.Get "files/base/settings.env") -1 -}}
  {{- $pair := splitn "=" 2 . -}}
  {{- $_ := set $settings $pair._0 $pair._1 -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
  {{- /* Helm reads whole numbers of a file as floats, which become 2.592e+06 */ -}}
  {{- if and (kindIs "float64" $value) (eq (floor $value) $value) -}}{{- $value = int64 $value -}}{{- end -}}
  {{- $_ := set $settings $name (toString $value) -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{- define "portal.config" -}}
{{- .Values.portalConfig | default (.Files.Get "files/base/portal.yaml") -}}
{{- end -}}

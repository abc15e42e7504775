{{/* The name of this release's objects: the release's name, followed by the chart's unless it contains it. */}}
{{- define "flyte-slack.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels that select the pod; they never change. */}}
{{- define "flyte-slack.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "flyte-slack.labels" -}}
{{ include "flyte-slack.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "flyte-slack.image" -}}
{{- $image := .Values.image -}}
{{- $image.repository }}{{ with $image.digest }}@{{ . }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- define "flyte-slack.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "flyte-slack.fullname" .) "default") -}}
{{- end -}}

{{/*
Changes when one of the Secrets does, so that an upgrade of the release restarts the pods. It tells nothing about what is
in them. Empty where Helm can't see the cluster, as with `helm template`.
*/}}
{{- define "flyte-slack.secretsAnnotation" -}}
{{- $versions := list -}}
{{- if .Values.restartOnSecretChange -}}
{{- range $name := compact (list .Values.secretName .Values.storage.secretName) -}}
{{- with (lookup "v1" "Secret" $.Release.Namespace $name).metadata -}}
{{- $versions = append $versions (printf "%s/%s" .uid .resourceVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $versions }}
checksum/secrets: {{ join "," . | sha256sum }}
{{- end -}}
{{- end -}}

{{/* Whether Slack sends signed requests to the pack. */}}
{{- define "flyte-slack.isHttpMode" -}}
{{- if and (has "FLYTE_SLACK_SIGNING_SECRET" .Values.secretKeys) (not (has "FLYTE_SLACK_APP_TOKEN" .Values.secretKeys)) }}true{{ end -}}
{{- end -}}

{{- define "flyte-slack.claimName" -}}
{{- .Values.persistence.existingClaim | default (include "flyte-slack.fullname" .) -}}
{{- end -}}

{{/* Refuses replicas that can't work together. Slack allows an app ten sockets, and a replica has two during a refresh. */}}
{{- define "flyte-slack.checkReplicas" -}}
{{- $replicas := int .Values.replicas -}}
{{- $update := .Values.strategy.rollingUpdate -}}
{{- if not .Values.storage.secretName -}}
{{- if gt $replicas 1 -}}
{{- fail (printf "replicas: %d replicas can't share a volume; name in storage.secretName the Secret that holds the URL of a PostgreSQL database, or run one" $replicas) -}}
{{- end -}}
{{- else if and (eq (int $update.maxSurge) 0) (eq (int $update.maxUnavailable) 0) -}}
{{- fail "strategy.rollingUpdate: an update could replace no replica; maxSurge or maxUnavailable must be above 0" -}}
{{- else if and (has "FLYTE_SLACK_APP_TOKEN" .Values.secretKeys) (gt (add $replicas $update.maxSurge) 5) -}}
{{- fail (printf "replicas: %d replicas and %d more during an update (strategy.rollingUpdate.maxSurge) are too many for Socket Mode: Slack allows an app ten sockets, and each replica needs two while it replaces its own, so that replicas + maxSurge must be 5 at most" $replicas (int $update.maxSurge)) -}}
{{- end -}}
{{- end -}}

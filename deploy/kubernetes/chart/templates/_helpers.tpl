{{- define "evenkeel.name" -}}
{{- if contains "evenkeel" .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-evenkeel" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "evenkeel.selector" -}}
app.kubernetes.io/name: evenkeel
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "evenkeel.labels" -}}
{{ include "evenkeel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "evenkeel.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "evenkeel.name" .) "default" .Values.serviceAccount.create) }}
{{- end -}}

{{- define "evenkeel.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Where the agent listens: the port of config.web.listen. */}}
{{- define "evenkeel.port" -}}
{{ regexFind "[0-9]+$" (((.Values.config).web).listen | default "127.0.0.1:9797") }}
{{- end -}}

{{/* How a probe asks: the path, and the scheme. */}}
{{- define "evenkeel.probe" -}}
{{- $scheme := index . 1 -}}
{{- if eq $scheme "TCP" -}}
tcpSocket:
  port: metrics
{{- else -}}
httpGet:
  path: {{ index . 0 }}
  port: metrics
  {{- if ne $scheme "HTTP" }}
  scheme: {{ $scheme }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* What an agent may ask the API server for. */}}
{{- define "evenkeel.rules" -}}
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end -}}

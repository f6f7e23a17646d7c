{{/* As JSON, which YAML takes anywhere. */}}
{{- define "sluice.labels" -}}
{{ dict "app.kubernetes.io/name" "sluice" "app.kubernetes.io/instance" .root.Release.Name "app.kubernetes.io/component" .name | toJson }}
{{- end }}

{{- define "sluice.fromSecret" -}}
- name: {{ .variable }}
  valueFrom: { secretKeyRef: { name: {{ .secret }}, key: {{ .key }}{{ if .optional }}, optional: true{{ end }} } }
{{- end }}

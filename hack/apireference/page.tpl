{{- define "gvList" -}}
# API reference

Generated from the Go types by `make generate`. `kubectl explain flinkcluster.spec` shows the same in a terminal.
{{ range . }}
Group and version `{{ .GroupVersionString }}`; begin at
{{- range .SortedKinds }} [{{ . }}](#{{ lower . }}){{ end }}. Types follow in alphabetical order.
{{ range .SortedTypes }}{{ template "type" . }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "type" -}}
{{- if markdownShouldRenderType . }}
## {{ .Name }}

{{ .Doc }}
{{ template "rules" .Validation }}
{{- if .References }}
Appears in:{{ range $i, $type := .SortedReferences }}{{ if $i }},{{ end }} {{ markdownRenderTypeLink $type }}{{ end }}
{{ end -}}
{{- if .Members }}
| Field | Description | Default | Accepts |
| --- | --- | --- | --- |
{{- if .GVK }}
| `apiVersion` _string_ | `{{ .GVK.Group }}/{{ .GVK.Version }}` | | |
| `kind` _string_ | `{{ .GVK.Kind }}` | | |
{{- end }}
{{- range .Members }}
| `{{ .Name }}` _{{ markdownRenderType .Type }}_ | {{ if eq .Name "metadata" }}Name, namespace, labels and so on.{{ else }}{{ markdownRenderFieldDoc .Doc | replace "<br />" " " }}{{ end }} | {{ with .Default }}`{{ . }}`{{ end }} | {{ template "accepts" .Validation }} |
{{- end }}
{{ end -}}
{{- if .EnumValues }}
| Value | Meaning |
| --- | --- |
{{- range .EnumValues }}
| `{{ .Name }}` | {{ markdownRenderFieldDoc .Doc | replace "<br />" " " }} |
{{- end }}
{{ end -}}
{{- end -}}
{{- end -}}

{{- /* What a type accepts, as a list. */ -}}
{{- define "rules" -}}
{{- range . }}
{{- if not (hasPrefix "Optional:" . | or (hasPrefix "Enum:" .)) }}
- {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What a field accepts, in one cell of a table. */ -}}
{{- define "accepts" -}}
{{- $first := true -}}
{{- range . }}
{{- if not (hasPrefix "Optional:" . | or (hasPrefix "Schemaless:" .)) }}
{{- if not $first }}<br />{{ end }}{{ . | replace "|" "\\|" | replace ": {}" "" }}
{{- $first = false }}
{{- end }}
{{- end }}
{{- end -}}

{{/* All that is installed bears these. */}}
{{- define "weir.labels" -}}
app.kubernetes.io/name: weir
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: weir
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What picks the pods of one component: (list $ "gateway"). The operator finds gateways by the component. */}}
{{- define "weir.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: weir
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The full name of a component: (list $ "gateway"). */}}
{{- define "weir.name" -}}
{{ (index . 0).Values.fullnameOverride }}-{{ index . 1 }}
{{- end }}

{{/* The image of a component: (list $ .Values.gateway.image). */}}
{{- define "weir.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := printf "%s/%s" $root.Values.image.registry $image.repository -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* The metadata of a pod: (list $ "gateway" .Values.gateway). */}}
{{- define "weir.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $part := index . 2 -}}
{{- with $part.podAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{ end -}}
labels:
  {{- include "weir.selector" . | nindent 2 }}
  {{- range $key, $value := merge (dict) $part.podLabels $root.Values.commonLabels }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
{{- end }}

{{/* What the pods of both components have in common: (list $ "gateway" .Values.gateway). */}}
{{- define "weir.podSpec" -}}
{{- $root := index . 0 -}}
{{- $part := index . 2 -}}
serviceAccountName: {{ include "weir.name" . }}
# Both talk to the API server, so the token is mounted here; the ServiceAccount itself mounts it nowhere.
automountServiceAccountToken: true
# Services named weir-… would leave WEIR_… variables, which are flags.
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with $root.Values.runAsUser }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  fsGroup: {{ int64 . }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with $part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- with $part.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  # Preferred, not required: one node is a cluster too. Counted for each revision by itself, so that an
  # upgrade ends as well spread as it began.
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "weir.selector" (list $root (index $ 1)) | nindent 8 }}
    matchLabelKeys:
    - pod-template-hash
  {{- end }}
  {{- end }}
{{- end }}

{{/* The security context of every container. */}}
{{- define "weir.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop:
  - ALL
{{- end }}

{{/* Who a process is, and what else it is told: .Values.gateway. */}}
{{- define "weir.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Binds the Role NAME-SUFFIX in a namespace to the component's account: (list $ "gateway" SUFFIX NAMESPACE). */}}
{{- define "weir.roleBinding" -}}
{{- $root := index . 0 -}}
{{- $name := include "weir.name" . -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}-{{ index . 2 }}
  namespace: {{ index . 3 }}
  labels:
    {{- include "weir.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ index . 1 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}-{{ index . 2 }}
subjects:
- kind: ServiceAccount
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
{{- end }}

{{/* How the pods of a component go when nodes are drained: (list $ "gateway" .Values.gateway). */}}
{{- define "weir.podDisruptionBudget" -}}
{{- $root := index . 0 -}}
{{- $part := index . 2 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "weir.name" . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "weir.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ index . 1 }}
spec:
  maxUnavailable: {{ $part.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready serves nobody: it does not hold up the drain of its node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "weir.selector" . | nindent 6 }}
{{- end }}

{{/* The admin port of a component, for scrapes: (list $ "gateway"). Apart from the callers' Service, which may be open to the world. */}}
{{- define "weir.metricsService" -}}
{{- $root := index . 0 -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "weir.name" . }}-metrics
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "weir.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ index . 1 }}
    weir.dev/scrape: "true"
spec:
  type: ClusterIP
  # Each pod is scraped by itself, and one that drains too.
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "weir.selector" . | nindent 4 }}
  ports:
  - name: metrics
    port: 9090
    targetPort: admin
    protocol: TCP
{{- end }}

{{/* What no schema can say, since it sees neither the release nor two values at once. */}}
{{- define "weir.validate" -}}
{{- if eq .Values.configNamespace.name .Release.Namespace }}
{{- fail (printf "configNamespace.name must not be the release's namespace (%s): gateways may read every Secret of the config namespace" .Release.Namespace) }}
{{- end }}
{{- if has .Values.configNamespace.name .Values.rbac.namespaces }}
{{- fail (printf "rbac.namespaces must not list the config namespace (%s): it holds what was compiled, and no resource of a team" .Values.configNamespace.name) }}
{{- end }}
{{- with .Values.gateway }}
{{- if and .autoscaling.enabled (gt (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) }}
{{- fail (printf "gateway.autoscaling.minReplicas (%d) must not be above maxReplicas (%d)" (int .autoscaling.minReplicas) (int .autoscaling.maxReplicas)) }}
{{- end }}
{{- if and (ne .service.type "LoadBalancer") (or .service.loadBalancerClass .service.loadBalancerSourceRanges) }}
{{- fail "gateway.service.loadBalancerClass and loadBalancerSourceRanges go with gateway.service.type LoadBalancer alone" }}
{{- end }}
{{- if and (eq .service.type "ClusterIP") (ne .service.externalTrafficPolicy "Cluster") }}
{{- fail "gateway.service.externalTrafficPolicy Local goes with gateway.service.type NodePort or LoadBalancer alone" }}
{{- end }}
{{- end }}
{{- end }}

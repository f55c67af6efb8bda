package app

// The rights of the operator, one line for each use. `make generate` turns them into
// manifests/rbac/role.yaml; a test runs the whole program with exactly these and fails both on a
// request that is refused and on a verb that is never used. Who makes a Role has to have all that it grants: the pods
// of a cluster with high availability write ConfigMaps.
//
// Rights on the resources that belong to clusters: a ClusterRole, which manifests/namespaced turns
// into a Role when one namespace is all the operator may touch.
//
// +kubebuilder:rbac:groups=flinkoperator.k8s.io,resources=flinkclusters,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=flinkoperator.k8s.io,resources=flinkclusters/status,verbs=update
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=get;list;create;delete
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
//
// Rights in the operator's own namespace: the lease that says which replica leads.
//
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,namespace=flink-operator-system,roleName=flink-operator-leader-election,verbs=get;create;update

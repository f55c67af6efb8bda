package resources

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

type propertyCase struct {
	version  string
	user     map[string]string
	expected map[string]string
	absent   []string
}

var propertyCases = map[string]propertyCase{
	"defaults": {
		expected: map[string]string{
			"taskmanager.numberOfTaskSlots": "1", "parallelism.default": "3", "state.checkpoints.num-retained": "3",
			"high-availability.cluster-id": "sales.shop", "kubernetes.cluster-id": "shop",
		},
	},
	"the user's value wins over a default": {
		user:     map[string]string{"web.refresh-interval": "7", "execution.shutdown-on-application-finish": "true"},
		expected: map[string]string{"web.refresh-interval": "7", "execution.shutdown-on-application-finish": "true"},
	},
	"a default is left out for an older name": {
		version: "2.1",
		user: map[string]string{
			"state.checkpoints.num-retained": "9", "jobmanager.web.refresh-interval": "7", "high-availability.zookeeper.path.namespace": "/x",
		},
		expected: map[string]string{"state.checkpoints.num-retained": "9"},
		absent:   []string{"execution.checkpointing.num-retained", "web.refresh-interval", "high-availability.cluster-id"},
	},
	"a default is left out for a newer name": {
		version:  "1.14",
		user:     map[string]string{"execution.checkpointing.num-retained": "9"},
		expected: map[string]string{"execution.checkpointing.num-retained": "9"},
		absent:   []string{"state.checkpoints.num-retained"},
	},
	"the newer name is written where it is read": {
		version: "1.20.1", expected: map[string]string{"execution.checkpointing.num-retained": "3"}, absent: []string{"state.checkpoints.num-retained"},
	},
	"fixed values win over the user's": {
		user: map[string]string{"rest.port": "1", "jobmanager.rpc.address": "evil", "taskmanager.data.port": "0"},
		expected: map[string]string{
			"rest.port": "8081", "jobmanager.rpc.address": "shop-jobmanager", "jobmanager.rpc.port": "6123", "blob.server.port": "6124",
			"query.server.port": "6125", "taskmanager.rpc.port": "6122", "taskmanager.data.port": "6121", "queryable-state.proxy.ports": "6125",
		},
	},
	"other names of fixed options and malformed names are dropped": {
		user:   map[string]string{"rest.bind-port": "1", "web.port": "1", "a b": "1", "a\nrest.port": "1", "": "1", "a=b": "1", "execution.savepoint.path": "s3://x"},
		absent: []string{"rest.bind-port", "web.port", "a b", "a\nrest.port", "", "a=b", "execution.savepoint.path"},
	},
	"high availability": {
		version: "2.1", user: withHA(map[string]string{"high-availability": "kubernetes", "kubernetes.namespace": "x", "high-availability.cluster-id": "y", "recovery.mode": "z"}),
		expected: map[string]string{
			"high-availability.type": v1beta1.KubernetesHAFactory, "high-availability.storageDir": "s3://ha", "high-availability.jobmanager.port": "6123",
			"kubernetes.namespace": "sales", "kubernetes.cluster-id": "shop.01234567", "high-availability.cluster-id": "sales.shop.01234567",
			"job-result-store.delete-on-commit": "false", "execution.shutdown-on-application-finish": "false",
		},
		absent: []string{"high-availability", "recovery.mode"},
	},
	"high availability for a version that is not known": {
		user: withHA(map[string]string{"high-availability.type": "Kubernetes"}), absent: []string{"high-availability.type"},
		expected: map[string]string{"high-availability": v1beta1.KubernetesHAFactory},
	},
	"no high availability": {
		version: "2.1", user: map[string]string{"high-availability.type": "NONE", "kubernetes.namespace": "x"},
		expected: map[string]string{"high-availability.type": "NONE", "kubernetes.namespace": "x", "high-availability.cluster-id": "sales.shop"},
		absent:   []string{"job-result-store.delete-on-commit", "high-availability.jobmanager.port"},
	},
	"slots of the user count": {
		user:     map[string]string{"taskmanager.numberOfTaskSlots": "4"},
		expected: map[string]string{"parallelism.default": "12", "taskmanager.numberOfTaskSlots": "4"},
	},
	"slots that are no number": {
		user: map[string]string{"taskmanager.numberOfTaskSlots": "many"}, expected: map[string]string{"parallelism.default": "3"},
	},
	"old names are kept before YAML": {
		version: "1.18", user: map[string]string{"state.backend": "rocksdb"},
		expected: map[string]string{"state.backend": "rocksdb"}, absent: []string{"state.backend.type"},
	},
	"old names that begin others are renamed for YAML": {
		version:  "1.19",
		user:     map[string]string{"state.backend": "rocksdb", "restart-strategy": "none", "restart-strategy.type": "fixed-delay"},
		expected: map[string]string{"state.backend.type": "rocksdb", "restart-strategy.type": "fixed-delay"},
		absent:   []string{"state.backend", "restart-strategy"},
	},
}

func withHA(properties map[string]string) map[string]string {
	properties["high-availability.storageDir"] = "s3://ha"
	return properties
}

func TestPropertyPrecedence(t *testing.T) {
	for name, test := range propertyCases {
		t.Run(name, func(t *testing.T) {
			cluster := newJobCluster()
			cluster.Spec.FlinkProperties = test.user
			in := inputFor(cluster)
			in.FlinkVersion = test.version
			properties := Properties(in)
			for option, value := range test.expected {
				require.Equal(t, value, properties[option], option)
			}
			for _, option := range test.absent {
				require.NotContains(t, properties, option)
			}
		})
	}
}

func TestJobParallelism(t *testing.T) {
	cluster := newJobCluster()
	cluster.Spec.Job.Parallelism = new(int32(7))
	require.Equal(t, "7", Properties(inputFor(cluster))["parallelism.default"])
}

func TestSessionProperties(t *testing.T) {
	cluster := newSessionCluster()
	cluster.Spec.FlinkProperties = map[string]string{"execution.savepoint.path": "s3://mine"}
	before := Properties(inputFor(cluster))
	for _, option := range []string{"parallelism.default", "execution.checkpointing.num-retained", "execution.submit-failed-job-on-application-error"} {
		require.NotContains(t, before, option, "jobs of a session cluster are not the operator's")
	}
	require.Equal(t, "s3://mine", before["execution.savepoint.path"])
	cluster.Spec.TaskManager.Replicas = new(int32(9))
	require.Equal(t, before, Properties(inputFor(cluster)), "scaling a session cluster changes nothing")
}

func TestIgnoredProperties(t *testing.T) {
	properties := map[string]string{
		"taskmanager.host": "x", "rest.port": "1", "parallelism.default": "1", "$internal.pipeline.job-id": "x",
		"execution.state-recovery.path": "s3://x", "bad name": "x", "fine": "x",
	}
	spec := &v1beta1.FlinkClusterSpec{FlinkProperties: properties}
	require.Equal(t, []string{"$internal.pipeline.job-id", "bad name", "rest.port", "taskmanager.host"}, IgnoredProperties(spec))
	spec.Job = &v1beta1.JobSpec{}
	require.Contains(t, IgnoredProperties(spec), "execution.state-recovery.path")
	require.Empty(t, IgnoredProperties(&v1beta1.FlinkClusterSpec{}))

	spec.FlinkProperties = withHA(map[string]string{
		"high-availability.type": "kubernetes", "kubernetes.cluster-id": "x", "execution.shutdown-on-application-finish": "true", "high-availability.kubernetes.leader-election.lease-duration": "20 s",
	})
	require.Equal(t, []string{"execution.shutdown-on-application-finish", "kubernetes.cluster-id"}, IgnoredProperties(spec))
	spec.Job = nil
	require.Equal(t, []string{"kubernetes.cluster-id"}, IgnoredProperties(spec))
}

// TestFixedOptionsAreReserved: what the operator sets over the user's value must be reported as ignored.
func TestFixedOptionsAreReserved(t *testing.T) {
	for name := range fixedProperties(newJobCluster()) {
		require.Contains(t, reservedNames, name)
	}
	cluster := newJobCluster()
	cluster.Spec.FlinkProperties = withHA(map[string]string{"high-availability.type": "kubernetes"})
	for name := range highAvailabilityProperties(inputFor(cluster)) {
		require.True(t, isIgnored(&cluster.Spec, name) || slices.Contains(haTypeNames, name), name)
	}
}

func TestJavaOptions(t *testing.T) {
	access := moduleAccess()
	for _, test := range []struct {
		version  string
		user     map[string]string
		expected map[string]string
	}{
		{"1.17.2", nil, nil},
		{"1.18.1", nil, map[string]string{"env.java.opts.all": access}},
		{"1.18.1", map[string]string{"env.java.opts.all": "-Da=b"}, map[string]string{"env.java.opts.all": access + " -Da=b"}},
		{"1.18.1", map[string]string{"env.java.opts": `"-Da=b -Dc=d"`}, map[string]string{"env.java.opts": access + " -Da=b -Dc=d"}},
		{"", nil, map[string]string{"env.java.opts.all": access}},
		{"", map[string]string{"env.java.opts": "x", "env.java.opts.all": "y"}, map[string]string{"env.java.opts.all": access + " y"}},
		{"1.19", map[string]string{"env.java.opts.all": "y"}, map[string]string{"env.java.default-opts.all": access}},
		{"2.1.3", nil, map[string]string{"env.java.default-opts.all": access}},
		{"2.1.3", map[string]string{"env.java.default-opts.all": "z"}, nil},
	} {
		require.Equal(t, test.expected, javaOptions(test.user, parseRelease(test.version)), "%v", test)
	}
	require.True(t, strings.HasPrefix(access, "-XX:+IgnoreUnrecognizedVMOptions "), "Java 8 does not know the rest")
}

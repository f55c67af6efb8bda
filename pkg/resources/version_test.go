package resources

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

func TestFlinkVersion(t *testing.T) {
	for _, test := range []struct{ explicit, image, expected string }{
		{"", "flink:1.20.1-scala_2.12-java17", "1.20.1"},
		{"", "flink:1.20-java17", "1.20"},
		{"", "flink:2.1.3", "2.1.3"},
		{"", "flink:v1.19.0", "1.19.0"},
		{"", "flink:1.20.1@sha256:00", "1.20.1"},
		{"", "registry.acme.com:5000/apache/flink:1.18.1", "1.18.1"},
		{"", "acme/my-flink-jobs:1.17.2_7", "1.17.2"},
		{"", "flink@sha256:00", ""},
		{"", "flink", ""},
		{"", "flink:latest", ""},
		{"", "flink:2", ""},
		{"", "flink:1.20.1.5", ""},
		{"", "flink:1.20rc1", ""},
		{"", "registry.acme.com:5000/flink", ""},
		// The tag of another image is the version of something else.
		{"", "acme/orders:2.1.0", ""},
		{"", "flink/orders:2.1.0", ""},
		{"", "", ""},
		{"1.15", "flink:2.1.3", "1.15"},
	} {
		spec := &v1beta1.FlinkClusterSpec{FlinkVersion: test.explicit, Image: v1beta1.ImageSpec{Name: test.image}}
		require.Equal(t, test.expected, FlinkVersion(spec), test.image)
	}
}

func TestRelease(t *testing.T) {
	for _, test := range []struct {
		version         string
		atLeast, before bool
	}{
		{"1.19", true, false},
		{"1.19.3", true, false},
		{"1.20.1", true, false},
		{"2.0", true, false},
		{"2.1-SNAPSHOT", true, false},
		{"1.18.9", false, true},
		{"1.9", false, true},
		{"0.99", false, true},
		// Of an unknown version nothing may be said.
		{"", false, false},
		{"master", false, false},
		{"1.19999", false, false},
	} {
		require.Equal(t, test.atLeast, parseRelease(test.version).atLeast(1, 19), test.version)
		require.Equal(t, test.before, parseRelease(test.version).before(1, 19), test.version)
	}
}

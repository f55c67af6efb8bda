package resources

import (
	_ "embed" // the log configuration files
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Flink 1.14 to 1.18 read the legacy file, 1.19 and 1.20 as well if it is there, 2.x the other one.
const (
	yamlConfigFile   = "config.yaml"
	legacyConfigFile = "flink-conf.yaml"
)

var (
	//go:embed logging/log4j-console.properties
	log4jConfiguration string
	//go:embed logging/logback-console.xml
	logbackConfiguration string
)

// ConfigMap holds the files of /opt/flink/conf of all Flink pods: the configuration as each version reads it, and
// the log configuration, of which spec.logConfig replaces files or adds some.
func ConfigMap(in Input) (*corev1.ConfigMap, error) {
	properties := Properties(in)
	files := map[string]string{
		"log4j-console.properties": log4jConfiguration,
		"logback-console.xml":      logbackConfiguration,
	}
	for _, name := range slices.Sorted(maps.Keys(in.Cluster.Spec.LogConfig)) {
		if name == yamlConfigFile || name == legacyConfigFile {
			return nil, fmt.Errorf("spec.logConfig[%s]: is Flink's configuration file; use spec.flinkProperties", name)
		}
		if problems := validation.IsConfigMapKey(name); len(problems) > 0 {
			return nil, fmt.Errorf("spec.logConfig[%s]: is not the name of a file in a ConfigMap: %s", name, problems[0])
		}
		files[name] = in.Cluster.Spec.LogConfig[name]
	}
	files[yamlConfigFile] = renderYAML(properties)
	files[legacyConfigFile] = renderLegacy(properties)
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: in.metadata(ConfigMapName(in.Cluster.Name), in.labels("")),
		Data:       files,
	}, nil
}

package resources

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

var (
	leadingVersion = regexp.MustCompile(`^([0-9]{1,3})\.([0-9]{1,3})(\.[0-9]{1,3})?($|[^0-9])`)
	// tagVersion is the version at the start of an image tag, such as "1.20.1-scala_2.12-java17".
	tagVersion = regexp.MustCompile(`^v?([0-9]{1,3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?)(?:$|[-_+])`)
)

// FlinkVersion is the version that the spec names, else the one in the image's tag, else empty. The tag counts only
// if the image's name speaks of Flink: the tag of "acme/orders:2.1.0" is the version of something else, and not
// to know the version is safe.
func FlinkVersion(spec *v1beta1.FlinkClusterSpec) string {
	if spec.FlinkVersion != "" {
		return spec.FlinkVersion
	}
	reference, _, _ := strings.Cut(spec.Image.Name, "@")
	// A colon before the last slash is that of a registry's port.
	name, tag, _ := strings.Cut(reference[strings.LastIndex(reference, "/")+1:], ":")
	if match := tagVersion.FindStringSubmatch(tag); match != nil && strings.Contains(name, "flink") {
		return match[1]
	}
	return ""
}

// release is a version of Flink without its patch number. The zero value is the unknown one.
type release struct{ major, minor int }

func parseRelease(version string) release {
	match := leadingVersion.FindStringSubmatch(version)
	if match == nil {
		return release{}
	}
	// The expression admits three digits at most, so neither can fail.
	major, _ := strconv.Atoi(match[1])
	minor, _ := strconv.Atoi(match[2])
	return release{major, minor}
}

// atLeast is false for the unknown release.
func (r release) atLeast(major, minor int) bool {
	return r.major > major || (r.major == major && r.minor >= minor)
}

// before is false for the unknown release.
func (r release) before(major, minor int) bool {
	return r != release{} && !r.atLeast(major, minor)
}

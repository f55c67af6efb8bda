//go:build prove

package prove

import (
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// crdFile holds the schema that mutations are made from.
const crdFile = "../../../manifests/crds/flinkoperator.k8s.io_flinkclusters.yaml"

// schema is a part of the CRD's OpenAPI schema.
type schema map[string]any

func specSchema(t *testing.T) schema {
	t.Helper()
	content, err := os.ReadFile(crdFile)
	require.NoError(t, err)
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema schema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	require.NoError(t, yaml.Unmarshal(content, &definition))
	return definition.Spec.Versions[0].Schema.OpenAPIV3Schema.properties()["spec"]
}

func (s schema) properties() map[string]schema {
	found := map[string]schema{}
	properties, _ := s["properties"].(map[string]any)
	for name, property := range properties {
		found[name], _ = property.(map[string]any)
	}
	return found
}

func (s schema) part(name string) schema {
	part, _ := s[name].(map[string]any)
	return part
}

func (s schema) text(name string) string {
	text, _ := s[name].(string)
	return text
}

func (s schema) number(name string, fallback float64) float64 {
	if number, isNumber := s[name].(float64); isNumber {
		return number
	}
	return fallback
}

func (s schema) list(name string) []any {
	list, _ := s[name].([]any)
	return list
}

func (s schema) either() bool { return s["x-kubernetes-int-or-string"] == true }

// plausible is a value that the schema accepts, as a user might write it.
func (s schema) plausible() any {
	switch {
	case s["default"] != nil:
		return s["default"]
	case len(s.list("enum")) > 0:
		return s.list("enum")[0]
	case s.either():
		return s.matching("1")
	}
	switch s.text("type") {
	case "integer", "number":
		return s.number("minimum", 1)
	case "boolean":
		return true
	case "array":
		return []any{s.part("items").plausible()}
	case "object":
		object := map[string]any{}
		for _, name := range s.list("required") {
			object[fmt.Sprint(name)] = s.properties()[fmt.Sprint(name)].plausible()
		}
		if values := s.part("additionalProperties"); values != nil {
			object["key"] = values.plausible()
		}
		return object
	}
	return s.matching("a")
}

// matching is a text of the wanted pattern and length.
func (s schema) matching(text string) string {
	if pattern := s.text("pattern"); pattern != "" {
		format := regexp.MustCompile(pattern)
		for _, candidate := range []string{text, "1", "2.1", "a1", "/a", "1Gi"} {
			if format.MatchString(candidate) {
				return candidate
			}
		}
	}
	return text + strings.Repeat("a", max(0, int(s.number("minLength", 0))-len(text)))
}

// value is what a property is set to, and why.
type value struct {
	what  string
	value any
}

// absent is no value at all.
type absent struct{}

// values are those that a property is tried with.
func (s schema) values() []value {
	found := []value{
		{"a plausible value", s.plausible()}, {"no value", absent{}}, {"null", nil},
		{"a list in its place", []any{"a"}}, {"an object in its place", map[string]any{"a": "b"}}, {"a boolean in its place", true},
		{"a number in its place", 3.0}, {"a text in its place", "words"}, {"nothing in it", s.empty()},
	}
	switch {
	case s.text("type") == "integer", s.text("type") == "number":
		found = append(found, s.numbers()...)
	case s.text("type") == "string", s.either():
		found = append(found, s.texts()...)
	case s.text("type") == "array":
		item := s.part("items").plausible()
		found = append(found, value{"the same twice", []any{item, item}}, value{"null in it", []any{nil}})
	case s.part("additionalProperties") != nil:
		values := s.part("additionalProperties")
		found = append(found, value{"a long key", map[string]any{long: values.plausible()}}, value{"an empty key", map[string]any{"": values.plausible()}},
			value{"null in it", map[string]any{"a": nil}})
	case s.text("type") == "object":
		found = append(found, value{"an unknown field in it", map[string]any{"unheardOf": 1.0}})
	}
	return found
}

var (
	long    = strings.Repeat("x", 10_000)
	unicode = "Flink ☃ \u202e \u0000 é"
)

func (s schema) empty() any {
	switch s.text("type") {
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	case "integer", "number":
		return 0.0
	case "boolean":
		return false
	}
	return ""
}

func (s schema) numbers() []value {
	least, most := s.number("minimum", math.MinInt32), s.number("maximum", math.MaxInt32)
	if s.text("format") == "int64" {
		least, most = s.number("minimum", -1<<53), s.number("maximum", 1<<53)
	}
	return []value{
		{"the least", least}, {"the most", most}, {"less than the least", least - 1}, {"more than the most", most + 1}, {"a fraction", 1.5}, {"a negative number", -1.0},
	}
}

func (s schema) texts() []value {
	found := []value{{"a long text", long}, {"strange letters", unicode}, {"blanks", "  "}, {"a line break", "a\nb"}, {"a path upwards", "../../etc"}}
	for _, known := range s.list("enum") {
		found = append(found, value{"a value of the list", known}, value{"a value of the list in capitals", strings.ToUpper(fmt.Sprint(known)) + "X"})
	}
	if most := int(s.number("maxLength", 0)); most > 0 {
		found = append(found, value{"as long as may be", strings.Repeat("a", most)}, value{"a little too long", strings.Repeat("a", most+1)})
	}
	return found
}

// step is one part of the way to a property: a field, or the first item of a list.
type step struct {
	name string
	list bool
	in   schema
}

// changedObject is one with one property that differs from the seed.
type changedObject struct {
	seed, path, what string
	object           map[string]any
	// complaints are what the API server would say of it; none if it accepts it.
	complaints []string
}

// mutationsOf makes all mutations of a seed.
func mutationsOf(name string, seed map[string]any, root schema) []changedObject {
	var found []changedObject
	var walk func(way []step, at schema)
	walk = func(way []step, at schema) {
		if len(way) > 0 {
			for _, value := range at.values() {
				object := runtime.DeepCopyJSON(seed)
				place(object, append([]step{{name: "spec", in: root}}, way...), value.value)
				found = append(found, changedObject{seed: name, path: pathOf(way), what: value.what, object: object})
			}
		}
		properties := at.properties()
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			walk(append(slices.Clone(way), step{name: name, in: properties[name]}), properties[name])
		}
		if items := at.part("items"); items != nil {
			walk(append(slices.Clone(way), step{list: true, in: items}), items)
		}
	}
	walk(nil, root)
	return found
}

func pathOf(way []step) string {
	path := "spec"
	for _, step := range way {
		if step.list {
			path += "[0]"
		} else {
			path += "." + step.name
		}
	}
	return path
}

// place sets the property at the end of a way, and makes what has to be there on the way.
func place(object map[string]any, way []step, value any) {
	if len(way) == 1 {
		if _, gone := value.(absent); gone {
			delete(object, way[0].name)
		} else {
			object[way[0].name] = runtime.DeepCopyJSONValue(value)
		}
		return
	}
	inner := object[way[0].name]
	if inner == nil {
		inner = runtime.DeepCopyJSONValue(way[0].in.plausible())
	}
	object[way[0].name] = placeIn(inner, way[1:], value)
}

// placeIn is place for what may be a list.
func placeIn(inner any, way []step, value any) any {
	if !way[0].list {
		fields, isObject := inner.(map[string]any)
		if !isObject {
			fields = map[string]any{}
		}
		place(fields, way, value)
		return fields
	}
	if _, gone := value.(absent); len(way) == 1 && gone {
		return []any{}
	} else if len(way) == 1 {
		return []any{runtime.DeepCopyJSONValue(value)}
	}
	return []any{placeIn(runtime.DeepCopyJSONValue(way[0].in.plausible()), way[1:], value)}
}

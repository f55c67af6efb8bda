package resources

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// ValidatePodTemplates returns what is wrong with the pod templates of a spec whose defaults are set: fields that
// a pod template does not have, values of another type, and items that cannot be merged. The schema does not look
// into them, to stay small.
func ValidatePodTemplates(spec *v1beta1.FlinkClusterSpec) field.ErrorList {
	path := field.NewPath("spec")
	errs := validateTemplate(path.Child("podTemplate"), spec.PodTemplate)
	errs = append(errs, validateTemplate(path.Child("jobManager", "podTemplate"), spec.JobManager.PodTemplate)...)
	return append(errs, validateTemplate(path.Child("taskManager", "podTemplate"), spec.TaskManager.PodTemplate)...)
}

// hidden stands for the values in a template: they may be secrets, and errors go to status and events.
var hidden = field.OmitValueType{}

func validateTemplate(path *field.Path, template *runtime.RawExtension) field.ErrorList {
	if template == nil || len(template.Raw) == 0 {
		return nil
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(template.Raw))
	// Numbers stay as they are written, so that 1.5 is not taken for an integer.
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return field.ErrorList{field.Invalid(path, hidden, err.Error())}
	}
	if errs := checkShape(path, value, reflect.TypeFor[corev1.PodTemplateSpec]()); len(errs) > 0 {
		return errs
	}
	// Items without the key that lists are merged by only show when there is something to merge with.
	if _, err := mergeTemplates(template.Raw, template.Raw); err != nil {
		return field.ErrorList{field.Invalid(path, hidden, err.Error())}
	}
	return nil
}

// checkShape compares JSON with the Go type that it is meant for, and names the path of each difference.
func checkShape(path *field.Path, value any, typ reflect.Type) field.ErrorList {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if value == nil {
		return nil
	}
	if reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return checkDecodes(path, value, typ)
	}
	switch typ.Kind() {
	case reflect.Struct:
		return checkObject(path, value, typ)
	case reflect.Map:
		return checkMap(path, value, typ)
	case reflect.Slice:
		return checkList(path, value, typ)
	case reflect.Bool, reflect.String:
		return checkKind(path, value, typ.Kind())
	default:
		return checkInteger(path, value, typ)
	}
}

// checkDecodes asks types that decode themselves, such as quantities.
func checkDecodes(path *field.Path, value any, typ reflect.Type) field.ErrorList {
	// What came out of JSON goes back into it.
	encoded, _ := json.Marshal(value)
	if err := json.Unmarshal(encoded, reflect.New(typ).Interface()); err != nil {
		return field.ErrorList{field.Invalid(path, hidden, err.Error())}
	}
	return nil
}

func checkObject(path *field.Path, value any, typ reflect.Type) field.ErrorList {
	object, ok := value.(map[string]any)
	if !ok {
		return field.ErrorList{field.Invalid(path, hidden, "must be an object")}
	}
	known := map[string]reflect.Type{}
	collectFields(typ, known)
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if fieldType, found := known[name]; found {
			errs = append(errs, checkShape(path.Child(name), object[name], fieldType)...)
		} else {
			errs = append(errs, field.Invalid(path.Child(name), hidden, "unknown field"))
		}
	}
	return errs
}

// collectFields finds the JSON names of a type's fields, those of embedded types included.
func collectFields(typ reflect.Type, known map[string]reflect.Type) {
	for i := range typ.NumField() {
		structField := typ.Field(i)
		name, _, _ := strings.Cut(structField.Tag.Get("json"), ",")
		if name != "" {
			known[name] = structField.Type
			continue
		}
		if structField.Anonymous {
			collectFields(structField.Type, known)
		}
	}
}

func checkMap(path *field.Path, value any, typ reflect.Type) field.ErrorList {
	object, ok := value.(map[string]any)
	if !ok {
		return field.ErrorList{field.Invalid(path, hidden, "must be an object")}
	}
	var errs field.ErrorList
	for _, key := range slices.Sorted(maps.Keys(object)) {
		errs = append(errs, checkShape(path.Key(key), object[key], typ.Elem())...)
	}
	return errs
}

func checkList(path *field.Path, value any, typ reflect.Type) field.ErrorList {
	list, ok := value.([]any)
	if !ok {
		return field.ErrorList{field.Invalid(path, hidden, "must be a list")}
	}
	var errs field.ErrorList
	for i, item := range list {
		if item == nil {
			errs = append(errs, field.Invalid(path.Index(i), hidden, "must not be null"))
			continue
		}
		errs = append(errs, checkShape(path.Index(i), item, typ.Elem())...)
	}
	return errs
}

func checkKind(path *field.Path, value any, kind reflect.Kind) field.ErrorList {
	if _, isNumber := value.(json.Number); isNumber {
		return field.ErrorList{field.Invalid(path, hidden, "must be a "+kind.String())}
	}
	if reflect.TypeOf(value).Kind() != kind {
		return field.ErrorList{field.Invalid(path, hidden, "must be a "+kind.String())}
	}
	return nil
}

func checkInteger(path *field.Path, value any, typ reflect.Type) field.ErrorList {
	number, ok := value.(json.Number)
	if !ok {
		return field.ErrorList{field.Invalid(path, hidden, "must be a number")}
	}
	if _, err := strconv.ParseInt(number.String(), 10, typ.Bits()); err != nil {
		return field.ErrorList{field.Invalid(path, hidden, "must be a whole number of "+strconv.Itoa(typ.Bits())+" bits")}
	}
	return nil
}

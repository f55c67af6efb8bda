package cluster

import (
	"reflect"

	"k8s.io/apimachinery/pkg/runtime"
)

// contains says whether an object has every field of the wanted form with the wanted value. Other fields, such as
// those defaulted by the API server, do not count. So a settled cluster costs no request.
func contains(present any, wanted map[string]any) (bool, error) {
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(present)
	if err != nil {
		return false, err
	}
	// Informers do not fill these two.
	body["apiVersion"], body["kind"] = wanted["apiVersion"], wanted["kind"]
	return covers(body, wanted) && !surplus(body["data"], wanted["data"]), nil
}

// surplus says whether a ConfigMap holds a file that is not wanted: one that the spec named before an upgrade. Server-side
// apply removes it if it is ours; with somebody else's it changes nothing, and is not tried again.
func surplus(present, wanted any) bool {
	files, _ := present.(map[string]any)
	kept, isMap := wanted.(map[string]any)
	return isMap && len(files) > len(kept)
}

func covers(present, wanted any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		fields, isMap := present.(map[string]any)
		// An empty map and none mean the same.
		if !isMap && len(wanted) > 0 {
			return false
		}
		for key, value := range wanted {
			if !covers(fields[key], value) {
				return false
			}
		}
		return true
	case []any:
		items, isList := present.([]any)
		if len(items) != len(wanted) || !isList && len(wanted) > 0 {
			return false
		}
		for i := range wanted {
			if !covers(items[i], wanted[i]) {
				return false
			}
		}
		return true
	case nil:
		return true
	}
	return reflect.DeepEqual(present, wanted)
}

//go:build prove

package prove

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/lifecycle"
	"github.com/flink-operator/flink-operator/pkg/resources"
)

// judged has the mutations of all seeds with what the API server would say of them. Several tests need them.
var judged struct {
	once      sync.Once
	mutations []changedObject
}

func judgedMutations(t *testing.T) []changedObject {
	t.Helper()
	judged.once.Do(func() {
		root := specSchema(t)
		var mutations []changedObject
		for _, name := range slices.Sorted(maps.Keys(seeds())) {
			mutations = append(mutations, mutationsOf(name, document(t, seeds()[name]), root)...)
		}
		judgeBySchema(t, mutations)
		judged.mutations = mutations
	})
	require.NotEmpty(t, judged.mutations)
	return judged.mutations
}

// judgeBySchema asks the code of the API server, which is a program of its own, about the creation of each object.
func judgeBySchema(t *testing.T, mutations []changedObject) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "judge")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "judge"
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	var input, answers bytes.Buffer
	encoder := json.NewEncoder(&input)
	for _, mutation := range mutations {
		require.NoError(t, encoder.Encode(mutation.object))
	}
	judge := exec.CommandContext(t.Context(), program, crdFile)
	judge.Stdin, judge.Stdout, judge.Stderr = &input, &answers, os.Stderr
	require.NoError(t, judge.Run())
	decoder := json.NewDecoder(&answers)
	for i := range mutations {
		require.NoError(t, decoder.Decode(&mutations[i].complaints))
	}
}

// opinion is what the operator makes of an object.
type opinion struct {
	// unreadable says why Go cannot hold the object; the API server stores none of that kind.
	unreadable error
	errs       field.ErrorList
	// rendering is why no objects can be made, although nothing is wrong with the spec.
	rendering error
	// panicked is where the code gave up.
	panicked string
}

// refused says whether the operator has something against the object.
func (o opinion) refused() bool {
	return o.unreadable != nil || len(o.errs) > 0 || o.rendering != nil
}

// judgeByOperator does what the operator does with an object that it meets: defaults, rules, objects and decisions.
func judgeByOperator(object map[string]any) (found opinion) {
	defer func() {
		if reason := recover(); reason != nil {
			found.panicked = fmt.Sprint(reason)
		}
	}()
	document, err := json.Marshal(object)
	if err != nil {
		return opinion{unreadable: err}
	}
	cluster := &v1beta1.FlinkCluster{}
	if err := json.Unmarshal(document, cluster); err != nil {
		return opinion{unreadable: err}
	}
	v1beta1.SetDefaults(cluster)
	found.errs = append(v1beta1.Validate(cluster), resources.ValidatePodTemplates(&cluster.Spec)...)
	if len(found.errs) == 0 {
		// The operator never makes objects of a spec that is wrong.
		found.rendering = render(cluster)
	}
	decide(cluster, found.errs)
	return found
}

// render makes the objects of a cluster.
func render(cluster *v1beta1.FlinkCluster) error {
	input := resources.Input{Cluster: cluster, FlinkVersion: resources.FlinkVersion(&cluster.Spec)}
	_, err := resources.ConfigMap(input)
	if err != nil {
		return err
	}
	resources.JobManagerService(input)
	if cluster.Spec.Job != nil {
		input.Run = &resources.Run{Attempt: 1, JobID: lifecycle.JobID(cluster.UID, 1)}
		_, err = resources.JobManagerJob(input)
	} else {
		_, err = resources.JobManagerStatefulSet(input)
	}
	if err != nil {
		return err
	}
	_, err = resources.TaskManagerStatefulSet(input)
	return err
}

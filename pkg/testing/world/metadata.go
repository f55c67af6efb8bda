package world

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
	"github.com/flink-operator/flink-operator/pkg/testing/builders"
	"github.com/flink-operator/flink-operator/pkg/testing/fixture"
)

// OracleStoredGraph: a JobManager with high availability runs the job of its own pod, and not the one that the JobManagers of an
// older spec have stored.
const OracleStoredGraph Oracle = "stored-graph"

// The keys that Flink 2.x writes (org.apache.flink.kubernetes.utils.Constants).
const (
	graphKey      = "executionPlan-"
	checkpointKey = "checkpointID-"
)

// lead makes a process with high availability the one that runs the job: it goes on from the newest checkpoint in the metadata,
// else from what its arguments say. A job that has ended for good is not run again.
func (k *kubelet) lead(process *Process) {
	w := k.world
	process.leads.Store(true)
	if process.JobID == "" || w.hasEnded(process.JobID) {
		return
	}
	if takes := w.recoveryTakes(); takes > 0 && !process.first {
		time.AfterFunc(takes, func() {
			k.mutex.Lock()
			defer k.mutex.Unlock()
			if process.Leads() {
				k.recoverJob(process)
				k.signal()
			}
		})
		return
	}
	k.recoverJob(process)
}

func (k *kubelet) recoverJob(process *Process) {
	w := k.world
	k.recoverGraph(process)
	restore := process.restore
	checkpoints := k.metadata(process.checkpointsName(), process.haID)
	if keys := slices.Sorted(maps.Keys(checkpoints.Data)); len(keys) > 0 {
		restore = checkpoints.Data[keys[len(keys)-1]]
	} else if restore != "" && w.Storage.Exists(restore) {
		k.setMetadata(checkpoints, func(data map[string]string) { data[checkpointName(w.Storage.ID(restore))] = restore })
	}
	k.startJob(process, restore)
}

// SlowRecovery has JobManagers with high availability that start anew list their job only after a while.
func (w *World) SlowRecovery(takes time.Duration) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.recovery = takes
}

func (w *World) recoveryTakes() time.Duration {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.recovery
}

func checkpointName(number int64) string { return fmt.Sprintf("%s%019d", checkpointKey, number) }

// recoverGraph: what is stored is run, whatever the pod was made for. It is stored where nothing is.
func (k *kubelet) recoverGraph(process *Process) {
	held := k.metadata(process.haID+"-cluster-config-map", process.haID)
	key := graphKey + process.JobID
	if stored := held.Data[key]; stored != "" && stored != process.graph {
		k.world.Violate(OracleStoredGraph, "run %s goes on with the stored graph of %q, and its pod is made for %q", process.JobID, stored, process.graph)
	}
	k.setMetadata(held, func(data map[string]string) { data[key] = process.graph })
}

// graphOf is what the job of a pod is made of.
func graphOf(pod *corev1.Pod) string {
	return pod.Spec.Containers[0].Image + " " + strings.Join(pod.Spec.Containers[0].Args, " ")
}

// haIDOf is the identity in the arguments of a pod with high availability, empty without.
func haIDOf(pod *corev1.Pod) string {
	for _, argument := range pod.Spec.Containers[0].Args {
		if id, found := strings.CutPrefix(argument, "kubernetes.cluster-id="); found {
			return id
		}
	}
	return ""
}

func (p *Process) checkpointsName() string {
	return p.haID + "-" + p.JobID + "-config-map"
}

// metadata returns a ConfigMap, which it makes as Flink does where there is none.
func (k *kubelet) metadata(name, haID string) *corev1.ConfigMap {
	if held := fixture.Get[corev1.ConfigMap](k.world.t, k.world.API, builders.Namespace, name); held != nil {
		return held
	}
	held := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: builders.Namespace, Labels: map[string]string{v1beta1.LabelApp: haID, "type": "flink-native-kubernetes"},
	}}
	made, err := k.client.CoreV1().ConfigMaps(builders.Namespace).Create(k.world.ends, held, metav1.CreateOptions{})
	k.tolerate(err)
	if err != nil {
		return held
	}
	return made
}

func (k *kubelet) setMetadata(held *corev1.ConfigMap, change func(data map[string]string)) {
	if held.Data == nil {
		held.Data = map[string]string{}
	}
	change(held.Data)
	_, err := k.client.CoreV1().ConfigMaps(held.Namespace).Update(k.world.ends, held, metav1.UpdateOptions{})
	k.tolerate(err)
}

// CompleteCheckpoint completes a checkpoint, which the metadata points to where there is some.
func (p *Process) CompleteCheckpoint(jobID string) string {
	location := p.JobManager.CompleteCheckpoint(jobID)
	if p.haID == "" {
		return location
	}
	storage, kubelet := p.world.Storage, p.world.kubelet
	kubelet.setMetadata(kubelet.metadata(p.checkpointsName(), p.haID), func(data map[string]string) {
		data[checkpointName(storage.ID(location))] = location
		maps.DeleteFunc(data, func(_, pointer string) bool { return !storage.Exists(pointer) })
	})
	return location
}

// settle does what Flink does when a job has ended for good: its metadata goes, and it is remembered as ended.
func (p *Process) settle() {
	if p.haID == "" || p.JobID == "" || !p.leads.Load() || !p.Status(p.JobID).Terminal() || p.world.hasEnded(p.JobID) {
		return
	}
	w := p.world
	w.mutex.Lock()
	w.ended = append(w.ended, p.JobID)
	w.mutex.Unlock()
	w.kubelet.tolerate(w.kubelet.client.CoreV1().ConfigMaps(builders.Namespace).Delete(w.ends, p.checkpointsName(), metav1.DeleteOptions{}))
	w.kubelet.setMetadata(w.kubelet.metadata(p.haID+"-cluster-config-map", p.haID), func(data map[string]string) { delete(data, graphKey+p.JobID) })
}

func (w *World) hasEnded(jobID string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Contains(w.ended, jobID)
}

// succeed has one of the JobManagers that stand by lead where none does.
func (k *kubelet) succeed() {
	processes := k.world.Processes("")
	for _, standby := range processes {
		led := slices.ContainsFunc(processes, func(other *Process) bool { return other.Alive() && other.leads.Load() && other.haID == standby.haID })
		if standby.haID != "" && standby.Alive() && !led {
			k.lead(standby)
		}
	}
}

// RemoveMetadata deletes the metadata of a cluster's job, as somebody does who clears a namespace.
func (w *World) RemoveMetadata(cluster string) {
	w.t.Helper()
	for name := range w.Objects() {
		if strings.HasPrefix(name, "ConfigMap/"+cluster+".") {
			w.Remove(name)
		}
	}
}

// Metadata names the ConfigMaps of high availability that are there, with the number of the newest checkpoint in those of jobs.
func (w *World) Metadata(cluster string) map[string]int64 {
	w.t.Helper()
	found := map[string]int64{}
	for name, object := range w.Objects() {
		held, isConfigMap := object.(*corev1.ConfigMap)
		if !isConfigMap || !strings.HasPrefix(name, "ConfigMap/"+cluster+".") {
			continue
		}
		found[held.Name] = 0
		for key := range held.Data {
			if digits, isPointer := strings.CutPrefix(key, checkpointKey); isPointer {
				number, _ := strconv.ParseInt(digits, 10, 64)
				found[held.Name] = max(found[held.Name], number)
			}
		}
	}
	return found
}

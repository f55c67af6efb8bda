package flinkcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	nodePod = "node"
	// The node's folder for temporary files, and where the pod sees it.
	nodeFolder = "/tmp"
	seenFolder = "/node-tmp"
)

// node is a pod that sees the processes of a node and a folder there: the folder holds what the tests' jobs write,
// also after their pods are gone, and processes can be killed as a crash would end them.
type node struct {
	suite *Suite
	// namespace of the pod, also the name of the folder.
	namespace string
	// hostname is the label of the node on which everything runs.
	hostname string
}

func startNode(ctx context.Context, suite *Suite) (*node, error) {
	namespace, err := suite.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "flink-operator-tests-"},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	n := &node{suite: suite, namespace: namespace.Name}
	pods := suite.Kube.CoreV1().Pods(n.namespace)
	if _, err := pods.Create(ctx, n.pod(), metav1.CreateOptions{}); err != nil {
		return n, err
	}
	if _, err := suite.Kubectl(ctx, "wait", "-n", n.namespace, "pod/"+nodePod, "--for=condition=Ready", "--timeout", patience.String()); err != nil {
		return n, err
	}
	pod, err := pods.Get(ctx, nodePod, metav1.GetOptions{})
	if err != nil {
		return n, err
	}
	found, err := suite.Kube.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
	if err != nil {
		return n, err
	}
	n.hostname = found.Labels[corev1.LabelHostname]
	return n, nil
}

func (n *node) pod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: nodePod},
		Spec: corev1.PodSpec{
			HostPID:                       true,
			RestartPolicy:                 corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: new(int64(1)),
			Containers: []corev1.Container{{
				Name: nodePod, Image: n.suite.flinkImage, ImagePullPolicy: corev1.PullIfNotPresent,
				Command:         []string{"sleep", "infinity"},
				SecurityContext: &corev1.SecurityContext{RunAsUser: new(int64(0))},
				VolumeMounts:    []corev1.VolumeMount{{Name: "tmp", MountPath: seenFolder}},
			}},
			Volumes: []corev1.Volume{{
				Name: "tmp", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: nodeFolder}},
			}},
		},
	}
}

// stop removes the folder and the pod.
func (n *node) stop(ctx context.Context) error {
	_, err := n.run(ctx, "rm", "-rf", seenFolder+"/"+n.namespace)
	return errors.Join(err, n.suite.deleteNamespace(ctx, n.namespace))
}

func (s *Suite) deleteNamespace(ctx context.Context, name string) error {
	_, err := s.Kubectl(ctx, "delete", "namespace", name, "--timeout", patience.String())
	return err
}

// run executes a command as root on the node.
func (n *node) run(ctx context.Context, command ...string) (string, error) {
	return n.suite.Kubectl(ctx, append([]string{"exec", "-n", n.namespace, nodePod, "--"}, command...)...)
}

// makeFolder makes a folder that Flink's user may write to.
func (n *node) makeFolder(ctx context.Context, name string) error {
	_, err := n.run(ctx, "mkdir", "-p", "-m", "0777", seenFolder+"/"+n.namespace+"/"+name)
	return err
}

// folder is the path on the node of a folder made by makeFolder.
func (n *node) folder(name string) string {
	return nodeFolder + "/" + n.namespace + "/" + name
}

// list returns the names in a folder below one made by makeFolder; none if there is no such folder.
func (n *node) list(ctx context.Context, name string) ([]string, error) {
	return n.find(ctx, name, "-mindepth", "1", "-maxdepth", "1", "-printf", `%f\n`)
}

// listComplete returns the names in such a folder of those that have metadata, which Flink writes last.
func (n *node) listComplete(ctx context.Context, name string) ([]string, error) {
	files, err := n.find(ctx, name, "-mindepth", "2", "-maxdepth", "2", "-name", "_metadata", "-printf", `%P\n`)
	for i, file := range files {
		files[i] = path.Dir(file)
	}
	return files, err
}

func (n *node) find(ctx context.Context, name string, arguments ...string) ([]string, error) {
	output, err := n.run(ctx, append([]string{"find", seenFolder + "/" + n.namespace + "/" + name}, arguments...)...)
	if err != nil && strings.Contains(err.Error(), "No such file or directory") {
		return nil, nil
	}
	return strings.Fields(output), err
}

// findProcess prints the ids of the processes of a pod that have a certain name. Control groups are named after the
// pod's uid, with dashes or underscores.
const findProcess = `for process in /proc/[0-9]*; do
  if grep -qs "$1" "$process/cgroup" && [ "$(cat "$process/comm")" = "$2" ]; then echo "${process#/proc/}"; fi
done`

// process returns the id on the node of the one process of a pod that has a certain name.
func (n *node) process(ctx context.Context, pod *corev1.Pod, name string) (string, error) {
	pattern := strings.ReplaceAll(string(pod.UID), "-", "[-_]")
	var found string
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		output, err := n.run(ctx, "sh", "-c", findProcess, "find-process", pattern, name)
		found = strings.TrimSpace(output)
		return len(strings.Fields(found)) == 1, err
	})
	if err != nil {
		return "", fmt.Errorf("looking for the process %s of pod %s, found %q: %w", name, pod.Name, found, err)
	}
	return found, nil
}

// kill ends a process as a crash would.
func (n *node) kill(ctx context.Context, pod *corev1.Pod, name string) error {
	return n.signal(ctx, pod, name, "KILL")
}

// signal sends a signal to a process.
func (n *node) signal(ctx context.Context, pod *corev1.Pod, name, signal string) error {
	process, err := n.process(ctx, pod, name)
	if err != nil {
		return err
	}
	_, err = n.run(ctx, "kill", "-s", signal, process)
	return err
}

// killWhatIsFound kills all that findProcess would print.
const killWhatIsFound = `for process in /proc/[0-9]*; do
  if grep -qs "$1" "$process/cgroup" && [ "$(cat "$process/comm")" = "$2" ]; then kill -9 "${process#/proc/}" && echo killed; fi
done`

// killAtOnce ends a process as a crash would, with one command only: on a busy machine each takes its time.
func (n *node) killAtOnce(ctx context.Context, pod *corev1.Pod, name string) error {
	output, err := n.run(ctx, "sh", "-c", killWhatIsFound, "kill-process", strings.ReplaceAll(string(pod.UID), "-", "[-_]"), name)
	if err == nil && strings.TrimSpace(output) != "killed" {
		err = fmt.Errorf("killing the process %s of pod %s: %q", name, pod.Name, output)
	}
	return err
}

// trigger is a kill that waits for a word.
type trigger struct {
	command *exec.Cmd
	input   io.WriteCloser
}

// armKill starts a shell on the node that kills a process as soon as it is told to.
func (n *node) armKill(ctx context.Context, pod *corev1.Pod, name string) (*trigger, error) {
	process, err := n.process(ctx, pod, name)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, n.suite.kubectl, "exec", "-i", "-n", n.namespace, nodePod, "--",
		"sh", "-c", `echo armed; read -r word && kill -9 "$1"`, "kill", process)
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		return nil, fmt.Errorf("waiting for a shell on the node, got %q: %w", line, err)
	}
	return &trigger{command: command, input: input}, nil
}

func (t *trigger) pull() error {
	if _, err := io.WriteString(t.input, "now\n"); err != nil {
		return err
	}
	return t.command.Wait()
}

package resources

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// TestArgumentsSurvive: any text in arguments, class and paths reaches the process byte for byte.
func TestArgumentsSurvive(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	alphabet := []rune("ab1 -=$(){}'\"`\\;&|<>*?#\n\té😀")
	for range 3000 {
		cluster := newJobCluster()
		job := cluster.Spec.Job
		job.Args = nil
		for range random.IntN(5) {
			job.Args = append(job.Args, randomText(random, alphabet, 10))
		}
		job.ClassName = "a." + randomText(random, alphabet, 10)
		in := inputFor(cluster)
		in.Run.RestoreFrom = "s3://" + randomText(random, alphabet, 10)

		received := expand(mainArguments(t, in), map[string]string{"a": "WRONG", "HOME": "WRONG"})
		options, program := splitProgram(received)
		require.Equal(t, []string{"standalone-job", "--job-classname", job.ClassName, "--job-id", testJobID, "--fromSavepoint", in.Run.RestoreFrom}, options)
		require.Equal(t, job.Args, program)
	}
}

func TestProgramArgumentsThatLookLikeOptions(t *testing.T) {
	cluster := newJobCluster()
	for _, arguments := range [][]string{nil, {"--"}, {"--", "--"}, {"-s", "x"}, {"-Dk=v"}, {"--job-id", "0"}, {"$(HOME)", "$$", "$"}, {""}} {
		cluster.Spec.Job.Args = arguments
		_, program := splitProgram(expand(mainArguments(t, inputFor(cluster)), map[string]string{"HOME": "WRONG"}))
		require.Equal(t, arguments, program)
	}
}

func TestPropertiesAsArgumentsSurvive(t *testing.T) {
	cluster := newJobCluster()
	cluster.Spec.FlinkProperties = map[string]string{"k": "$(HOME) # $$x"}
	in := inputFor(cluster)
	in.FlinkVersion = ""
	received := expand(mainArguments(t, in), map[string]string{"HOME": "WRONG"})
	require.Equal(t, []string{"-D", "k=$(HOME) # $$x"}, received[len(received)-2:])
	taskManager, err := TaskManagerStatefulSet(in)
	require.NoError(t, err)
	received = expand(taskManager.Spec.Template.Spec.Containers[0].Args, map[string]string{"HOME": "WRONG", "POD_NAME": "tm-0", "POD_IP": "10.0.0.1"})
	require.Equal(t, []string{"taskmanager", "-Dtaskmanager.resource-id=tm-0", "-Dtaskmanager.host=10.0.0.1", "-D", "k=$(HOME) # $$x"}, received)
}

// TestStagingScript runs the script of the init container in a shell, with names that a shell would like to read.
func TestStagingScript(t *testing.T) {
	for _, name := range []string{"job.jar", "a b.jar", "-rf.jar", "$(touch pwned).jar", "'`;&|*?.jar", "\n.jar", "é😀.jar"} {
		folder := t.TempDir()
		image, jars, staged := filepath.Join(folder, "image"), filepath.Join(folder, "jars"), filepath.Join(folder, "staged")
		for _, path := range []string{filepath.Join(image, "lib"), jars, staged} {
			require.NoError(t, os.MkdirAll(path, 0o755))
		}
		require.NoError(t, os.WriteFile(filepath.Join(image, "lib", "dependency.jar"), []byte("dependency"), 0o644))
		require.NoError(t, os.Symlink(filepath.Join(image, "lib", "dependency.jar"), filepath.Join(image, "link.jar")))
		require.NoError(t, os.WriteFile(filepath.Join(jars, name), []byte("job"), 0o644))

		cluster := newJobCluster()
		cluster.Spec.Job.JarFile = filepath.Join(jars, name)
		command := expand(stagingCommand(t, cluster.Spec.Job.JarFile), map[string]string{"touch pwned": "WRONG"})
		require.Equal(t, cluster.Spec.Job.JarFile, command[5])
		command[4], command[6] = image, staged
		shell := exec.CommandContext(t.Context(), command[0], command[1:]...)
		shell.Dir = folder
		output, err := shell.CombinedOutput()
		require.NoError(t, err, string(output))

		for path, content := range map[string]string{name: "job", "lib/dependency.jar": "dependency", "link.jar": "dependency"} {
			read, err := os.ReadFile(filepath.Join(staged, path))
			require.NoError(t, err)
			require.Equal(t, content, string(read))
		}
		require.NoFileExists(t, filepath.Join(folder, "pwned"))
	}
}

func TestJarToStage(t *testing.T) {
	for jarFile, expected := range map[string]string{
		"":                                  "",
		"/opt/flink/usrlib/job.jar":         "/opt/flink/usrlib/job.jar",
		"local:///opt/flink/usrlib/job.jar": "/opt/flink/usrlib/job.jar",
		"usrlib/job.jar":                    "/opt/flink/usrlib/job.jar",
		"./usrlib/more/job.jar":             "/opt/flink/usrlib/more/job.jar",
		"/opt/flink/usrlib/../job.jar":      "/opt/flink/job.jar",
		"examples/job.jar":                  "/opt/flink/examples/job.jar",
		"local:///jobs/a%20b.jar":           "/jobs/a%20b.jar",
		"/opt/flink/usrlib2/job.jar":        "/opt/flink/usrlib2/job.jar",
	} {
		require.Equal(t, expected, jarPath(jarFile), jarFile)
	}
}

func stagingCommand(t *testing.T, jarFile string) []string {
	t.Helper()
	cluster := newJobCluster()
	cluster.Spec.Job.JarFile = jarFile
	job, err := JobManagerJob(inputFor(cluster))
	require.NoError(t, err)
	containers := job.Spec.Template.Spec.InitContainers
	index := slices.IndexFunc(containers, func(container corev1.Container) bool { return container.Name == stagingContainer })
	require.GreaterOrEqual(t, index, 0)
	return slices.Clone(containers[index].Command)
}

func mainArguments(t *testing.T, in Input) []string {
	t.Helper()
	job, err := JobManagerJob(in)
	require.NoError(t, err)
	return job.Spec.Template.Spec.Containers[0].Args
}

// splitProgram cuts where Flink's parser does: what follows the first "--" goes to the main method. No option of
// ours takes "--" as its value, because the parser would not either.
func splitProgram(arguments []string) (options, program []string) {
	if index := slices.Index(arguments, "--"); index >= 0 {
		return arguments[:index], arguments[index+1:]
	}
	return arguments, nil
}

// expand replaces $(NAME) as the kubelet does: unknown names stay, "$$" is a dollar sign.
func expand(arguments []string, variables map[string]string) []string {
	expanded := make([]string, len(arguments))
	for i, argument := range arguments {
		var text strings.Builder
		for argument != "" {
			before, after, found := strings.Cut(argument, "$")
			text.WriteString(before)
			if !found {
				break
			}
			name, rest, closed := strings.Cut(strings.TrimPrefix(after, "("), ")")
			value, known := variables[name]
			switch {
			case strings.HasPrefix(after, "$"):
				text.WriteString("$")
				argument = after[1:]
			case strings.HasPrefix(after, "(") && closed && known:
				text.WriteString(value)
				argument = rest
			default:
				text.WriteString("$")
				argument = after
			}
		}
		expanded[i] = text.String()
	}
	return expanded
}

package options

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

const kubeconfig = `
apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "https://kubernetes.example:6443"}}]
users: [{name: a, user: {token: secret}}]
`

func parse(t *testing.T, arguments ...string) *Options {
	t.Helper()
	opts := New()
	flags := pflag.NewFlagSet("flink-operator", pflag.ContinueOnError)
	opts.AddFlags(flags)
	require.NoError(t, flags.Parse(arguments))
	return opts
}

func writeKubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, []byte(kubeconfig), 0o600))
	return path
}

func TestDefaultsInAPod(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "flink-operator-system")
	config, err := parse(t, "--kubeconfig", writeKubeconfig(t)).Complete()
	require.NoError(t, err)
	require.Empty(t, config.Namespaces)
	require.Equal(t, 4, config.Workers)
	require.Equal(t, ":8080", config.HTTPAddress)
	require.True(t, config.LeaderElect)
	require.Equal(t, "flink-operator-system", config.LeaderElectNamespace)

	other, err := parse(t, "--kubeconfig", writeKubeconfig(t)).Complete()
	require.NoError(t, err)
	require.NotEqual(t, config.Identity, other.Identity)
}

func TestFlags(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "")
	config, err := parse(t, "--namespaces=b,a,b", "--namespaces", "c", "--leader-elect=false", "--http-address=127.0.0.1:0",
		"--workers=64", "--kubeconfig", writeKubeconfig(t), "-v=3").Complete()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, config.Namespaces)
	require.False(t, config.LeaderElect)
	require.Equal(t, 64, config.Workers)
	require.Equal(t, "127.0.0.1:0", config.HTTPAddress)
	require.True(t, parse(t, "--version").ShowVersion)
}

func TestClientConfig(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "a")
	config, err := parse(t, "--kubeconfig", writeKubeconfig(t)).Complete()
	require.NoError(t, err)
	first, second := config.ClientConfig("leader-election"), config.ClientConfig("children")
	require.Equal(t, "https://kubernetes.example:6443", first.Host)
	require.NotEqual(t, first.UserAgent, second.UserAgent)
	require.Negative(t, first.QPS)
	require.NotSame(t, first, second)
}

// Outside a pod the file named by $KUBECONFIG counts.
func TestKubeconfigOfTheEnvironment(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBECONFIG", writeKubeconfig(t))
	config, err := parse(t, "--leader-elect=false").Complete()
	require.NoError(t, err)
	require.Equal(t, "https://kubernetes.example:6443", config.ClientConfig("").Host)
}

// An error names the flag, the value and what would be accepted.
func TestValidate(t *testing.T) {
	t.Setenv("POD_NAMESPACE", "")
	for arguments, want := range map[string][]string{
		"--leader-elect=true":                               {"--leader-elect-namespace: must be set", "--leader-elect=false"},
		"--leader-elect-namespace=A":                        {`--leader-elect-namespace: "A"`, "lower case"},
		"--leader-elect=false --namespaces=a,,b":            {`--namespaces: ""`},
		"--leader-elect=false --namespaces=a.b":             {`--namespaces: "a.b"`, "must not contain dots"},
		"--leader-elect=false --workers=0":                  {"--workers: 0 is not in 1 to 64"},
		"--leader-elect=false --workers=65":                 {"--workers: 65 is not in 1 to 64"},
		"--leader-elect=false --http-address=8080":          {`--http-address: "8080"`, ":8080"},
		"--leader-elect=false --http-address=:http":         {`--http-address: ":http"`},
		"--leader-elect=false --http-address=:70000":        {`--http-address: ":70000"`},
		"--workers=-1 --namespaces=A --http-address=a":      {"--workers", "--namespaces", "--http-address", "--leader-elect-namespace"},
		"--leader-elect=false --kubeconfig=/does/not/exist": {"--kubeconfig", "/does/not/exist"},
	} {
		_, err := parse(t, strings.Fields(arguments)...).Complete()
		for _, part := range want {
			require.ErrorContains(t, err, part, arguments)
		}
	}
}

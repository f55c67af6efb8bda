package resources

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// awkwardValues would be something else than the string they are if they stood in a YAML file without quotes, or
// could not be read by the old parser. All of them were read back unchanged by Flink 1.14.6, 1.16.3, 1.18.1, 1.20.1
// (both files) and 2.1.3.
var awkwardValues = []string{
	"", " ", " lead", "trail ", "a # b", "a#b", "#", "a: b", "a:", ":", "- x", "-", "-5", "+5", ".5", "1.10", "1e3", "0x10", "0o7", "0123", "1_000",
	"12:30:45", "2020-01-01", "true", "false", "True", "yes", "No", "ON", "off", "y", "N", "null", "NULL", "~", "<<", "---", "...", "[a, b]", "{a: b}",
	"*x", "&x", "!x", "%x", "@x", "`x`", "| x", "> x", "? x", `"x"`, "'x'", `a\b\n`, "a\nb", "a\r", "a\tb", "\x00", "\x7f", "\u0085", "\u2028", "é😀", "a, b",
	"a;b;c", "a:1,b:2", "${env:X}", "$(X)", "s3://a:9000/b?c=d&e", ".inf", ".nan", "123456789012345678901234567890", "10 s", "1024m", "8081", "0", "00",
}

func TestConfigFiles(t *testing.T) {
	for _, value := range awkwardValues {
		requireRead(t, map[string]string{"key": value, "other": "x"})
	}
	for _, name := range []string{"off", "y", "key", "a.b", "$internal.x", "*", "[", "'", "-", "1", "~", "é", "!a", "a/b"} {
		require.True(t, isOptionName(name), name)
		requireRead(t, map[string]string{name: "x"})
	}
}

func TestConfigFilesRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("ab01 .:-_#'\"\\\n\t{}[],&*!|>%@`?~=;$()é😀\u0085\u2028")
	for range 20000 {
		requireRead(t, map[string]string{"key": randomText(random, alphabet, 8), "next": "x"})
	}
}

func TestPlainValues(t *testing.T) {
	for _, value := range []string{"8081", "0", "true", "1638m", "10 s", "sales.shop", "s3://a:9000/b", "/opt/flink", "RETAIN_ON_CANCELLATION", "a;b"} {
		require.Equal(t, "key: "+value+"\n", renderYAML(map[string]string{"key": value}), "readable without quotes")
	}
}

// requireRead reads both files, the old one together with the arguments, as Flink does.
func requireRead(t *testing.T, properties map[string]string) {
	t.Helper()
	file := renderYAML(properties)
	for _, unmarshal := range []func([]byte, any) error{
		func(data []byte, into any) error { return yaml.UnmarshalStrict(data, into) },
		yamlv3.Unmarshal,
	} {
		read := map[string]any{}
		require.NoError(t, unmarshal([]byte(file), &read), file)
		require.Len(t, read, len(properties), file)
		for name, value := range properties {
			requireSame(t, value, read[name], file)
		}
	}
	old := readLegacy(renderLegacy(properties))
	for name, value := range properties {
		if !isLegacyValue(value) {
			require.NotContains(t, old, name)
			old[name] = value
		}
	}
	require.Equal(t, properties, old)
}

// requireSame accepts what YAML types if its text is the same: Flink asks a value for its text.
func requireSame(t *testing.T, expected string, read any, file string) {
	t.Helper()
	if text, ok := read.(string); ok {
		require.Equal(t, expected, text, file)
		return
	}
	encoded, err := yaml.Marshal(read)
	require.NoError(t, err)
	require.Equal(t, expected, strings.TrimSpace(string(encoded)), file)
}

// readLegacy is the parser of flink-conf.yaml, as in GlobalConfiguration of Flink 1.14 to 1.20.
func readLegacy(file string) map[string]string {
	trim := func(text string) string { return strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }) }
	properties := map[string]string{}
	lines := strings.FieldsFunc(file, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines {
		content, _, _ := strings.Cut(line, "#")
		name, value, found := strings.Cut(trim(content), ": ")
		if found && trim(name) != "" && trim(value) != "" {
			properties[trim(name)] = trim(value)
		}
	}
	return properties
}

func randomText(random *rand.Rand, alphabet []rune, length int) string {
	text := make([]rune, random.IntN(length+1))
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}

func TestDynamicProperties(t *testing.T) {
	cluster := newJobCluster()
	cluster.Spec.FlinkProperties = map[string]string{"b": "x#y", "a": "", "fine": "x"}
	for version, expected := range map[string][]string{
		"": {"-D", "a=", "-D", "b=x#y"}, "1.20.1": {"-D", "a=", "-D", "b=x#y"}, "2.0": nil,
	} {
		in := inputFor(cluster)
		in.FlinkVersion = version
		require.Equal(t, expected, dynamicProperties(in), version)
	}
}

func TestConfigMapRefusesLogConfig(t *testing.T) {
	for _, name := range []string{"config.yaml", "flink-conf.yaml", "a/b", ""} {
		cluster := newJobCluster()
		cluster.Spec.LogConfig = map[string]string{name: "x"}
		_, err := ConfigMap(inputFor(cluster))
		require.ErrorContains(t, err, "spec.logConfig["+name+"]")
	}
}

package resources

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	plainName = regexp.MustCompile(`^[A-Za-z$][A-Za-z0-9$._/-]*$`)
	// plainText is a YAML scalar that is a string in every version of YAML and needs no quotes: a colon is never
	// followed by a blank, a reserved word is not among them (see yamlWords).
	plainText = regexp.MustCompile(`^[A-Za-z/](?:[A-Za-z0-9/_.@=;~$+-]|:[A-Za-z0-9/]| [A-Za-z0-9/_.+-])*$`)
	// plainNumber is a number that is written back as it was read, or a number with one of Flink's units.
	plainNumber = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,8}|[1-9][0-9]{0,8} ?(?:ms|s|min|h|d|kb?|mb?|gb?))$`)
	yamlWords   = []string{"y", "n", "yes", "no", "on", "off", "null"}
)

// renderYAML writes config.yaml, the file of Flink 1.19 and newer, as flat names. A value reaches Flink as exactly
// the string it is: quoted if YAML would make something else of it.
func renderYAML(properties map[string]string) string {
	var file strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		key := name
		if !plainName.MatchString(name) || isYAMLWord(name) {
			key = quoteYAML(name)
		}
		value := properties[name]
		if !isPlainValue(value) {
			value = quoteYAML(value)
		}
		file.WriteString(key + ": " + value + "\n")
	}
	return file.String()
}

func isPlainValue(value string) bool {
	if value == "true" || value == "false" || plainNumber.MatchString(value) {
		return true
	}
	return plainText.MatchString(value) && !isYAMLWord(value)
}

func isYAMLWord(text string) bool {
	lower := strings.ToLower(text)
	return lower == "true" || lower == "false" || slices.Contains(yamlWords, lower)
}

// quoteYAML uses Go's escapes, all of which YAML has with the same meaning as long as the text is valid UTF-8.
func quoteYAML(text string) string {
	return strconv.Quote(strings.ToValidUTF8(text, "\uFFFD"))
}

// renderLegacy writes flink-conf.yaml, the file of Flink up to 1.20. Its parser knows neither quotes nor escapes, cuts
// a line at the first "#" and drops blanks around a value; what it cannot read is left to dynamicProperties.
func renderLegacy(properties map[string]string) string {
	var file strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if isLegacyValue(properties[name]) {
			file.WriteString(name + ": " + properties[name] + "\n")
		}
	}
	return file.String()
}

func isLegacyValue(value string) bool {
	// Java's trim takes away every character up to the blank, so other blanks at the ends may stay.
	return value != "" && value == strings.Trim(value, " ") && !strings.Contains(value, "#") && !strings.ContainsFunc(value, unicode.IsControl) &&
		!strings.ContainsAny(value, "\u2028\u2029")
}

// dynamicProperties are the arguments that set what flink-conf.yaml cannot hold. From 2.0 on that file is not read.
// "-D" is a word of its own: the script behind "jobmanager" takes any other first word for a host name.
func dynamicProperties(in Input) []string {
	if parseRelease(in.FlinkVersion).atLeast(2, 0) {
		return nil
	}
	properties := Properties(in)
	var arguments []string
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !isLegacyValue(properties[name]) {
			arguments = append(arguments, "-D", name+"="+properties[name])
		}
	}
	return arguments
}

package resources

import "strings"

// The modules of the Java runtime that Flink reaches into. Its own configuration file, which the ConfigMap hides,
// has the same list from 1.18 on.
var (
	javaExports = []string{
		"java.base/sun.net.util",
		"java.rmi/sun.rmi.registry",
		"jdk.compiler/com.sun.tools.javac.api",
		"jdk.compiler/com.sun.tools.javac.file",
		"jdk.compiler/com.sun.tools.javac.parser",
		"jdk.compiler/com.sun.tools.javac.tree",
		"jdk.compiler/com.sun.tools.javac.util",
		"java.security.jgss/sun.security.krb5",
	}
	javaOpens = []string{
		"java.lang",
		"java.net",
		"java.io",
		"java.nio",
		"sun.nio.ch",
		"java.lang.reflect",
		"java.text",
		"java.time",
		"java.util",
		"java.util.concurrent",
		"java.util.concurrent.atomic",
		"java.util.concurrent.locks",
	}
)

// javaOptions returns the option with which Flink runs on Java 17. From 1.19 there is one beside the user's own
// options; before that, and where the version is unknown, the list goes in front of the user's.
func javaOptions(user map[string]string, flink release) map[string]string {
	const besideUser, shared, oldShared = "env.java.default-opts.all", "env.java.opts.all", "env.java.opts"
	if flink.before(1, 18) {
		// These versions do not run on Java 17.
		return nil
	}
	if flink.atLeast(1, 19) {
		if hasAny(user, []string{besideUser}) {
			return nil
		}
		return map[string]string{besideUser: moduleAccess()}
	}
	name := shared
	if !hasAny(user, []string{shared}) && hasAny(user, []string{oldShared}) {
		name = oldShared
	}
	return map[string]string{name: strings.TrimSpace(moduleAccess() + " " + unquoted(user[name]))}
}

func moduleAccess() string {
	// An unknown version may run on Java 8, which does not know modules.
	options := []string{"-XX:+IgnoreUnrecognizedVMOptions"}
	for _, export := range javaExports {
		options = append(options, "--add-exports="+export+"=ALL-UNNAMED")
	}
	for _, open := range javaOpens {
		options = append(options, "--add-opens=java.base/"+open+"=ALL-UNNAMED")
	}
	return strings.Join(options, " ")
}

// unquoted takes away quotes around the whole value, as Flink's scripts do; behind other options they would not.
func unquoted(value string) string {
	if len(value) >= 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
		return value[1 : len(value)-1]
	}
	return value
}

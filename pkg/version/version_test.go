package version

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUserAgent(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^flink-operator/dev \(\w+/\w+\)$`, UserAgent(""))
	require.Regexp(t, `^flink-operator/dev \(\w+/\w+\) leader-election$`, UserAgent("leader-election"))
}

package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
)

// JobID returns the Flink job id of a run: 32 hexadecimal digits that follow from the cluster and the number of the
// run, so that starting the same run again is the same effect. Each run has an id of its own, because Flink must not
// find the checkpoints of another run under it.
func JobID(cluster types.UID, attempt int32) string {
	return identity("job", cluster, int64(attempt))
}

// TriggerID returns the Flink trigger id of a savepoint request. Flink starts nothing for a trigger id that it knows.
func TriggerID(cluster types.UID, request int64) string {
	return identity("savepoint", cluster, request)
}

func identity(kind string, cluster types.UID, number int64) string {
	sum := sha256.Sum256([]byte(kind + "/" + string(cluster) + "/" + strconv.FormatInt(number, 10)))
	return hex.EncodeToString(sum[:16])
}

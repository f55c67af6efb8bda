package status

import (
	"encoding/json"
	"hash/fnv"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/flink-operator/flink-operator/pkg/apis/flinkoperator/v1beta1"
)

// contentionPause is how long a write waits after another writer of the same status was noticed.
const contentionPause = time.Second

// contention notices that somebody else writes a status too: another leader, for as long as two overlap (one was
// frozen, or cut off from its lease). Where one of them sees an older world than the other, each would take the
// other's write back as fast as the watch brings it. Both slow down instead; what they do is harmless (intent before
// effect), it must only not be endless work for the API server.
type contention struct {
	mutex sync.Mutex
	last  map[cache.ObjectName]lastSeen
}

// lastSeen is the status that the key had when this process last wrote it or found that somebody else had.
type lastSeen struct {
	uid    string
	digest uint64
	// until is when the next write may be made.
	until time.Time
}

func newContention() *contention {
	return &contention{last: map[cache.ObjectName]lastSeen{}}
}

// wrote remembers what this process has stored.
func (c *contention) wrote(key cache.ObjectName, stored *v1beta1.FlinkCluster) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	until := c.last[key].until
	c.last[key] = lastSeen{uid: string(stored.UID), digest: digest(&stored.Status), until: until}
}

// pause says for how long a write on top of this status has to wait: not at all unless somebody else has changed the
// status since this process wrote it.
func (c *contention) pause(key cache.ObjectName, before *v1beta1.FlinkCluster, now time.Time) time.Duration {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	last, known := c.last[key]
	if !known || last.uid != string(before.UID) {
		return 0
	}
	if found := digest(&before.Status); found != last.digest {
		last.digest, last.until = found, now.Add(contentionPause)
		c.last[key] = last
	}
	return last.until.Sub(now)
}

func (c *contention) forget(key cache.ObjectName) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.last, key)
}

// digest tells two versions of a status apart.
func digest(status *v1beta1.FlinkClusterStatus) uint64 {
	sum := fnv.New64a()
	// Neither the encoding of our own type nor a hash can fail.
	_ = json.NewEncoder(sum).Encode(status)
	return sum.Sum64()
}

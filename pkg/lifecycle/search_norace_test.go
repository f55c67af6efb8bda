//go:build !race

package lifecycle

// slowness is how much longer a search takes than without the race detector.
const slowness = 1

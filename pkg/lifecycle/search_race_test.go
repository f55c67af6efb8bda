//go:build race

package lifecycle

// slowness is how much longer the race detector makes a search take: so much less is searched.
const slowness = 6

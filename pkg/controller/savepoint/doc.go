// Package savepoint is the loop that owns the savepoint slot: it alone moves a request on, from its record to Flink
// and to its result, and it files what is due by generation, nonce and schedule.
//
// It may import lifecycle, the view and the queue. It never waits for Flink and never imports another loop.
package savepoint

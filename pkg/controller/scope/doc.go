// Package scope puts together what works on one namespace, or on all: the informers, the status updater, the Flink
// observer and the three loops with their queues.
//
// It may import everything below it. It decides nothing: it only says what wakes what.
package scope

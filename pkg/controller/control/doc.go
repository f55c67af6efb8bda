// Package control is the loop behind the user-control annotation: it takes a request in or refuses it, follows it to
// its end, and removes the annotation once the result is stored.
//
// It may import lifecycle, the view and the queue. It never talks to Flink and never imports another loop.
package control

// Package queue runs the loops: one generic runner that takes keys from a typed work queue and calls a sync
// function, the same for every loop.
//
// Here are settled, once and with tests, the things that each loop would otherwise get wrong on its own: a key is
// worked on by one worker at a time, failures back off and are forgotten on every path of success, a panic costs one
// key and not the program, an item has a deadline, and after the end of the context nothing new is begun.
//
// It may import client-go and apimachinery. It must never know what a key stands for: no types of ours, no Flink.
package queue

package observer

import (
	"container/heap"
	"time"
)

// entry is the place of one record in a schedule.
type entry struct {
	record *record
	at     time.Time
	// position is the place in the heap plus one, so that the zero value means "not planned".
	position int
}

func (e *entry) planned() bool {
	return e.position > 0
}

// schedule is a heap of entries by time: finding and moving the next of 10,000 clusters costs a few comparisons.
type schedule struct {
	heap entryHeap
}

func (s *schedule) plan(e *entry, at time.Time) {
	e.at = at
	if e.planned() {
		heap.Fix(&s.heap, e.position-1)
		return
	}
	heap.Push(&s.heap, e)
}

func (s *schedule) remove(e *entry) {
	if e.planned() {
		heap.Remove(&s.heap, e.position-1)
	}
}

// next returns the earliest entry, nil where there is none.
func (s *schedule) next() *entry {
	if len(s.heap) == 0 {
		return nil
	}
	return s.heap[0]
}

// entryHeap implements heap.Interface.
type entryHeap []*entry

func (h entryHeap) Len() int           { return len(h) }
func (h entryHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }

func (h entryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].position, h[j].position = i+1, j+1
}

func (h *entryHeap) Push(element any) {
	added, _ := element.(*entry)
	*h = append(*h, added)
	added.position = len(*h)
}

func (h *entryHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	last.position = 0
	return last
}

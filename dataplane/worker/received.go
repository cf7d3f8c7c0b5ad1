package worker

// Received returns how many frames the source has handed over. A loop that finds it
// unchanged after a Step knows that the line is silent.
func (w *Worker) Received() uint64 { return w.counts[Received] }

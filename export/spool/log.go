package spool

// Log keeps messages on disk, in order.
type Log struct{ o Options }

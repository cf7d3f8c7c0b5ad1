package ipfix

// Snapshot appends every template so far, and the options that do not change, for a process that may
// have others.
func (f *Format) Snapshot(dst []byte) []byte {
	var none [32]byte
	return f.preface(dst, none[:f.shape.header])
}

// Resume appends the message that comes before next in a connection that begins with it. The snapshot
// was taken before a message of sequence number 0.
func (f *Format) Resume(dst, snapshot, next []byte) []byte {
	if len(next) < f.shape.header || len(snapshot) < f.shape.header {
		return dst
	}
	base := len(dst)
	dst = append(dst, next[:f.shape.header]...)
	dst = append(dst, snapshot[f.shape.header:]...)
	copy(dst[base+2:], snapshot[2:4]) // length or count
	at := f.shape.sequence
	be.PutUint32(dst[base+at:], be.Uint32(next[at:])+be.Uint32(snapshot[at:]))
	return dst
}

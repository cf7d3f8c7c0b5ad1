package route

// Listener is all that listens to routers. What they tell is in Table.
type Listener struct {
	Table   *Table
	speaker *Speaker
	station *Station
}

// Listen begins to listen for BGP and BMP, as far as options say where. failed is told of what goes wrong
// later, by any goroutine.
func Listen(o Options, failed func(error)) (l *Listener, err error) {
	l = &Listener{Table: NewTable(o.Routes)}
	if o.Listen != "" {
		l.speaker, err = ListenBGP(o, l.Table, failed)
	}
	if err == nil && o.BMP != "" {
		l.station, err = ListenBMP(o, l.Table, failed)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Close ends all sessions.
func (l *Listener) Close() {
	if l.speaker != nil {
		l.speaker.Close()
	}
	if l.station != nil {
		l.station.Close()
	}
}

package collect

import (
	"errors"
	"fmt"
	"time"
)

// Start listens to all places, and to files after that. What cannot be opened is an error, and then
// nothing is.
func (c *Collector) Start() error {
	var sockets []func()
	for _, text := range c.o.Listen {
		p, err := ParsePlace(text)
		if err == nil {
			err = c.open(p, &sockets)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("collector %s: %w", c.o.Name, err), c.shut())
		}
	}
	if err := c.openRelay(); err != nil {
		return errors.Join(fmt.Errorf("collector %s: %w", c.o.Name, err), c.shut())
	}
	for _, begin := range sockets {
		c.group.Add(1)
		go begin()
	}
	c.group.Add(1)
	go c.watch()
	if len(c.o.Files) > 0 {
		c.group.Add(1)
		go c.files()
	}
	return nil
}

// open opens a place, and adds what begins to serve it.
func (c *Collector) open(p Place, begin *[]func()) error {
	if p.Network != "udp" {
		l, err := c.listenStream(p)
		if err != nil {
			return err
		}
		c.closers = append(c.closers, l.Close)
		*begin = append(*begin, func() { c.accept(l) })
		return nil
	}
	for _, w := range c.workers {
		s, err := listenUDP(p.Address, int(c.o.Buffer))
		if err != nil {
			return err
		}
		*begin = append(*begin, func() { c.serve(w, s) })
	}
	return nil
}

// files reads the files once; a collector that has nothing else ends with them.
func (c *Collector) files() {
	defer c.group.Done()
	w := c.workers[0]
	for _, path := range c.o.Files {
		if err := c.readFile(w, path); err != nil {
			c.say("file was not collected as a whole", "collector", c.o.Name, "file", path, "error", err)
		}
	}
}

// shut closes what listens.
func (c *Collector) shut() (err error) {
	for _, f := range c.closers {
		err = errors.Join(err, f())
	}
	c.closers = nil
	return err
}

// Close stops listening, hands over what was received and ends the rings. What the rings hold can
// still be read.
func (c *Collector) Close() error {
	c.Stop()
	err := c.shut()
	c.group.Wait()
	c.finish()
	if c.relay != nil {
		err = errors.Join(err, c.relay.close())
	}
	return errors.Join(err, c.save(), c.learnt.save(c.o.Learn))
}

// watch looks once a second who is silent, and what templates are old, until the collector stops.
func (c *Collector) watch() {
	defer c.group.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	saved := uint64(0)
	for n := 1; ; n++ {
		select {
		case <-c.done:
			return
		case now := <-tick.C:
			c.look(now)
		}
		if n%30 == 0 {
			if err := c.learnt.save(c.o.Learn); err != nil {
				c.say("elements are not saved", "collector", c.o.Name, "error", err)
			}
		}
		if changed := c.registry.changed.Load(); n%30 == 0 && changed != saved {
			saved = changed
			if err := c.save(); err != nil {
				c.say("templates are not saved", "collector", c.o.Name, "error", err)
			}
		}
	}
}

// look finds exporters that are silent and templates that were not repeated.
func (c *Collector) look(now time.Time) {
	w := c.workers[0]
	for _, x := range c.registry.all() {
		if c.o.Lifetime > 0 {
			w.counts.add(TemplatesExpired, uint64(x.expire(now.Add(-c.o.Lifetime).UnixNano())))
		}
		last := time.Unix(0, x.last.Load())
		if c.o.Silent == 0 || now.Sub(last) < c.o.Silent || x.silent.Swap(true) {
			continue
		}
		c.registry.silentNow.Add(1)
		w.counts.add(Silences, 1)
		c.say("exporter is silent", "collector", c.o.Name, "exporter", x.key.addr, "domain", x.key.domain,
			"since", last.UTC().Format(time.RFC3339))
	}
}

package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const (
	exporters = 1000
	templates = 20 // of each
	warm      = 5  // rounds of templates, and data of each, until the whole ring has been written to
	rounds    = 80
)

// memory prints how much memory weir's collector takes when a thousand exporters have announced twenty
// templates each, with data of each, and after they have done so again and again.
func memory(_ []peer, d time.Duration) error {
	fmt.Printf("\n| %d exporters, %d templates each | after %d rounds | %d | %d |\n|---|---|---|---|\n",
		exporters, templates, warm, rounds/2, rounds)
	for _, own := range []bool{false, true} {
		port, err := free()
		if err != nil {
			return err
		}
		c, _, err := weirPeer().start(-port, "")
		if err != nil {
			return err
		}
		conns, err := dial(port)
		if err != nil {
			return err
		}
		row := "the same in all"
		if own {
			row = "different in each"
		}
		for round := 1; round <= rounds; round++ {
			if err := announce(conns, own, d/rounds); err != nil {
				return err
			}
			if round == warm || round == rounds/2 || round == rounds {
				time.Sleep(500 * time.Millisecond)
				row += " | " + resident(c.Process.Pid)
			}
		}
		for _, conn := range conns {
			conn.Close()
		}
		if err := stop(c); err != nil {
			return err
		}
		fmt.Printf("| %s |\n", row)
	}
	return nil
}

// dial makes a socket for each exporter, with an address of its own.
func dial(port int) (all []*net.UDPConn, err error) {
	for i := range exporters {
		from := &net.UDPAddr{IP: net.IPv4(127, 1, byte(i>>8), byte(i))}
		conn, err := net.DialUDP("udp", from, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return nil, err
		}
		all = append(all, conn)
	}
	return all, nil
}

// announce has each exporter say its templates and a record of each; own says that they are unlike those of
// others. It takes so long.
func announce(conns []*net.UDPConn, own bool, d time.Duration) error {
	for i, conn := range conns {
		var sets, records [][]byte
		for t := range templates {
			set := template(10, uint16(templateID+t), t)
			if own { // lengths of the last element tell them apart
				be.PutUint16(set[len(set)-4:], 210)
				be.PutUint16(set[len(set)-2:], uint16(i*templates+t))
			}
			sets = append(sets, set)
			records = append(records, data(10, uint16(templateID+t), 1))
		}
		for _, m := range [][]byte{message(10, sets[:10]...), message(10, sets[10:]...), message(10, records...)} {
			if _, err := conn.Write(m); err != nil {
				return err
			}
		}
		time.Sleep(d / exporters)
	}
	return nil
}

// resident returns how much memory a process has.
func resident(pid int) string {
	b, _ := os.ReadFile(fmt.Sprint("/proc/", pid, "/status"))
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// Command collect measures what it costs to collect NetFlow v9 and IPFIX: the collector of weir beside nfcapd
// and goflow2, which get the same datagrams over loopback; what is lost at which rate; and memory.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	receive := flag.Int("receive", 0, "be weir's collector at this port, and nothing else")
	goflow2 := flag.String("goflow2", "bin/goflow2", "the program of bench/collect/goflow2; left out if it is not there")
	seconds := flag.Int("seconds", 5, "how long each measurement takes")
	only := flag.String("only", "", "cost, loss or memory; empty is all of them")
	flag.Parse()
	if *receive != 0 {
		check(collector(*receive))
		return
	}
	d := time.Duration(*seconds) * time.Second
	peers := []peer{weirPeer(), {name: "goflow2", command: []string{*goflow2}}, nfcapdPeer()}
	for _, m := range []struct {
		name string
		run  func([]peer, time.Duration) error
	}{{"cost", cost}, {"loss", loss}, {"memory", memory}} {
		if *only == "" || *only == m.name {
			check(m.run(peers, d))
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "collect:", err)
		os.Exit(1)
	}
}

// turns is how often costs are measured. The least counts, as what else the machine does only adds to it.
const turns = 3

// cost prints what a record costs when datagrams come as fast as they can: those that are read count.
func cost(peers []peer, d time.Duration) error {
	fmt.Println("| version | collector | records read | processor time | records per processor second | of goflow2 |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, version := range []int{9, 10} {
		best := map[string]tally{}
		for range turns {
			for _, p := range peers {
				got, err := p.measure(version, 0, d)
				if err == errAbsent {
					continue
				}
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				if got.rate() > best[p.name].rate() {
					best[p.name] = got
				}
			}
		}
		other := best["goflow2"]
		for _, p := range peers {
			if got, ok := best[p.name]; ok {
				fmt.Printf("| %d | %s | %d | %.2f s | %.2f M | %.1f |\n", version, p.name, got.Records,
					got.processor.Seconds(), got.rate()/1e6, got.rate()/other.rate())
			}
		}
	}
	return nil
}

// loss prints how many of the records that are sent at a rate are read.
func loss(peers []peer, d time.Duration) error {
	fmt.Println("\n| collector | records/s | sent | read | lost | dropped by the kernel | missing by the numbers | ring full |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, rate := range []int{100e3, 500e3, 1e6} {
		for _, p := range peers {
			got, err := p.measure(10, rate, d)
			if err == errAbsent {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			own := " | | "
			if p.name == "weir" {
				own = fmt.Sprintf("%d | %d | %d", got.Kernel*perDatagram, got.Lost, got.Full)
			}
			fmt.Printf("| %s | %d | %d | %d | %.3f %% | %s |\n", p.name, rate, got.sent, got.Records,
				100*float64(int64(got.sent)-int64(got.Records))/float64(got.sent), own)
			gap := got.Kernel * perDatagram
			if p.name == "weir" && (gap != got.Lost || got.Records+gap+got.Full != got.sent) {
				return fmt.Errorf("weir: %d records were sent, %d read, the kernel dropped %d, the numbers tell of %d, "+
					"the ring was full for %d", got.sent, got.Records, gap, got.Lost, got.Full)
			}
		}
	}
	return nil
}

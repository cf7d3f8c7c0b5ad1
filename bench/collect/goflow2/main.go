// Command goflow2 receives NetFlow v9 and IPFIX with the receiver, decoders and producer of goflow2 and counts
// the records. It says how many there were, as JSON, when it is told to end.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/netsampler/goflow2/v2/producer"
	protoproducer "github.com/netsampler/goflow2/v2/producer/proto"
	"github.com/netsampler/goflow2/v2/utils"
)

// counting is a producer whose records are counted.
type counting struct {
	producer.ProducerInterface
	records, datagrams atomic.Uint64
}

func (c *counting) Produce(m any, a *producer.ProduceArgs) ([]producer.ProducerMessage, error) {
	all, err := c.ProducerInterface.Produce(m, a)
	c.records.Add(uint64(len(all)))
	c.datagrams.Add(1)
	return all, err
}

func main() {
	port := flag.Int("port", 2055, "UDP port on loopback")
	flag.Parse()
	config, err := (&protoproducer.ProducerConfig{}).Compile()
	check(err)
	p, err := protoproducer.CreateProtoProducer(config, protoproducer.CreateSamplingSystem)
	check(err)
	c := &counting{ProducerInterface: p}
	pipe := utils.NewNetFlowPipe(&utils.PipeConfig{Producer: c})
	r, err := utils.NewUDPReceiver(&utils.UDPReceiverConfig{Sockets: 1, Workers: 1, QueueSize: 1000000})
	check(err)
	check(r.Start("127.0.0.1", *port, pipe.DecodeFlow))
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	for {
		select {
		case err := <-r.Errors():
			fmt.Fprintln(os.Stderr, err)
		case <-end:
			fmt.Printf("{\"records\":%d,\"datagrams\":%d}\n", c.records.Load(), c.datagrams.Load())
			return
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

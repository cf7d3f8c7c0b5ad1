package sink

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/go-zeromq/zmq4"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// ZMQOptions say how flows are published to ntopng.
type ZMQOptions struct {
	Connect  bool  `toml:"connect"`  // connect to a subscriber that listens, as ntopng does with a "c" at its endpoint
	SourceID uint8 `toml:"source"`   // tells probes apart that publish to one ntopng
	Compress bool  `toml:"compress"` // with zlib
}

// zmq publishes each message as an array of its records, in the framing that ntopng reads: a frame
// with a header and one with JSON. A publisher does not know its subscribers: what nobody reads is gone.
type zmq struct {
	endpoint string
	o        ZMQOptions

	mu     sync.Mutex
	socket zmq4.Socket
	closed bool
	stop   context.CancelFunc

	sequence uint32
	body     []byte
}

// zmqVersion is that of the header: 16 octets of topic, version, source, the length of the body in 2
// octets, least significant first, which readers ignore, and the number of the message in 4, most
// significant first.
const zmqVersion = 2

func openZMQ(place string, o Options) (export.Sink, error) {
	k := &zmq{endpoint: "tcp://" + place, o: o.ZMQ}
	if _, _, err := net.SplitHostPort(place); err != nil {
		return nil, fmt.Errorf("address is not host:port: %w", err)
	}
	if !k.o.Connect {
		return k, k.open() // an address that cannot be had is a mistake in the configuration
	}
	return k, nil
}

// open makes the socket, and listens or connects.
func (k *zmq) open() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return errClosed
	case k.socket != nil:
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	s := zmq4.NewPub(ctx, zmq4.WithAutomaticReconnect(true))
	begin := s.Listen
	if k.o.Connect {
		begin = s.Dial
	}
	if err := begin(strings.Replace(k.endpoint, "://*:", "://0.0.0.0:", 1)); err != nil {
		stop()
		return err
	}
	k.socket, k.stop = s, stop
	return nil
}

// Send takes no messages of which it does not know the records.
func (k *zmq) Send(context.Context, []byte) error {
	return fmt.Errorf("ZMQ needs records of their own: %w", export.ErrUndeliverable)
}

// Store publishes the records of the message, those of one topic behind each other together.
func (k *zmq) Store(_ context.Context, message []byte, of export.Batch) error {
	if err := k.open(); err != nil {
		return err
	}
	for i := 0; i < len(of.Items); {
		topic := topicOf(of.Items[i].Kind)
		k.body = append(k.body[:0], '[')
		for ; i < len(of.Items) && topicOf(of.Items[i].Kind) == topic; i++ {
			record, err := recordOf(message, of, i)
			if err != nil {
				return err
			}
			record = lineOf(record)
			k.body = append(append(k.body, record...), ',')
		}
		k.body[len(k.body)-1] = ']'
		if err := k.publish(topic); err != nil {
			return err
		}
	}
	return nil
}

// topicOf returns the topic that ntopng reads records of a kind under.
func topicOf(kind flow.Kind) string {
	switch kind {
	case flow.KindFlow, flow.KindCall:
		return "flow"
	case flow.KindStatistics:
		return "counter"
	}
	return "event"
}

func (k *zmq) publish(topic string) error {
	body := k.body
	if k.o.Compress {
		packed := bytes.NewBuffer([]byte{0}) // which no JSON begins with
		z := zlib.NewWriter(packed)
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		body = packed.Bytes()
	}
	k.sequence++
	var header [24]byte
	copy(header[:16], topic)
	header[16], header[17] = zmqVersion, k.o.SourceID
	binary.LittleEndian.PutUint16(header[18:], uint16(len(body)))
	binary.BigEndian.PutUint32(header[20:], k.sequence)
	k.mu.Lock()
	s := k.socket
	k.mu.Unlock()
	if s == nil {
		return errClosed
	}
	return s.SendMulti(zmq4.NewMsgFrom(header[:], bytes.Clone(body)))
}

// Close ends the publication.
func (k *zmq) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.socket
	k.socket, k.closed = nil, true
	if s == nil {
		return nil
	}
	defer k.stop()
	return s.Close()
}

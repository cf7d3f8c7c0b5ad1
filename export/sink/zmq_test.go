package sink

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// subscribe reads publications with another implementation if there is one, else with the same
// library, and says them as lines: the header in hexadecimal, the body as JSON.
const subscriber = `
import sys, zmq, zlib
s = zmq.Context().socket(zmq.SUB)
s.setsockopt(zmq.SUBSCRIBE, b"flow")
s.setsockopt(zmq.SUBSCRIBE, b"event")
s.%s(sys.argv[1])
print("ready", flush=True)
while True:
    header, body = s.recv_multipart()
    if body[:1] == b"\0": body = zlib.decompress(body[1:])
    print(header.hex(), body.decode(), flush=True)
`

// libzmq reads what is published, in both ways to meet and with both kinds of bodies.
func TestZMQSubscriber(t *testing.T) {
	if exec.Command("python3", "-c", "import zmq").Run() != nil {
		t.Skip("python3 has no zmq: apt-get install python3-zmq")
	}
	for _, o := range []ZMQOptions{{SourceID: 7}, {Connect: true, SourceID: 9, Compress: true}} {
		address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		how := "connect"
		if o.Connect {
			how = "bind"
		}
		c := exec.Command("python3", "-c", fmt.Sprintf(subscriber, how), "tcp://"+address)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { c.Process.Kill(); c.Wait() }()
		lines := bufio.NewScanner(out)
		lines.Scan()
		k := open(t, "zmq://"+address, Options{ZMQ: o})
		message, of := batchOf(`{"8":"10.0.0.1"}`, `{"8":"10.0.0.2"}`, `{"8":"10.0.0.3"}`)
		of.Items[2].Kind = flow.KindEvent
		stop := publishing(t, k, message, of)
		var topics []string
		for len(topics) < 4 && lines.Scan() {
			topics = append(topics, judge(t, lines.Text(), o))
		}
		stop()
		if got := strings.Join(topics, " "); got != "flow event flow event" && got != "event flow event flow" {
			t.Errorf("%+v: published %s", o, got)
		}
	}
}

// publishing stores the message again and again: what is published before somebody subscribed is gone.
func publishing(t *testing.T, k export.Sink, message []byte, of export.Batch) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			k.(export.Storer).Store(ctx, message, of)
		}
	}()
	return func() { cancel(); <-ended }
}

// judge checks a publication and returns its topic.
func judge(t *testing.T, line string, o ZMQOptions) string {
	t.Helper()
	var header []byte
	first, body, _ := strings.Cut(line, " ")
	if _, err := fmt.Sscanf(first, "%x", &header); err != nil || len(header) != 24 {
		t.Fatalf("header %q: %v", first, err)
	}
	var records []map[string]string
	if err := json.Unmarshal([]byte(body), &records); err != nil {
		t.Errorf("body %q: %v", body, err)
	}
	topic := string(bytes.TrimRight(header[:16], "\x00"))
	if header[16] != 2 || header[17] != o.SourceID || binary.BigEndian.Uint32(header[20:]) == 0 {
		t.Errorf("header %x", header)
	}
	if want := map[string]int{"flow": 2, "event": 1}[topic]; len(records) != want {
		t.Errorf("%s: %d records, want %d: %s", topic, len(records), want, body)
	}
	return topic
}

// A subscriber in the same language, and the end of it all.
func TestZMQ(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	k := open(t, "zmq://"+address, Options{ZMQ: ZMQOptions{Compress: true}})
	s := zmq4.NewSub(context.Background())
	defer s.Close()
	if err := s.Dial("tcp://" + address); err != nil {
		t.Fatal(err)
	}
	if err := s.SetOption(zmq4.OptionSubscribe, "flow"); err != nil {
		t.Fatal(err)
	}
	message, of := batchOf(`{"8":"10.0.0.1"}`)
	stop := publishing(t, k, message, of)
	m, err := s.Recv()
	stop()
	if err != nil || len(m.Frames) != 2 || m.Frames[1][0] != 0 {
		t.Fatalf("received %q: %v", m.Frames, err)
	}
	z, err := zlib.NewReader(bytes.NewReader(m.Frames[1][1:]))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != `[{"8":"10.0.0.1"}]` {
		t.Errorf("body %q: %v", b, err)
	}
	if err := k.Send(context.Background(), message); err == nil {
		t.Error("octets without records were taken")
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if err := k.(export.Storer).Store(context.Background(), message, of); err == nil {
		t.Error("a closed sink took a message")
	}
	if _, err := Open("zmq://256.0.0.1:1", Options{}); err == nil {
		t.Error("an address that cannot be had was taken")
	}
}

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/weir-probe/weir/dataplane/nic"
)

// captureFile is a pcap file of Ethernet frames that is being written.
type captureFile struct {
	f *os.File
	b *bufio.Writer
	w *pcapgo.Writer
}

func createCapture(name string) (*captureFile, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	c := &captureFile{f, b, pcapgo.NewWriterNanos(b)}
	return c, c.w.WriteFileHeader(1<<16, layers.LinkTypeEthernet)
}

func (c *captureFile) frame(f *nic.Frame) error {
	return c.w.WritePacket(gopacket.CaptureInfo{
		Timestamp: time.Unix(0, int64(f.Time)), CaptureLength: int(f.Len), Length: int(f.Wire),
	}, f.Bytes())
}

func (c *captureFile) close() error {
	if err := c.b.Flush(); err != nil {
		return err
	}
	return c.f.Close()
}

// writeCapture writes the packets of a cell into a file in dir, with the checksums of IPv4.
func writeCapture(dir string, c Cell) (name string, err error) {
	name = filepath.Join(dir, fmt.Sprintf("%s-%d.pcap", c.Size, c.Flows))
	w, err := createCapture(name)
	if err != nil {
		return "", err
	}
	for t := newTraffic(c); t.made < uint64(c.Packets); {
		frames := t.Burst()
		for i := range frames {
			checksum(frames[i].Bytes())
			if err := w.frame(&frames[i]); err != nil {
				return "", err
			}
		}
	}
	return name, w.close()
}

// checksum sets that of the IPv4 header (RFC 1071).
func checksum(b []byte) {
	b[24], b[25] = 0, 0
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	sum = sum>>16 + sum&0xffff
	sum = ^(sum>>16 + sum)
	b[24], b[25] = byte(sum>>8), byte(sum)
}

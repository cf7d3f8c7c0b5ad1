package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"time"
)

var be = binary.BigEndian

const (
	perDatagram = 20 // records
	templateID  = 300
)

// elements are those of a template of 20 fields, as routers have them, and their octets. Times are of the
// uptime in NetFlow v9 and of the clock in IPFIX.
var elements = [...][2]uint16{{8, 4}, {12, 4}, {15, 4}, {10, 4}, {14, 4}, {2, 8}, {1, 8}, {22, 4}, {21, 4}, {7, 2},
	{11, 2}, {6, 1}, {4, 1}, {5, 1}, {16, 4}, {17, 4}, {9, 1}, {13, 1}, {61, 1}, {136, 1}}

// spec returns the element at a place of the template.
func spec(version, i int) (id, octets uint16) {
	id, octets = elements[i%len(elements)][0], elements[i%len(elements)][1]
	if version == 10 && (id == 22 || id == 21) {
		return 174 - id, 8 // 152 and 153
	}
	return id, octets
}

// words appends numbers of 16 bits.
func words(b []byte, all ...uint16) []byte {
	for _, w := range all {
		b = be.AppendUint16(b, w)
	}
	return b
}

// template returns a set of one template whose elements begin at a place of the list.
func template(version int, id uint16, from int) []byte {
	set := words(nil, 0, 0, id, uint16(len(elements)))
	if version == 10 {
		be.PutUint16(set, 2)
	}
	for i := range elements {
		e, n := spec(version, from+i)
		set = words(set, e, n)
	}
	be.PutUint16(set[2:], uint16(len(set)))
	return set
}

// data returns a set of so many records, each of another flow.
func data(version int, id uint16, records int) []byte {
	set := words(nil, id, 0)
	for r := range records {
		for i := range elements {
			e, n := spec(version, i)
			v := uint64(e)<<8 | uint64(r)
			switch e {
			case 152, 153:
				v = uint64(time.Now().UnixMilli())
			case 4:
				v = 6
			}
			var b [8]byte
			be.PutUint64(b[:], v)
			set = append(set, b[8-n:]...)
		}
	}
	be.PutUint16(set[2:], uint16(len(set)))
	return set
}

// message puts a header before sets; sequence is at sequenceAt.
func message(version int, sets ...[]byte) []byte {
	now := uint32(time.Now().Unix())
	var b []byte
	if version == 10 {
		b = be.AppendUint32(words(nil, 10, 0), now)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 1)
	} else {
		b = be.AppendUint32(words(nil, 9, perDatagram), 3600e3)
		b = be.AppendUint32(b, now)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 1)
	}
	for _, s := range sets {
		b = append(b, s...)
	}
	if version == 10 {
		be.PutUint16(b[2:], uint16(len(b)))
	}
	return b
}

// number writes the sequence number of a message.
func number(version int, m []byte, n uint32) {
	at := 8
	if version == 9 {
		at = 12
	}
	be.PutUint32(m[at:], n)
}

// send sends datagrams of records to a port for a while, at a rate of records per second or as fast as it can
// if that is 0, and returns how many records those were.
func send(port, version, rate int, d time.Duration) (records uint64, err error) {
	conn, err := net.Dial("udp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	t := message(version, template(version, templateID, 0))
	if version == 9 {
		be.PutUint16(t[2:], 1)
	}
	if _, err := conn.Write(t); err != nil {
		return 0, err
	}
	time.Sleep(100 * time.Millisecond)
	m := message(version, data(version, templateID, perDatagram))
	sequence, step := uint32(0), uint32(perDatagram)
	if version == 9 { // counts messages, and that of the template was the first
		sequence, step = 1, 1
	}
	begin := time.Now()
	for n := 0; ; n++ {
		if n%16 == 0 {
			if rate > 0 {
				time.Sleep(time.Until(begin.Add(time.Duration(records) * time.Second / time.Duration(rate))))
			}
			if time.Since(begin) >= d {
				break
			}
		}
		number(version, m, sequence)
		if _, err := conn.Write(m); err != nil {
			return records, err
		}
		sequence += step
		records += perDatagram
	}
	time.Sleep(time.Second) // what waits is read, so that the last tells of what was lost before it
	number(version, m, sequence)
	_, err = conn.Write(m)
	return records + perDatagram, err
}

//go:build cgo && !nodpdk

package main

// #cgo pkg-config: libdpdk
// #cgo CFLAGS: -DALLOW_EXPERIMENTAL_API
// #include "send.h"
import "C"

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic/dpdk"
)

// send sends the frames of a cell to a device at a rate. It waits for the other side first.
func send(o *sending) (map[string]float64, error) {
	eal, err := dpdk.Start([]string{"--file-prefix=sender"})
	if err != nil {
		return nil, err
	}
	defer eal.Close()
	pin(otherCore)
	if err := eal.Register(); err != nil {
		return nil, err
	}
	defer eal.Unregister()
	device := C.CString(o.Device)
	defer C.free(unsafe.Pointer(device))
	var s C.struct_sender
	if code := C.open_sender(device, &s); code != 0 {
		return nil, fmt.Errorf("device %s cannot send: error %d", o.Device, code)
	}
	for end := time.Now().Add(10 * time.Second); C.is_up(&s) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return nil, fmt.Errorf("device %s: nobody is at the other end", o.Device)
		}
	}
	t := newTraffic(o.Cell)
	const most = 1 << 16
	frames := make([]byte, 0, most*64)
	for len(frames) < most*64 {
		for _, f := range t.Burst() {
			frames = append(frames, f.Bytes()...)
			frames = frames[:(len(frames)+63)&^63]
		}
	}
	fmt.Print(ready)
	C.send_for(&s, (*C.uint8_t)(&frames[0]), most, C.double(o.Rate), C.double(o.Seconds))
	time.Sleep(200 * time.Millisecond) // the other side takes what is in the ring
	C.close_sender(&s)
	return map[string]float64{"sent": float64(s.sent), "refused": float64(s.refused)}, nil
}

//go:build cgo && !nopcap

package filter

// #cgo CFLAGS: -D_GNU_SOURCE
// #cgo LDFLAGS: -lpcap
// #include <pcap.h>
// #include <stdio.h>
// #include <stdlib.h>
import "C"

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The two languages must agree on the layout of an instruction.
var _ = [1]struct{}{}[unsafe.Sizeof(unix.SockFilter{})-unsafe.Sizeof(C.struct_bpf_insn{})]

// compile has libpcap compile an expression for frames as they are in files: it is shown a
// file without any, as its live handles and its dead ones know only this system's address
// families and would ask the kernel for what is not in a frame. The binding of gopacket is
// not used as it knows link types of one octet only.
func compile(link, snaplen uint32, expr string) ([]unix.SockFilter, error) {
	header := make([]byte, 0, 24)
	for _, v := range [...]uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, snaplen, link} {
		header = binary.LittleEndian.AppendUint32(header, v)
	}
	file, mode, text := C.CBytes(header), C.CString("r"), C.CString(expr)
	defer C.free(file)
	defer C.free(unsafe.Pointer(mode))
	defer C.free(unsafe.Pointer(text))
	stream, err := C.fmemopen(file, C.size_t(len(header)), mode)
	if stream == nil {
		return nil, err
	}
	var why [C.PCAP_ERRBUF_SIZE]C.char
	h := C.pcap_fopen_offline(stream, &why[0])
	if h == nil {
		C.fclose(stream)
		return nil, errors.New(C.GoString(&why[0]))
	}
	defer C.pcap_close(h) // and the stream
	var program C.struct_bpf_program
	if C.pcap_compile(h, &program, text, 1, C.PCAP_NETMASK_UNKNOWN) != 0 {
		return nil, errors.New(C.GoString(C.pcap_geterr(h)) + "; the language is that of pcap-filter(7)")
	}
	defer C.pcap_freecode(&program)
	code := unsafe.Slice((*unix.SockFilter)(unsafe.Pointer(program.bf_insns)), int(program.bf_len))
	return append([]unix.SockFilter(nil), code...), nil
}

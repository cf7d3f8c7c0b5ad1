//go:build cgo && !nopcap

package filter

// #cgo LDFLAGS: -lpcap
// #include <pcap.h>
// #include <stdlib.h>
import "C"

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The two languages must agree on the layout of an instruction.
var _ = [1]struct{}{}[unsafe.Sizeof(unix.SockFilter{})-unsafe.Sizeof(C.struct_bpf_insn{})]

// compile has libpcap compile an expression. The binding of gopacket is not used as it
// knows link types of one octet only.
func compile(dlt, snaplen int, expr string) ([]unix.SockFilter, error) {
	h := C.pcap_open_dead(C.int(dlt), C.int(snaplen))
	if h == nil {
		return nil, errors.New("libpcap is out of memory")
	}
	defer C.pcap_close(h)
	text := C.CString(expr)
	defer C.free(unsafe.Pointer(text))
	var program C.struct_bpf_program
	if C.pcap_compile(h, &program, text, 1, C.PCAP_NETMASK_UNKNOWN) != 0 {
		return nil, errors.New(C.GoString(C.pcap_geterr(h)) + "; the language is that of pcap-filter(7)")
	}
	defer C.pcap_freecode(&program)
	code := unsafe.Slice((*unix.SockFilter)(unsafe.Pointer(program.bf_insns)), int(program.bf_len))
	return append([]unix.SockFilter(nil), code...), nil
}

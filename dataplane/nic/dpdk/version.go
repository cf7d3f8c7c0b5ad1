//go:build cgo && !nodpdk

package dpdk

// #include <rte_version.h>
import "C"

// Version names the DPDK that is linked, or says that there is none.
func Version() string { return C.GoString(C.rte_version()) }

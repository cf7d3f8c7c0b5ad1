//go:build !cgo || nodpdk

package main

import "github.com/weir-probe/weir/dataplane/nic/dpdk"

// send needs DPDK.
func send(*sending) (map[string]float64, error) { return nil, dpdk.ErrUnavailable }

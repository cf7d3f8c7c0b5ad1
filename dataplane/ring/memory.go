package ring

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// seals keep either side from cutting the memory away under the other.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// Memory returns size octets of zeroed memory that another process can Map once it has
// been given fd, for instance over a Unix socket.
func Memory(size int) (fd int, mem []byte, err error) {
	fd, err = unix.MemfdCreate("weir-ring", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, nil, fmt.Errorf("ring: memfd_create: %w", err)
	}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err == nil {
		mem, err = Map(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, nil, fmt.Errorf("ring: %d octets of shared memory: %w", size, err)
	}
	return fd, mem, nil
}

// Map returns the memory that Memory made as fd. It refuses a file that could be cut
// while it is mapped. fd may be closed afterwards.
func Map(fd int) ([]byte, error) {
	got, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("ring: descriptor %d is no shared memory: %w", fd, err)
	}
	if got&seals != seals {
		return nil, fmt.Errorf("ring: shared memory %d is not sealed against being cut", fd)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("ring: fstat: %w", err)
	}
	mem, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("ring: mmap of %d octets: %w", st.Size, err)
	}
	return mem, nil
}

// Unmap gives back what Memory or Map returned. No ring may be using it.
func Unmap(mem []byte) error {
	if err := unix.Munmap(mem); err != nil {
		return fmt.Errorf("ring: munmap: %w", err)
	}
	return nil
}

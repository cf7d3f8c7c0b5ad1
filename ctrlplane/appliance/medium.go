package appliance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// SeedLabel is what the file system on a medium is called that a machine is to be set up from: FAT, ext4 or
// ISO 9660 on a USB stick, say.
const SeedLabel = "WEIR-SEED"

// seedSize bounds a file of the medium.
const seedSize = 1 << 20

// FindSeed reads what a machine is to be set up from, if such a medium is there.
func FindSeed() (s Seed, err error) {
	err = OnMedium(func(dir string) (err error) {
		s, err = readSeed(dir)
		return err
	})
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return s, err
}

// OnMedium does something with the directory of the medium, which cannot be written. Without a medium the
// error is os.ErrNotExist.
func OnMedium(do func(dir string) error) error {
	device, err := filepath.EvalSymlinks("/dev/disk/by-label/" + SeedLabel)
	if err != nil {
		return fmt.Errorf("medium with the label %s: %w", SeedLabel, err)
	}
	dir, err := os.MkdirTemp("/run", "medium-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	for _, kind := range []string{"vfat", "ext4", "iso9660"} {
		err = unix.Mount(device, dir, kind, unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
		if err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("medium %s: %w", device, err)
	}
	err = do(dir)
	return errors.Join(err, unix.Unmount(dir, 0))
}

func readSeed(dir string) (s Seed, err error) {
	root, err := os.OpenRoot(dir) // which no link on the medium leads out of
	if err != nil {
		return s, err
	}
	defer root.Close()
	for _, file := range []struct {
		name string
		to   *string
	}{{"weir.toml", &s.Config}, {"appliance.toml", &s.Settings}, {"authorized_keys", &s.Keys}} {
		f, err := root.Open(file.name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return s, err
		}
		b, err := io.ReadAll(io.LimitReader(f, seedSize+1))
		f.Close()
		if err != nil {
			return s, err
		}
		if len(b) > seedSize {
			return s, fmt.Errorf("%s on the medium to set up from is larger than %d octets", file.name, seedSize)
		}
		*file.to = string(b)
	}
	return s, nil
}

package appliance

import (
	"bytes"
	"errors"
	"os"
	"strings"
)

// A file of variables of GRUB is a block of this size, which GRUB can write too. It is written in place, and
// since all that is said is in its first sector, it is the old one or the new one when the power fails.
const (
	grubBlock = 1024
	grubTitle = "# GRUB Environment Block\n"
	grubSaid  = 512
)

// grubVariables reads such a file; what cannot be read says nothing.
func (m Machine) grubVariables(path string) map[string]string {
	b, err := os.ReadFile(m.at(path))
	vars := map[string]string{}
	if err != nil || !bytes.HasPrefix(b, []byte(grubTitle)) {
		return vars
	}
	for line := range strings.Lines(string(b[len(grubTitle):])) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if ok && !strings.HasPrefix(line, "#") {
			vars[name] = value
		}
	}
	return vars
}

// setGrubVariables writes such a file. No value may have a backslash or the end of a line in it.
func (m Machine) setGrubVariables(path string, pairs ...string) error {
	b := []byte(grubTitle)
	for _, p := range pairs {
		b = append(append(b, p...), '\n')
	}
	if len(b) > grubSaid {
		return errors.New(path + ": more than GRUB's variables have room for")
	}
	b = append(b, bytes.Repeat([]byte("#"), grubBlock-len(b))...)
	f, err := os.OpenFile(m.at(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Truncate(grubBlock), f.Sync(), f.Close())
}

package manage

import (
	"fmt"
	"strings"
)

// Role is what somebody may do. Each may everything that those before it may.
type Role uint8

const (
	Anyone  Role = iota // who has not said who they are
	Read                // look at everything but who else may
	Operate             // change the configuration, pause exporters, restart parts
	Admin               // users, updates, certificates, and what programs may run
)

var roles = [...]string{"anyone", "read", "operate", "admin"}

func (r Role) String() string { return roles[r] }

// ParseRole reads the name of a role that a user can have.
func ParseRole(s string) (Role, error) {
	for i, name := range roles {
		if name == s && Role(i) != Anyone {
			return Role(i), nil
		}
	}
	return 0, fmt.Errorf("role %q is not known: use %s", s, strings.Join(roles[1:], ", "))
}

// MarshalText implements encoding.TextMarshaler.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Role) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRole(string(b))
	return err
}

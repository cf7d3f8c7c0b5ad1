package manage

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/weir-probe/weir/export/secret"
)

// Cost is how dear it is to try a password with argon2id (RFC 9106).
type Cost struct {
	Time    uint32
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultCost is the second recommended choice of RFC 9106, section 4.
var DefaultCost = Cost{Time: 3, Memory: 64 << 10, Threads: 4}

// Lengths of passwords, in characters and octets.
const (
	shortestPassword = 12
	longestPassword  = 1024
)

// fit checks a password that somebody wants to have.
func fit(user string, password secret.Text) error {
	p := password.Reveal()
	switch {
	case utf8.RuneCountInString(p) < shortestPassword:
		return fmt.Errorf("the password is too short: it needs %d characters at least", shortestPassword)
	case len(p) > longestPassword:
		return fmt.Errorf("the password is too long: it may have %d octets at most", longestPassword)
	case strings.Contains(strings.ToLower(p), strings.ToLower(user)):
		return errors.New("the password contains the name of the user: choose another")
	case strings.Count(p, p[:1]) == len(p):
		return errors.New("the password is one character again and again: choose another")
	}
	return nil
}

// argon has one password tried at a time: trying is dear in memory, also for who has to answer.
type argon struct {
	cost Cost
	turn chan struct{}
}

func newArgon(c Cost) *argon { return &argon{cost: c, turn: make(chan struct{}, 1)} }

// hash returns what is kept of a password, in the string format of the reference implementation.
func (a *argon) hash(password secret.Text) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	key := argon2.IDKey([]byte(password.Reveal()), salt, a.cost.Time, a.cost.Memory, a.cost.Threads, 32)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.cost.Memory, a.cost.Time,
		a.cost.Threads, b64(salt), b64(key))
}

// matches tries a password. It takes as long if there is nothing to try it against.
func (a *argon) matches(hash string, password secret.Text) bool {
	if len(password.Reveal()) > longestPassword {
		return false
	}
	var version int
	c, salt, want := a.cost, []byte("of nobody at all"), make([]byte, 32)
	known := false
	if parts := strings.Split(hash, "$"); len(parts) == 6 {
		_, e1 := fmt.Sscanf(parts[2]+"$"+parts[3], "v=%d$m=%d,t=%d,p=%d", &version, &c.Memory, &c.Time, &c.Threads)
		s, e2 := base64.RawStdEncoding.DecodeString(parts[4])
		k, e3 := base64.RawStdEncoding.DecodeString(parts[5])
		known = errors.Join(e1, e2, e3) == nil && parts[1] == "argon2id" && version == argon2.Version &&
			len(k) == 32
		if known {
			salt, want = s, k
		} else {
			c = a.cost
		}
	}
	a.turn <- struct{}{}
	defer func() { <-a.turn }()
	got := argon2.IDKey([]byte(password.Reveal()), salt, c.Time, c.Memory, c.Threads, 32)
	return subtle.ConstantTimeCompare(got, want) == 1 && known
}

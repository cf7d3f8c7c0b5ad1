package manage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/export/secret"
)

// user is somebody who may.
type user struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Password string    `json:"password,omitempty"` // its hash; empty is none: certificates and tokens only
	Since    time.Time `json:"since"`
}

// token is as good as its user until it expires.
type token struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Name    string    `json:"name,omitempty"` // what it is for; empty: somebody has logged in
	Role    Role      `json:"role"`
	Hash    string    `json:"hash"` // SHA-256 of its secret, which is as long as a key, in hexadecimal
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
}

// people are all users and tokens, in a file. Any goroutine may use it.
type people struct {
	path  string
	argon *argon
	now   func() time.Time

	mu   sync.Mutex
	list struct {
		Users  []user  `json:"users"`
		Tokens []token `json:"tokens"`
	}
}

// Limits of people.
const (
	mostUsers  = 1000
	mostTokens = 100 // of a user
)

var (
	errWrong  = errors.New("user or password is wrong")
	errNobody = errors.New("there is no such user")
	errLast   = errors.New("this is the last admin: make another one first")
)

func openPeople(path string, a *argon) (*people, error) {
	p := &people{path: path, argon: a, now: time.Now}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p.list)
	}
	if err != nil {
		return nil, fmt.Errorf("users cannot be read: %w; restore %s, or remove it to begin without users", err,
			path)
	}
	return p, nil
}

// change has the list on disk be what f makes of it, or stay as it is. A list is never changed in place.
func (p *people) change(f func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.list
	p.list.Users, p.list.Tokens = slices.Clone(old.Users), slices.Clone(old.Tokens)
	now := p.now()
	p.list.Tokens = slices.DeleteFunc(p.list.Tokens, func(t token) bool { return !now.Before(t.Expires) })
	err := f()
	if err == nil {
		var b []byte
		if b, err = json.MarshalIndent(p.list, "", "  "); err == nil {
			err = store.Replace(p.path, b)
		}
	}
	if err != nil {
		p.list = old
	}
	return err
}

func (p *people) find(name string) *user {
	for i := range p.list.Users {
		if p.list.Users[i].Name == name {
			return &p.list.Users[i]
		}
	}
	return nil
}

// none reports whether nobody may yet.
func (p *people) none() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.list.Users) == 0
}

// role returns what a user may; Anyone is no user.
func (p *people) role(name string) Role {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := p.find(name); u != nil {
		return u.Role
	}
	return Anyone
}

// userName matches names of users.
var userName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// put adds a user or changes one. An empty password leaves the one there is; first is whether there
// may be no others.
func (p *people) put(name string, role Role, password secret.Text, first bool) error {
	if !userName.MatchString(name) {
		return fmt.Errorf("%q cannot be the name of a user: use letters, digits and . _ @ -", name)
	}
	hash := ""
	if !password.Empty() {
		if err := fit(name, password); err != nil {
			return err
		}
		hash = p.argon.hash(password)
	}
	return p.change(func() error {
		if first && len(p.list.Users) > 0 {
			return errDone
		}
		u := p.find(name)
		if u == nil {
			if len(p.list.Users) >= mostUsers {
				return fmt.Errorf("there are %d users already: remove some", mostUsers)
			}
			p.list.Users = append(p.list.Users, user{Name: name, Role: role, Password: hash, Since: p.now().UTC()})
			return nil
		}
		u.Role = role
		if hash != "" {
			u.Password = hash
			p.forget(func(t *token) bool { return t.User == name && t.Name == "" })
		}
		return p.admin()
	})
}

// errDone is what who comes second to a set-up is told.
var errDone = errors.New("weir is set up already: log in")

// admin fails if there is no admin left.
func (p *people) admin() error {
	if !slices.ContainsFunc(p.list.Users, func(u user) bool { return u.Role == Admin }) {
		return errLast
	}
	return nil
}

// remove removes a user and the tokens.
func (p *people) remove(name string) error {
	return p.change(func() error {
		if p.find(name) == nil {
			return errNobody
		}
		p.list.Users = slices.DeleteFunc(p.list.Users, func(u user) bool { return u.Name == name })
		p.forget(func(t *token) bool { return t.User == name })
		return p.admin()
	})
}

func (p *people) forget(which func(*token) bool) {
	p.list.Tokens = slices.DeleteFunc(p.list.Tokens, func(t token) bool { return which(&t) })
}

// check tries a password.
func (p *people) check(name string, password secret.Text) error {
	p.mu.Lock()
	hash := ""
	if u := p.find(name); u != nil {
		hash = u.Password
	}
	p.mu.Unlock()
	if !p.argon.matches(hash, password) {
		return errWrong
	}
	return nil
}

// prefix begins every token, so that people and programs recognise one where it should not be.
const prefix = "weir_"

// issue makes a token, which nobody can be told again.
func (p *people) issue(t token, life time.Duration) (token, secret.Text, error) {
	var id [8]byte
	var key [32]byte
	rand.Read(id[:])
	rand.Read(key[:])
	t.ID, t.Since = hex.EncodeToString(id[:]), p.now().UTC()
	t.Expires, t.Hash = t.Since.Add(life), digest(key[:])
	err := p.change(func() error {
		u := p.find(t.User)
		if u == nil {
			return errNobody
		}
		t.Role = min(t.Role, u.Role)
		var own []int
		for i := range p.list.Tokens {
			if p.list.Tokens[i].User == t.User {
				own = append(own, i)
			}
		}
		if len(own) >= mostTokens && t.Name != "" {
			return fmt.Errorf("%s has %d tokens already: remove some", t.User, mostTokens)
		}
		if len(own) >= mostTokens {
			p.list.Tokens = slices.Delete(p.list.Tokens, own[0], own[0]+1) // the oldest
		}
		p.list.Tokens = append(p.list.Tokens, t)
		return nil
	})
	return t, secret.New(prefix + t.ID + "_" + base64.RawURLEncoding.EncodeToString(key[:])), err
}

func digest(key []byte) string {
	h := sha256.Sum256(key)
	return hex.EncodeToString(h[:])
}

// holder returns the token that a text is.
func (p *people) holder(text string) (t token, ok bool) {
	text, ok = strings.CutPrefix(text, prefix)
	id, key, found := strings.Cut(text, "_")
	k, err := base64.RawURLEncoding.DecodeString(key)
	if !ok || !found || err != nil || len(k) != 32 {
		return t, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.list.Tokens {
		t = p.list.Tokens[i]
		if t.ID != id {
			continue
		}
		u := p.find(t.User)
		if u == nil || !secret.New(t.Hash).Equal(secret.New(digest(k))) || !p.now().Before(t.Expires) {
			return t, false
		}
		t.Role = min(t.Role, u.Role)
		return t, true
	}
	return t, false
}

// revoke removes a token of a user, of anybody if the name is empty.
func (p *people) revoke(id, name string) error {
	return p.change(func() error {
		n := len(p.list.Tokens)
		p.forget(func(t *token) bool { return t.ID == id && (name == "" || t.User == name) })
		if len(p.list.Tokens) == n {
			return fmt.Errorf("token %s: %w", id, store.ErrNone)
		}
		return nil
	})
}

// reset forgets everybody.
func (p *people) reset() error {
	return p.change(func() error { p.list.Users, p.list.Tokens = nil, nil; return nil })
}

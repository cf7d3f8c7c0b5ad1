package manage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-probe/weir/export/secret"
)

// Description is a document of OpenAPI 3.1.
type Description struct {
	OpenAPI string `json:"openapi"`
	Info    any    `json:"info"`
	Dialect string `json:"jsonSchemaDialect"`
	Servers []any  `json:"servers"`
	Paths   any    `json:"paths"`
	Parts   any    `json:"components"`
}

// Setup is whether there is a user.
type Setup struct {
	Needed      bool   `json:"needed" doc:"Whether the first user has still to be made."`
	Code        string `json:"code,omitempty" doc:"The code for it; only told at the socket."`
	Fingerprint string `json:"fingerprint,omitempty" doc:"SHA-256 of the certificate; only told at the socket."`
}

// First is the first user.
type First struct {
	Code     secret.Text `json:"code" doc:"As the console shows it."`
	User     string      `json:"user" doc:"Name of the first user, an admin."`
	Password secret.Text `json:"password" doc:"12 characters at least."`
}

// Login is a name and a password.
type Login struct {
	User     string      `json:"user"`
	Password secret.Text `json:"password"`
}

// Password is another password.
type Password struct {
	Old secret.Text `json:"old"`
	New secret.Text `json:"new" doc:"12 characters at least."`
}

// Session is a token that was issued.
type Session struct {
	Token   string    `json:"token" doc:"To send as a bearer token. It cannot be shown again."`
	ID      string    `json:"id" doc:"By which it can be revoked."`
	User    string    `json:"user"`
	Role    Role      `json:"role"`
	Expires time.Time `json:"expires"`
}

// alphabet has no letters that look like others (Crockford's base 32).
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newCode makes a code of 60 bits in three groups.
func newCode() string {
	var b [12]byte
	rand.Read(b[:]) // never fails
	var code strings.Builder
	for i, c := range b {
		if i > 0 && i%4 == 0 {
			code.WriteByte('-')
		}
		code.WriteByte(alphabet[c%32])
	}
	return code.String()
}

// renew makes a code, as long as there are no users.
func (s *Server) renew() {
	code := newCode()
	s.mu.Lock()
	s.code = code
	s.mu.Unlock()
	fmt.Fprintf(s.probe.Console, "weir: there are no users yet. Code to make the first one: %s\n", code)
}

// plainCode makes what people type alike.
func plainCode(s string) secret.Text {
	return secret.New(strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L",
		"1").Replace(strings.ToUpper(s)))
}

func description(r *request) (any, error) {
	r.w.Header().Set("Content-Type", "application/json")
	r.w.WriteHeader(http.StatusOK)
	_, err := r.w.Write(r.s.openly)
	return written{}, ignore(err)
}

// ignore is for what cannot be told to somebody who is gone.
func ignore(error) error { return nil }

func setup(r *request) (any, error) {
	a := Setup{Needed: r.s.people.none()}
	if r.who.Role == Admin && r.who.By == "socket" {
		a.Fingerprint = r.s.fingerprint()
		if a.Needed {
			a.Code = r.s.setupCode()
		}
	}
	return a, nil
}

func (s *Server) setupCode() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

func first(r *request) (any, error) {
	in, err := decode[First](r)
	if err != nil {
		return nil, err
	}
	_, from := r.from()
	if left := r.s.guard.locked(from); left > 0 {
		return nil, locked(left)
	}
	code := r.s.setupCode()
	if !r.s.people.none() || code == "" {
		return nil, errDone
	}
	if !plainCode(code).Equal(plainCode(in.Code.Reveal())) {
		r.s.guard.failed(from, longestLock)
		return nil, refuse(http.StatusUnauthorized, "the code is not the one that the console shows")
	}
	if in.Password.Empty() {
		return nil, refuse(http.StatusBadRequest, "the first user needs a password")
	}
	if err := r.s.people.put(in.User, Admin, in.Password, true); err != nil {
		return nil, bad(err)
	}
	r.detail = "first user " + in.User
	return r.issue(in.User)
}

// bad has an error be the fault of who asks, unless it says otherwise.
func bad(err error) error {
	if errors.Is(err, errDone) || errors.Is(err, errLast) || errors.Is(err, errNobody) {
		return err
	}
	return refuse(http.StatusBadRequest, "%v", err)
}

// issue logs a user in.
func (r *request) issue(name string) (any, error) {
	r.s.mu.Lock()
	life := r.s.conf.Session
	r.s.mu.Unlock()
	if life <= 0 {
		life = 12 * time.Hour
	}
	t, text, err := r.s.people.issue(token{User: name, Role: Admin}, life)
	if err != nil {
		return nil, err
	}
	r.who = identity{User: name, Role: t.Role, By: "password"}
	return Session{text.Reveal(), t.ID, name, t.Role, t.Expires}, nil
}

func login(r *request) (any, error) {
	in, err := decode[Login](r)
	if err != nil {
		return nil, err
	}
	if err := r.proves(in.User, in.Password); err != nil {
		return nil, err
	}
	return r.issue(in.User)
}

// proves tries a password, and locks out who fails too often: the address for long, the user for a
// little.
func (r *request) proves(name string, password secret.Text) error {
	_, from := r.from()
	user := "user " + name
	if len(name) > 64 {
		user = "user of a long name"
	}
	if left := r.s.guard.locked(from, user); left > 0 {
		return locked(left)
	}
	if err := r.s.people.check(name, password); err != nil {
		r.s.guard.failed(from, longestLock)
		r.s.guard.failed(user, userLock)
		r.detail = "user " + name
		return refuse(http.StatusUnauthorized, "%v", err)
	}
	r.s.guard.succeeded(from)
	r.s.guard.succeeded(user)
	return nil
}

func logout(r *request) (any, error) {
	if r.who.id == "" {
		return nil, refuse(http.StatusBadRequest, "there is no token to give up: you are known by your %s",
			r.who.By)
	}
	return nil, r.s.people.revoke(r.who.id, "")
}

func whoami(r *request) (any, error) { return r.who, nil }

func password(r *request) (any, error) {
	in, err := decode[Password](r)
	if err != nil {
		return nil, err
	}
	if err := r.proves(r.who.User, in.Old); err != nil {
		return nil, err
	}
	if in.New.Empty() {
		return nil, refuse(http.StatusBadRequest, "the new password is empty")
	}
	if err := r.s.people.put(r.who.User, r.s.people.role(r.who.User), in.New, false); err != nil {
		return nil, bad(err)
	}
	return nil, nil
}

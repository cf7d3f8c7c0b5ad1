package manage

import (
	"net/http"
	"time"

	"github.com/weir-probe/weir/export/secret"
)

// User is somebody who may.
type User struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Password bool      `json:"password" doc:"Whether they can log in with one."`
	Since    time.Time `json:"since"`
}

// UserChange is what a user shall be.
type UserChange struct {
	Role     Role        `json:"role"`
	Password secret.Text `json:"password,omitempty" doc:"12 characters at least; none leaves the one there is."`
}

// Token is one that can be revoked.
type Token struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Name    string    `json:"name,omitempty" doc:"What it is for; nothing if somebody has logged in."`
	Role    Role      `json:"role"`
	Since   time.Time `json:"since"`
	Expires time.Time `json:"expires"`
}

// TokenWish is a token that somebody wants.
type TokenWish struct {
	Name string `json:"name" doc:"What it is for."`
	Role Role   `json:"role" doc:"At most that of the user."`
	Life string `json:"life" doc:"As in 720h; a year at most."`
	User string `json:"user,omitempty" doc:"Whose; for admins. None is the own."`
}

func users(r *request) (any, error) {
	p := r.s.people
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []User{}
	for _, u := range p.list.Users {
		all = append(all, User{u.Name, u.Role, u.Password != "", u.Since})
	}
	return all, nil
}

func putUser(r *request) (any, error) {
	in, err := decode[UserChange](r)
	if err != nil {
		return nil, err
	}
	if in.Role == Anyone {
		return nil, refuse(http.StatusBadRequest, "the role is missing: read, operate or admin")
	}
	name := r.PathValue("name")
	r.detail = "user " + name + " with role " + in.Role.String()
	if err := r.s.people.put(name, in.Role, in.Password, false); err != nil {
		return nil, bad(err)
	}
	return nil, nil
}

func dropUser(r *request) (any, error) {
	r.detail = "user " + r.PathValue("name")
	return nil, r.s.people.remove(r.PathValue("name"))
}

func tokens(r *request) (any, error) {
	p := r.s.people
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []Token{}
	for _, t := range p.list.Tokens {
		if (t.User == r.who.User || r.who.Role == Admin) && p.now().Before(t.Expires) {
			all = append(all, Token{t.ID, t.User, t.Name, t.Role, t.Since, t.Expires})
		}
	}
	return all, nil
}

// longestLife is how long a token may be good.
const longestLife = 366 * 24 * time.Hour

func newToken(r *request) (any, error) {
	in, err := decode[TokenWish](r)
	if err != nil {
		return nil, err
	}
	life, err := time.ParseDuration(in.Life)
	switch {
	case err != nil || life < time.Minute || life > longestLife:
		return nil, refuse(http.StatusBadRequest, "the life %q is none; write it as 720h, from 1m to 8784h",
			in.Life)
	case in.Name == "" || len(in.Name) > 100:
		return nil, refuse(http.StatusBadRequest, "say what the token is for, in 100 octets at most")
	case in.Role == Anyone:
		return nil, refuse(http.StatusBadRequest, "the role is missing: read, operate or admin")
	case in.User == "":
		in.User = r.who.User
	case in.User != r.who.User && r.who.Role != Admin:
		return nil, refuse(http.StatusForbidden, "only an admin makes tokens of others")
	}
	role := in.Role
	if in.User == r.who.User {
		role = min(role, r.who.Role) // a token does not make a better one
	}
	t, text, err := r.s.people.issue(token{User: in.User, Name: in.Name, Role: role}, life)
	if err != nil {
		return nil, bad(err)
	}
	r.detail = "token " + t.ID + " of " + t.User + " for " + t.Name
	return Session{text.Reveal(), t.ID, t.User, t.Role, t.Expires}, nil
}

func dropToken(r *request) (any, error) {
	whose := r.who.User
	if r.who.Role == Admin {
		whose = ""
	}
	r.detail = "token " + r.PathValue("id")
	return nil, r.s.people.revoke(r.PathValue("id"), whose)
}

func auditLog(r *request) (any, error) {
	n, err := r.number("limit", 100, 100_000)
	if err != nil {
		return nil, err
	}
	return r.s.audit.last(n), nil
}

package main

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/manage"
)

// people are the commands about who may.
func (k *ctl) people() []*cobra.Command {
	user := &cobra.Command{Use: "user", Short: "Who may: list, add, change, remove", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	names := complete(k, "/v1/users", func(u *manage.User) string { return u.Name })
	user.AddCommand(
		list(k, "list", "List users", "/v1/users", "USER ROLE PASSWORD SINCE", func(u *manage.User) []any {
			return []any{u.Name, u.Role, u.Password, dash(when(u.Since))}
		}),
		&cobra.Command{Use: "remove USER", Short: "Remove a user and their tokens", Args: arguments(cobra.ExactArgs(1)), ValidArgsFunction: names,
			RunE: func(_ *cobra.Command, a []string) error { return k.done("DELETE", "/v1/users/"+url.PathEscape(a[0])) }},
		k.userSetCommand())
	token := &cobra.Command{Use: "token", Short: "Tokens for programs: list, make, revoke", Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	token.AddCommand(
		list(k, "list", "List tokens", "/v1/tokens", "ID USER ROLE EXPIRES FOR", func(t *manage.Token) []any {
			return []any{t.ID, t.User, t.Role, dash(when(t.Expires)), dash(or(t.Name, "login"))}
		}),
		&cobra.Command{Use: "revoke ID", Short: "Revoke a token", Args: arguments(cobra.ExactArgs(1)),
			ValidArgsFunction: complete(k, "/v1/tokens", func(t *manage.Token) string { return t.ID }),
			RunE:              func(_ *cobra.Command, a []string) error { return k.done("DELETE", "/v1/tokens/"+url.PathEscape(a[0])) }},
		k.tokenNewCommand())
	return []*cobra.Command{user, token,
		{Use: "setup [USER]", Short: "Make the first user; without a name, show the code for it", Args: arguments(cobra.MaximumNArgs(1)),
			RunE: func(_ *cobra.Command, a []string) error { return k.setup(a) }},
		{Use: "login USER", Short: "Log in with a password; the token goes to --token-file, or is printed", Args: arguments(cobra.ExactArgs(1)),
			RunE: func(_ *cobra.Command, a []string) error { return k.login(a[0]) }},
		{Use: "logout", Short: "Give up the token", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.done("POST", "/v1/logout") }},
		{Use: "password", Short: "Change the own password", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.password() }},
		{Use: "whoami", Short: "Who is asking", Args: arguments(cobra.NoArgs),
			RunE: func(*cobra.Command, []string) error { return k.whoami() }},
	}
}

func (k *ctl) userSetCommand() *cobra.Command {
	var role string
	var password bool
	c := &cobra.Command{
		Use: "set USER", Short: "Add a user, or change one", Args: arguments(cobra.ExactArgs(1)),
		Example: `  weir ctl user set ann --role operate --password
  weir ctl user set probe-7 --role read          by certificate or token only`,
		RunE: func(_ *cobra.Command, a []string) (err error) {
			in := map[string]string{"role": role}
			if password {
				if in["password"], err = k.secret("password of " + a[0]); err != nil {
					return err
				}
			}
			_, err = k.ask("PUT", "/v1/users/"+url.PathEscape(a[0]), in, nil)
			return err
		},
	}
	c.Flags().StringVar(&role, "role", "read", "read, operate or admin")
	c.Flags().BoolVar(&password, "password", false, "ask for a password, or read it from the first line of standard input")
	return c
}

func (k *ctl) tokenNewCommand() *cobra.Command {
	in := manage.TokenWish{}
	role := ""
	c := &cobra.Command{
		Use: "new PURPOSE", Short: "Make a token and print it; it cannot be shown again", Args: arguments(cobra.ExactArgs(1)),
		Example: `  weir ctl token new "nightly backup" --role read --life 8760h > token`,
		RunE: func(_ *cobra.Command, a []string) (err error) {
			in.Name = a[0]
			if in.Role, err = manage.ParseRole(role); err != nil {
				return usageError{err}
			}
			return k.issued("/v1/tokens", in)
		},
	}
	f := c.Flags()
	f.StringVar(&role, "role", "read", "read, operate or admin; at most that of the user")
	f.StringVar(&in.Life, "life", "720h", "how long it is good")
	f.StringVar(&in.User, "user", "", "whose, for admins")
	return c
}

// issued asks for a token and prints it, or puts it into the file that was named.
func (k *ctl) issued(path string, in any) error {
	var s manage.Session
	told, err := k.ask("POST", path, in, &s)
	if !told {
		return err
	}
	if k.tokenFile == "" || path == "/v1/tokens" {
		k.say("%s", s.Token)
		return nil
	}
	k.say("%s may %s until %s", s.User, s.Role, when(s.Expires))
	return os.WriteFile(k.tokenFile, []byte(s.Token+"\n"), 0o600)
}

func (k *ctl) setup(args []string) error {
	if len(args) == 0 {
		var s manage.Setup
		if told, err := k.ask("GET", "/v1/setup", nil, &s); !told {
			return err
		}
		if !s.Needed {
			k.say("weir has users; log in")
		} else if s.Code != "" {
			k.say("code      %s", s.Code)
		}
		if s.Fingerprint != "" {
			k.say("SHA-256   %s", s.Fingerprint)
		}
		return nil
	}
	code, err := k.secret("code on the console")
	if err != nil {
		return err
	}
	password, err := k.secret("password of " + args[0])
	if err != nil {
		return err
	}
	return k.issued("/v1/setup", map[string]string{"code": code, "user": args[0], "password": password})
}

func (k *ctl) login(name string) error {
	password, err := k.secret("password of " + name)
	if err != nil {
		return err
	}
	return k.issued("/v1/login", map[string]string{"user": name, "password": password})
}

func (k *ctl) password() error {
	old, err := k.secret("old password")
	if err != nil {
		return err
	}
	next, err := k.secret("new password")
	if err != nil {
		return err
	}
	_, err = k.ask("PUT", "/v1/password", map[string]string{"old": old, "new": next}, nil)
	return err
}

func (k *ctl) whoami() error {
	var who struct{ User, Role, By string }
	if told, err := k.ask("GET", "/v1/whoami", nil, &who); !told {
		return err
	}
	k.say("%s may %s, known by %s", who.User, who.Role, who.By)
	return nil
}

// secret asks for something that is not shown while it is typed, or reads a line if nobody types.
func (k *ctl) secret(what string) (string, error) {
	fd := int(os.Stdin.Fd())
	state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	typed := err == nil && k.in == os.Stdin
	if typed {
		fmt.Fprintf(os.Stderr, "%s: ", what)
		quiet := *state
		quiet.Lflag &^= unix.ECHO
		if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
			return "", err
		}
		defer fmt.Fprintln(os.Stderr)
		defer func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, state) }()
	}
	b, ok := k.in.(*bufio.Reader)
	if !ok {
		b = bufio.NewReader(k.in)
		if !typed {
			k.in = b // more may be asked for
		}
	}
	line, err := b.ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", usagef("there is no %s (%v); type it, or give it on a line of the standard input", what, err)
	}
	return line, nil
}

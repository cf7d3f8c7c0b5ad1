package sink

import (
	"errors"

	"github.com/weir-probe/weir/export/secret"
)

// AuthOptions say who weir is to a server. Secrets are in files or in the environment and are
// read whenever they are needed, so they can be changed while weir runs; no error shows them.
type AuthOptions struct {
	User         string `toml:"user"`
	PasswordFile string `toml:"password_file"` // whose first line is the password
	PasswordEnv  string `toml:"password_env"`  // environment variable that holds the password
	TokenFile    string `toml:"token_file"`    // whose first line is the API key or bearer token
	TokenEnv     string `toml:"token_env"`     // environment variable that holds it
}

// Check returns what is wrong with the options, and what to do about it. It reads the secrets.
func (o *AuthOptions) Check() error {
	password := o.PasswordFile != "" || o.PasswordEnv != ""
	token := o.TokenFile != "" || o.TokenEnv != ""
	switch {
	case o.User != "" && !password:
		return errors.New("user has no password: set password_file or password_env")
	case o.User == "" && password:
		return errors.New("password has no user: set user")
	case password && token:
		return errors.New("password and token exclude each other: set one of them")
	}
	if _, err := o.password(); err != nil {
		return err
	}
	_, err := o.token()
	return err
}

// Credentials returns the user and the password, empty if there is none, for servers that are no sinks.
func (o *AuthOptions) Credentials() (user string, password secret.Text, err error) {
	password, err = o.password()
	return o.User, password, err
}

// password returns the password, empty if there is none.
func (o *AuthOptions) password() (secret.Text, error) {
	return secret.Read("password", o.PasswordFile, o.PasswordEnv)
}

// token returns the API key or bearer token, empty if there is none.
func (o *AuthOptions) token() (secret.Text, error) {
	return secret.Read("token", o.TokenFile, o.TokenEnv)
}

// Package secret reads passwords and keys and keeps them from being shown.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// A Text is a secret. Whatever prints, logs or encodes it gets a placeholder; only Reveal tells it.
type Text struct{ hidden string }

// placeholder is what a secret shows of itself.
const placeholder = "[secret]"

// New makes a secret of s.
func New(s string) Text { return Text{s} }

// Reveal returns the secret itself.
func (t Text) Reveal() string { return t.hidden }

// Empty reports whether there is none.
func (t Text) Empty() bool { return t.hidden == "" }

// Equal compares in a time that says nothing about where two secrets differ.
func (t Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.hidden), []byte(o.hidden)) == 1
}

// String implements fmt.Stringer.
func (t Text) String() string { return placeholder }

// Format implements fmt.Formatter, for all verbs: %x would undo String.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(placeholder)) }

// MarshalText implements encoding.TextMarshaler, which JSON and TOML ask.
func (t Text) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// UnmarshalText implements encoding.TextUnmarshaler: a secret can be received.
func (t *Text) UnmarshalText(b []byte) error { t.hidden = string(b); return nil }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(placeholder) }

// Read reads a secret from the first line of a file or from an environment variable; it is empty if
// neither is named. The error tells what to do about it in terms of the keys what_file and what_env.
func Read(what, file, env string) (Text, error) {
	switch {
	case file != "" && env != "":
		return Text{}, fmt.Errorf("%s_file and %s_env exclude each other: set one of them", what, what)
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return Text{}, fmt.Errorf("%s cannot be read: %w; correct %s_file", what, err, what)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			return Text{}, fmt.Errorf("%s is empty: write the %s into the first line", file, what)
		}
		return Text{line}, nil
	case env != "":
		if s := os.Getenv(env); s != "" {
			return Text{s}, nil
		}
		return Text{}, fmt.Errorf("environment variable %s is not set: set it, or correct %s_env", env, what)
	}
	return Text{}, nil
}

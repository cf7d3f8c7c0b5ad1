// Package configs carries the reference manual of the configuration into the program.
package configs

import _ "embed" // for Manual

// Manual is weir.toml: every key with its default and what it does.
//
//go:embed weir.toml
var Manual string

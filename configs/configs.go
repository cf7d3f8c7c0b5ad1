// Package configs carries the reference manual of the configuration into the program.
package configs

import _ "embed" // for Manual and Services

// Manual is weir.toml: every key with its default and what it does.
//
//go:embed weir.toml
var Manual string

// Services is services.txt: domains and the services that are known by them.
//
//go:embed services.txt
var Services string

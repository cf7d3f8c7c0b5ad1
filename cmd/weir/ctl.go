package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/manage"
)

// ctl is somebody who operates a probe by its API.
type ctl struct {
	socket, url, tokenFile, pin string
	asJSON                      bool

	in   io.Reader
	out  io.Writer
	http *http.Client
	base string
	auth string
}

func ctlCommand() *cobra.Command {
	k := &ctl{}
	c := &cobra.Command{
		Use:   "ctl",
		Short: "Operate a probe that runs",
		Long: "Operate a probe that runs with a store (weir run --store), by its API: the one on this machine through its\n" +
			"socket, or another one by --url. Who may what is said by a token, which login makes, or at the socket by the\n" +
			"user that asks.",
		Example: `  weir ctl status
  weir ctl config edit && weir ctl config commit -m "new collector" --confirm 10m && weir ctl config confirm
  weir ctl tail dns --filter 'DNS_QUERY contains "example"'
  weir ctl --url https://192.0.2.1:8443 --pin AB:CD:... --token-file t login ann
  weir ctl --json exporters | jq '.[] | select(.pending > 0)'`,
		Args:              arguments(cobra.NoArgs),
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return k.connect(c) },
	}
	f := c.PersistentFlags()
	k.flags(f)
	f.BoolVar(&k.asJSON, "json", false, "print what the API answers, for programs")
	c.AddCommand(k.shows()...)
	c.AddCommand(k.doings()...)
	c.AddCommand(k.configCommand(), k.tailCommand(), k.topCommand(), k.trackCommand())
	c.AddCommand(k.people()...)
	return c
}

// flags are those that say whom to ask.
func (k *ctl) flags(f *pflag.FlagSet) {
	f.StringVar(&k.socket, "socket", "", "socket of the probe on this machine (WEIR_SOCKET; /run/weir/manage.sock)")
	f.StringVar(&k.url, "url", "", "another probe: https://address:port (WEIR_URL)")
	f.StringVar(&k.pin, "pin", "", "SHA-256 of its certificate, as its console shows it (WEIR_PIN)")
	f.StringVar(&k.tokenFile, "token-file", "", "file with a token (or the token itself in WEIR_TOKEN)")
}

// or returns the first text that says something.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// connect finds out whom to ask.
func (k *ctl) connect(c *cobra.Command) error {
	k.in, k.out = c.InOrStdin(), c.OutOrStdout()
	if k.http != nil {
		return nil
	}
	k.auth = os.Getenv("WEIR_TOKEN")
	if k.tokenFile != "" {
		if b, err := os.ReadFile(k.tokenFile); err == nil {
			k.auth = strings.TrimSpace(string(b))
		} else if c.Name() != "login" && c.Name() != "setup" {
			return usagef("token: %w; log in first", err)
		}
	}
	k.url = or(k.url, os.Getenv("WEIR_URL"))
	if k.socket != "" || k.url == "" {
		path := or(k.socket, os.Getenv("WEIR_SOCKET"), config.Default().Management.Socket)
		k.base = "http://weir"
		k.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}}}
		return nil
	}
	u, err := url.Parse(k.url)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return usagef("%q is not the address of a probe; write it like https://192.0.2.1:8443", k.url)
	}
	k.base = strings.TrimSuffix(k.url, "/")
	k.http = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: k.trust()}}
	return nil
}

// trust is whom to believe: who has the certificate that is pinned, or else whom authorities vouch for.
func (k *ctl) trust() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	pin := strings.NewReplacer(":", "", " ", "").Replace(strings.ToUpper(or(k.pin, os.Getenv("WEIR_PIN"))))
	if pin == "" {
		return c
	}
	c.InsecureSkipVerify = true // VerifyConnection does it
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if got := manage.Fingerprint(s.PeerCertificates[0].Raw); strings.ReplaceAll(got, ":", "") != pin {
			return fmt.Errorf("the certificate is not the one that is pinned but %s: somebody else may answer", got)
		}
		return nil
	}
	return c
}

// open asks for something and returns the answer if it is one.
func (k *ctl) open(method, path string, body io.Reader) (*http.Response, error) {
	q, err := http.NewRequest(method, k.base+path, body)
	if err != nil {
		return nil, err
	}
	if k.auth != "" {
		q.Header.Set("Authorization", "Bearer "+k.auth)
	}
	a, err := k.http.Do(q)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("the probe does not answer: %w; does weir run --store run there?", err)
	}
	if a.StatusCode < 300 {
		return a, nil
	}
	defer a.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	var p manage.Problem
	if json.Unmarshal(text, &p) != nil || p.Detail == "" {
		return nil, fmt.Errorf("the probe answers %s: %s", a.Status, text)
	}
	return nil, errors.New(p.Detail + listed(p.Mistakes))
}

// listed writes mistakes, each on a line.
func listed(all []manage.Mistake) string {
	var b strings.Builder
	for _, m := range all {
		p := config.Problem{File: "candidate", Line: m.Line, Key: m.Key, Wrong: m.Wrong, Fix: m.Fix}
		b.WriteString("\n" + p.String())
	}
	return b.String()
}

// text asks for something and returns the body of the answer.
func (k *ctl) text(method, path string, body []byte) ([]byte, error) {
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	a, err := k.open(method, path, in)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	return io.ReadAll(a.Body)
}

// ask asks for something; in becomes the body and the answer becomes out, unless they are nil. It
// prints the answer as it is, if so asked, and returns false then.
func (k *ctl) ask(method, path string, in, out any) (told bool, err error) {
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return false, err
		}
	}
	text, err := k.text(method, path, body)
	if err != nil || out == nil {
		return false, err
	}
	if k.asJSON {
		_, err = k.out.Write(text)
		return false, err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return false, fmt.Errorf("the answer cannot be read: %w; is the probe of another release?", err)
	}
	return true, nil
}

// say prints a line for people.
func (k *ctl) say(format string, a ...any) {
	if !k.asJSON {
		fmt.Fprintf(k.out, format+"\n", a...)
	}
}

func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

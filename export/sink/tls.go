package sink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// TLSOptions say how the ends of a connection prove who they are. The zero value trusts the
// certificate authorities of the system and shows no certificate.
type TLSOptions struct {
	CA          string `toml:"ca"`          // PEM file of authorities to trust in place of the system's
	Certificate string `toml:"certificate"` // PEM file of the certificate to show, with its intermediates
	Key         string `toml:"key"`         // PEM file of the key of the certificate
	ServerName  string `toml:"server_name"` // name the peer has to prove; empty is the host it is reached by
	// Pin is the SHA-256 of the certificate of the peer, in hexadecimal with or without colons. No
	// other certificate is taken, and authorities are asked only if CA names some.
	Pin      string `toml:"pin"`
	Insecure bool   `toml:"insecure"` // take any certificate, unless Pin says otherwise
}

// Check returns what is wrong with the options, and what to do about it. It reads the files.
func (o *TLSOptions) Check() error {
	_, err := o.Config("")
	return err
}

// Config returns the client's side of a connection to host. It reads the files each time, so that
// every connection is made with the certificates that are there when it begins.
func (o *TLSOptions) Config(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if o.ServerName != "" {
		c.ServerName = o.ServerName
	}
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("authorities cannot be read: %w; correct ca", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate: name a PEM file in ca", o.CA)
		}
	}
	if (o.Certificate == "") != (o.Key == "") {
		return nil, errors.New("certificate and key belong together: name both or neither")
	}
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, fmt.Errorf("certificate cannot be used: %w; correct certificate and key", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	c.InsecureSkipVerify = o.Insecure
	if o.Pin == "" {
		return c, nil
	}
	pin, err := hex.DecodeString(strings.ReplaceAll(o.Pin, ":", ""))
	if err != nil || len(pin) != sha256.Size {
		return nil, errors.New("pin is not a SHA-256 in 64 hexadecimal digits: " +
			"openssl x509 -noout -fingerprint -sha256 -in FILE shows that of a certificate")
	}
	c.InsecureSkipVerify = o.Insecure || o.CA == ""
	c.VerifyConnection = func(s tls.ConnectionState) error { return pinned(s, pin) }
	return c, nil
}

// pinned refuses a peer whose certificate has another SHA-256 than pin.
func pinned(s tls.ConnectionState, pin []byte) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("peer shows no certificate")
	}
	if sum := sha256.Sum256(s.PeerCertificates[0].Raw); !bytes.Equal(sum[:], pin) {
		return fmt.Errorf("certificate of the peer has the SHA-256 %x, which is not the pin", sum)
	}
	return nil
}

// client begins TLS on a connection to host:port. It closes the connection if that fails.
func (o *TLSOptions) client(ctx context.Context, c net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		c.Close()
		return nil, err
	}
	config, err := o.Config(host)
	if err != nil {
		c.Close()
		return nil, err
	}
	t := tls.Client(c, config)
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("TLS with %s: %w", address, explain(err))
	}
	return t, nil
}

// explain adds to an error of TLS what can be done about it.
func explain(err error) error {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("%w; name the authority's file in ca, or the certificate's SHA-256 in pin", err)
	case errors.As(err, &host):
		return fmt.Errorf("%w; set server_name to a name of the certificate", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w; renew the certificate, or set the clock (it says %s)", err,
			time.Now().UTC().Format(time.RFC3339))
	case errors.As(err, &record):
		return fmt.Errorf("%w; the peer does not speak TLS at this port", err)
	}
	return err
}

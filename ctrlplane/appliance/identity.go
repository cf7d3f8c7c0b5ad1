package appliance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Identity is what makes a machine different from all others that started from the same image.
type Identity struct {
	ID          string // of the machine, 32 hexadecimal digits (machine-id(5))
	Host        string
	Fingerprint string // SHA-256 of the certificate
	Code        string // for who sets the machine up; empty once somebody did
}

const identityDir = "/var/lib/weir/identity"

// Identify makes what there is not yet of the identity, and returns it.
func (m Machine) Identify(now time.Time) (id Identity, err error) {
	if err := os.MkdirAll(m.at(identityDir), 0o750); err != nil {
		return id, err
	}
	if id.ID, err = m.keep("machine-id", randomID); err != nil {
		return id, err
	}
	id.Host = "weir-" + id.ID[:6]
	if id.Code, err = m.keep("setup-code", randomCode); err != nil {
		return id, err
	}
	text, err := m.keep("tls.pem", func() (string, error) { return selfSigned(id.Host, now) })
	if err != nil {
		return id, err
	}
	id.Fingerprint, err = fingerprint([]byte(text))
	return id, err
}

// keep returns the text of a file of the identity, which is made if it is not there or empty.
func (m Machine) keep(name string, make func() (string, error)) (string, error) {
	if text := m.read(identityDir, name); text != "" {
		return text, nil
	}
	text, err := make()
	if err != nil {
		return "", err
	}
	return text, replace(m.at(identityDir, name), []byte(text+"\n"), 0o640)
}

// replace writes a file such that it is the old one or the new one whenever the power fails.
func replace(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func randomID() (string, error) {
	b := make([]byte, 16)
	_, err := rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // a UUID of version 4
	return hex.EncodeToString(b), err
}

// randomCode returns 60 bits as twelve letters and digits, of which none is easily taken for another.
func randomCode() (string, error) {
	s := strings.ToLower(rand.Text())
	return s[:4] + "-" + s[4:8] + "-" + s[8:12], nil
}

// selfSigned returns a key and its certificate for ten years.
func selfSigned(host string, now time.Time) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return "", err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	return strings.TrimSpace(string(text)), nil
}

// fingerprint returns the SHA-256 of the first certificate, as browsers show it.
func fingerprint(text []byte) (string, error) {
	b, _ := pem.Decode(text)
	if b == nil || b.Type != "CERTIFICATE" {
		return "", errors.New("the first block of tls.pem is no certificate; remove the file, and it is made anew")
	}
	var parts []string
	for _, octet := range sha256.Sum256(b.Bytes) {
		parts = append(parts, fmt.Sprintf("%02X", octet))
	}
	return strings.Join(parts, ":"), nil
}

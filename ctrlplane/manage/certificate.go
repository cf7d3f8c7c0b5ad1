package manage

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/store"
)

// life of a certificate that weir makes for itself. It is known by its fingerprint, so nobody has to
// renew it.
const certificateLife = 20 * 365 * 24 * time.Hour

// selfSigned makes a certificate for the names of a host, certificate and key in one PEM text.
func selfSigned(names []string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "weir", Organization: []string{"weir"}},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else if name != "" {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

// certificate returns the one in a file, which it makes if there is none.
func certificate(path, listen string) (*tls.Certificate, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		host, _, _ := net.SplitHostPort(listen)
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			host = ""
		}
		name, _ := os.Hostname()
		if text, err = selfSigned([]string{host, name, "localhost", "127.0.0.1", "::1"}); err == nil {
			err = store.Replace(path, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return pair(text, text)
}

// pair makes a certificate of PEM texts.
func pair(cert, key []byte) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate cannot be used: %s; give a certificate and its key, both in PEM",
			strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &c, nil
}

// Fingerprint returns the SHA-256 of a certificate as people compare it: AB:CD:...
func Fingerprint(der []byte) string {
	h := sha256.Sum256(der)
	text := strings.ToUpper(hex.EncodeToString(h[:]))
	var b strings.Builder
	for i := 0; i < len(text); i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(text[i : i+2])
	}
	return b.String()
}

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secrets are the passwords in recordings of logins.
var secrets = map[string][]string{
	"ftp/vsftpd.pcap":     {"lftp@", "me@example.com", "ftp@example.com"},
	"imap/dovecot.pcap":   {"wonderland", "wron"},
	"pop3/dovecot.pcap":   {"wonderland", "nope"},
	"ldap/slapd.pcap":     {"wonderland", "wrong"},
	"smtp/aiosmtpd.pcap":  {"d29uZGVybGFuZA=="},
	"mqtt/mosquitto.pcap": {"hunter2", "wrong"},
	"snmp/net-snmp.pcap":  {"hunter2", "wrong"},
	"redis/redis.pcap":    {"berry"},
}

// TestSecretsNowhere has every format write all that is known of logins, and finds no password in it: as it
// is, in Base64, in hexadecimal.
func TestSecretsNowhere(t *testing.T) {
	for name, words := range secrets {
		file := filepath.Join("..", "..", "dissect", "app", "testdata", name)
		capture, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		events := []string{"replay", "-q", "--records", "flow,event", "--logs", filepath.Join(dir, "logs")}
		flows := []string{"replay", "-q", "--zeek=" + filepath.Join(dir, "zeek"),
			"--zeek-json=" + filepath.Join(dir, "zj")}
		for _, format := range []string{
			"json", "json-numeric", "ecs", "eve", "csv", "text", "table", "protobuf", "ipfix", "events",
		} {
			events = append(events, "--"+format+"="+filepath.Join(dir, format))
		}
		must(t, append(events, file)...)
		must(t, append(flows, file)...)
		written := 0
		err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			written += len(b)
			for _, word := range words {
				if i := finds(b, word); i >= 0 {
					t.Errorf("%s: %q is in %s: %q", name, word, path, b[max(0, i-80):min(len(b), i+80)])
				}
			}
			return err
		})
		if err != nil || written < 10_000 {
			t.Errorf("%s: %d octets are written: %v", name, written, err)
		}
		for _, word := range words {
			if finds(capture, word) < 0 {
				t.Errorf("%s: %q is not even there", name, word)
			}
		}
	}
}

// finds returns where a word is, in clear or coded, and -1 if it is not.
func finds(b []byte, word string) int {
	coded := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(word)), "=")
	for _, w := range []string{word, coded, hex.EncodeToString([]byte(word))} {
		if i := bytes.Index(b, []byte(w)); i >= 0 {
			return i
		}
	}
	return -1
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestDataOfTFTP holds that blocks say which request they belong to.
func TestDataOfTFTP(t *testing.T) {
	got := map[string]int{}
	path := filepath.Join("..", "..", "ctrlplane", "expect", "testdata", "tftpd.pcap")
	for _, o := range objects(t, must(t, "replay", "-q", "--json", path)) {
		if o["L4_DST_PORT"] != float64(69) {
			got[fmt.Sprint(o["L7_PROTO_NAME"], " ", o["TFTP_OPERATION"], " ", o["TFTP_FILE"])]++
		}
	}
	if want := map[string]int{"TFTP read boot.txt": 3, "TFTP read none": 1,
		"TFTP write up.txt": 1}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestDataOfFTP holds that data connections say which command opened them, in recordings of our own and in
// captures of others. Without is how many cannot: their control connection is encrypted.
func TestDataOfFTP(t *testing.T) {
	captures := filepath.Join("..", "..", "..", "shared", "captures", "ftp")
	for _, c := range []struct {
		path          string
		with, without int
		want          map[string]int
	}{
		{filepath.Join("..", "..", "ctrlplane", "expect", "testdata", "vsftpd.pcap"), 9, 1,
			map[string]int{"LIST": 2, "NLST": 1, "RETR": 5, "STOR": 1}},
		{filepath.Join(captures, "zeek__ftp__ipv4.pcap"), 4, 0, map[string]int{"LIST": 2, "RETR": 2}},
		{filepath.Join(captures, "zeek__ftp__ipv6.pcap"), 5, 0, nil},
		{filepath.Join(captures, "suricata-verify__ftp-upload-active__input.pcap"), 3, 0,
			map[string]int{"NLST": 2, "STOR": 1}},
	} {
		if _, err := os.Stat(c.path); err != nil {
			t.Logf("%s is not there", c.path)
			continue
		}
		with, without, commands := 0, 0, map[string]int{}
		for _, o := range objects(t, must(t, "replay", "-q", "--json", c.path)) {
			switch command := o["FTP_COMMAND"]; {
			case o["PROTOCOL"] != float64(6) || o["L4_DST_PORT"] == float64(21) || o["L4_SRC_PORT"] == float64(21):
			case command == nil:
				without++
			default:
				with++
				commands[command.(string)]++
				if o["L7_PROTO_NAME"] != "FTP_DATA" || o["FTP_LOGIN"] == nil {
					t.Errorf("%s: %v", c.path, o)
				}
			}
		}
		t.Logf("%s: %d of %d data connections with their command: %v", filepath.Base(c.path), with,
			with+without, commands)
		if with != c.with || without != c.without || c.want != nil && fmt.Sprint(commands) != fmt.Sprint(c.want) {
			t.Errorf("%s: %d with a command and %d without, want %d and %d; %v, want %v", filepath.Base(c.path),
				with, without, c.with, c.without, commands, c.want)
		}
	}
}

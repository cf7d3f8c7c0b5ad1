package session

import (
	"fmt"
	"net/netip"
	"strings"
)

// kindDocs explain what is remembered, and its values.
var kindDocs = [kinds]string{
	Media:      "The call that media from or to an endpoint belongs to: its Call-ID.",
	User:       "Who has an address or an IPv6 prefix: a binding.",
	Subscriber: "Who has a GTP tunnel, by its endpoint and the identifier in hexadecimal: a binding.",
	Name:       "What an address was looked up as: a host name.",
	Data:       "What has announced an endpoint, as a command of FTP: the dissector and what flows say of it, with tabs between.",
	Lease: "Who has an address by DHCP, five words: MAC address, begin and end in milliseconds since the Unix epoch, " +
		"client identifier in hexadecimal, and host name; what is not known is a minus.",

	FormerUser:       "Who had an address or prefix before: a binding.",
	FormerSubscriber: "Who had a GTP tunnel before: a binding.",
}

// Page returns the page that explains what probes share by Redis.
func Page() string {
	var b strings.Builder
	b.WriteString(pageBegin)
	addr := netip.MustParseAddr("192.0.2.1").As16()
	for kind := Media; kind < kinds; kind++ {
		k := Key{addr: addr, kind: kind}
		switch kind {
		case Media, Data:
			k.number = 4000
		case Subscriber, FormerSubscriber:
			k.number = 0xbeef
		}
		fmt.Fprintf(&b, "| `weir:%s` | %s |\n", k, kindDocs[kind])
	}
	b.WriteString(pageEnd)
	table(&b, "Counters: `sessions`", CounterDocs[:])
	table(&b, "Counters: `redis`", RedisDocs[:])
	return b.String()
}

const pageBegin = `# Sessions in Redis

Made from the code; do not edit. "[sessions.redis]" in weir.toml has probes share what they remember.

## Keys

A key is the prefix, the kind and what the session is known by, with colons between; the prefix here is weir.
A value is plain text of at most 255 octets. Every key has a time to live (PX), which is how long the session
holds: no key stays for ever.

| Key | Value |
|---|---|
`

const pageEnd = `
Addresses are written as RFC 5952 says, those of IPv6 with a port in brackets.

A binding is a text with tabs between its parts, of which the first are numbers in base 36: when it began and
when it ended (0: it has not), in milliseconds since the Unix epoch, and a number that tells its holder from
others; then who he is: user name, IMSI, telephone number, IMEI, access point name, cell, NAS, session and MAC
address, each empty if not known.

## Changes

Whoever writes a key publishes it on the channel "weir:changes" in the same exchange. A message is

    origin milliseconds key value

with one space between. The origin tells the probe from others, so that none listens to itself; the milliseconds
are how long the session holds, 0 if it is over; the key has no prefix. Changes are published because media is
mostly recorded when it ends, and has no time to wait for an answer then. What was missed is found otherwise: a
probe that begins to listen reads all keys once (SCAN), as far as it has room, and one that misses a session
asks for it (GET, PTTL) in the background, every 10 seconds at most.

## When Redis is away

Probes go on with what they know and put, look for Redis every second, and say so in the log and in the counters
below. When it is back, each writes what it has put meanwhile, or everything it has put if the server has begun
anew (run_id). No more is kept for that than is remembered anyway.

`

func table(b *strings.Builder, title string, docs []struct{ Name, Doc string }) {
	fmt.Fprintf(b, "## %s\n\n| Counter | Meaning |\n|---|---|\n", title)
	for _, d := range docs {
		fmt.Fprintf(b, "| `%s` | %s |\n", d.Name, d.Doc)
	}
	b.WriteString("\n")
}

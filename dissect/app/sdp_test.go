package app

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// described reads a description, lines separated by |, and returns its media.
func described(t *testing.T, text string) (all []Media, x sdpReader) {
	t.Helper()
	x.read([]byte(strings.ReplaceAll(text, "|", "\r\n") + "\r\n"))
	b := x.media[:x.size]
	for {
		var m Media
		var ok bool
		if b, ok = ReadMedia(b, &m); !ok {
			return all, x
		}
		all = append(all, m)
	}
}

var pcmu = []Payload{{0, CodecPCMU, 8000}}

// TestSDP reads descriptions as they are found in calls.
func TestSDP(t *testing.T) {
	a := netip.MustParseAddr
	for name, c := range map[string]struct {
		text string
		want []Media
		flaw string
	}{
		"plain": {"v=0|c=IN IP4 192.0.2.1|m=audio 4000 RTP/AVP 0", []Media{{Kind: AudioMedia, Transport: RTPAVP,
			Address: a("192.0.2.1"), Port: 4000, RTCP: 4001, Payloads: pcmu}}, ""},
		"the address of the medium": {"c=IN IP4 192.0.2.1|m=audio 4000/2 rtp/avp 0|c=IN IP6 2001:db8::1|a=inactive",
			[]Media{{Kind: AudioMedia, Transport: RTPAVP, Direction: Inactive, Address: a("2001:db8::1"), Port: 4000,
				RTCP: 4001, Payloads: pcmu}}, ""},
		"on hold in the old way": {"c=IN IP4 0.0.0.0|m=audio 4000 RTP/AVP 0", []Media{{Kind: AudioMedia,
			Transport: RTPAVP, Address: a("0.0.0.0"), Port: 4000, RTCP: 4001, Payloads: pcmu}}, ""},
		"a direction for all": {"a=sendonly|m=audio 4000 RTP/AVP 0|m=audio 4002 RTP/AVP 0|a=recvonly", []Media{
			{Kind: AudioMedia, Transport: RTPAVP, Direction: SendOnly, Port: 4000, RTCP: 4001, Payloads: pcmu},
			{Kind: AudioMedia, Transport: RTPAVP, Direction: ReceiveOnly, Port: 4002, RTCP: 4003, Payloads: pcmu}}, ""},
		"a fax": {"c=IN IP4 192.0.2.1|m=image 5000 udptl t38", []Media{{Kind: ImageMedia, Transport: UDPTL,
			Address: a("192.0.2.1"), Port: 5000}}, ""},
		"refused": {"c=IN IP4 192.0.2.1|m=audio 0 RTP/AVP 0", []Media{{Kind: AudioMedia, Transport: RTPAVP,
			Address: a("192.0.2.1"), Payloads: pcmu}}, ""},
		"a name": {"c=IN IP4 media.example.com|m=audio 4000 RTP/AVP 0", []Media{{Kind: AudioMedia, Transport: RTPAVP,
			Port: 4000, RTCP: 4001, Payloads: pcmu}}, ""},
		"telephone events come last": {"m=audio 4000 RTP/AVP 8 0 3 4 18 101|" +
			"a=rtpmap:101 telephone-event/8000|" +
			"a=rtcp-mux",
			[]Media{{Kind: AudioMedia, Transport: RTPAVP, Port: 4000, RTCP: 4000, RTCPMux: true, More: true,
				Payloads: []Payload{{8, CodecPCMA, 8000}, {0, CodecPCMU, 8000}, {3, CodecGSM, 8000},
					{101, CodecTelephoneEvent, 8000}}}}, ""},
		"keys and candidates": {"m=video 9 RTP/SAVPF 96|a=rtpmap:96 vp8/90000|a=crypto:1 x inline:y|a=ptime:20|" +
			"a=rtcp:9000 IN" +
			" IP4 192.0.2.1|a=candidate:1 1 UDP 1 192.0.2.7 4000 typ host|a=candidate:1 2 UDP 1 192.0.2.7 4001 typ host|" +
			"a=candidate:2 1 TCP 1 192.0.2.7 9 typ host|a=candidate:3 1 UDP 1 x.local 9 typ host", []Media{{Kind: VideoMedia,
			Transport: RTPSAVPF, Port: 9, RTCP: 9000, Crypto: true, PTime: 20, Payloads: []Payload{{96, CodecVP8, 90000}},
			Candidates: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:4000")}, Offered: 4}}, ""},
		"flaws": {"v=0|rubbish|m=audio|c=IN", []Media{{Kind: AudioMedia}}, flawSDPLine},
		"m=":    {"m=audio 70000 RTP/AVP 0", []Media{{Kind: AudioMedia, Transport: RTPAVP, Payloads: pcmu}}, flawSDPMedia},
		"c=":    {"c=IN IP4", nil, flawSDPConnection},
		"IP6":   {"c=IN IP4 2001:db8::1", nil, flawSDPAddress},
		"":      {"", nil, ""},
	} {
		got, x := described(t, c.text)
		for i := range got {
			got[i].Payloads, got[i].Candidates = orNil(got[i].Payloads), orNil(got[i].Candidates)
		}
		if !reflect.DeepEqual(got, c.want) || x.flaw != c.flaw {
			t.Errorf("%s: %+v, flaw %q, want %+v", name, got, x.flaw, c.want)
		}
	}
}

func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

// What there is no room for is left out as a whole, and known by the number of lines.
func TestSDPBounds(t *testing.T) {
	text := "c=IN IP4 192.0.2.1"
	for range 100 {
		text += "|m=audio 4000 RTP/AVP 0 3 4 5 6 7|a=candidate:1 1 UDP 1 2001:db8::1 4000 typ host"
		text += "|a=rtpmap:5 " + strings.Repeat("y", 50) + "/8000|c=IN IP4 " + strings.Repeat("z", 60)
	}
	all, x := described(t, text)
	if x.lines != 100 || len(all) < 3 || x.size > len(x.media) || x.codecs.n > sdpCodecRoom ||
		x.addresses.n > sdpAddressRoom {
		t.Errorf("%d lines, %d media in %d octets, %d of codecs, %d of addresses", x.lines, len(all), x.size,
			x.codecs.n, x.addresses.n)
	}
	if s := string(x.codecs.bytes()); strings.HasSuffix(s, ";") || strings.Count(s, "PCMU") != 1 {
		t.Errorf("codecs %q", s)
	}
}

// FuzzMedia holds that what ReadMedia reads, AppendMedia writes, and that neither needs more than
// there is.
func FuzzMedia(f *testing.F) {
	for _, m := range []Media{{}, {Kind: AudioMedia, Transport: DTLSAVPF, Direction: Inactive,
		Address: netip.IPv6Loopback(), Port: 1, RTCP: 2, RTCPMux: true, Crypto: true, Fingerprint: true,
		More: true, PTime: 20, Payloads: pcmu, Offered: 9,
		Candidates: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:4000"), netip.MustParseAddrPort("[::2]:1")}}} {
		f.Add(AppendMedia(nil, &m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again Media
		rest, ok := ReadMedia(b, &m)
		if !ok {
			return
		}
		c := AppendMedia(nil, &m)
		if len(c) != len(b)-len(rest) || len(c) > mediaMost {
			t.Fatalf("%d octets were read, %d written", len(b)-len(rest), len(c))
		}
		if _, ok = ReadMedia(c, &again); !ok || !reflect.DeepEqual(m, again) {
			t.Fatalf("%+v, again %+v", m, again)
		}
		_, _, _ = m.Kind.String(), m.Transport.String(), m.Direction.String()
	})
}

// FuzzAddress compares with what the standard library reads.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "::", "::1", "2001:db8::", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1::2::3",
		"1:2:3:4:5:6:7::", "1:2:3:4:5:6:192.0.2.1", ":1", "1:", "00001::", "01.2.3.4", "1.2.3.4.", "256.1.1.1", ":::",
		"1:2:3:4:5:6:7:8:9", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::8", "1.2.3", "a", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		got, ok := addressOf([]byte(s))
		if want.Zone() != "" {
			return
		}
		if ok != (err == nil) || got != want {
			t.Errorf("%q: %v %v, netip says %v %v", s, got, ok, want, err)
		}
	})
}

func TestCodecs(t *testing.T) {
	for c := OtherCodec + 1; c < codecs; c++ {
		if name := c.String(); name == "" || codecNamed([]byte(strings.ToUpper(name))) != c {
			t.Errorf("codec %d, %q, is not found by its name", c, name)
		}
	}
	if codecNamed([]byte("x")) != OtherCodec || Codec(255).String() != "" || MediaKind(255).String() == "" ||
		MediaTransport(255).String() != "" {
		t.Error("what is not known has a name")
	}
}

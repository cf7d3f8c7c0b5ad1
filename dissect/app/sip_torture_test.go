package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// torture is a message that tests what parsers of SIP do. Via, From, To, Call-ID, CSeq and
// Content-Length are put in where lines has none of that name.
type torture struct {
	name  string // in RFC 4475 and RFC 5118
	start string
	lines string // separated by |, without the line ends
	body  string
	flaw  string // what must be wrong with it, empty for nothing
	want  string // fields it must have, separated by |; - for none of that name
	no    bool   // it is not accepted at all
}

// tortures4475 are the messages of RFC 4475, of which what matters is kept.
var tortures4475 = []torture{
	{name: "wsinv", start: "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
		lines: "TO :| sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n|" +
			`from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>|  ;|  tag = 98asjd8|` +
			"MaX-fOrWaRdS: 0068|Call-ID: wsinv.ndaksdj@192.0.2.1|cseq: 0009|  INVITE|" +
			"Via  : SIP  /   2.0| /UDP|    192.0.2.2;branch=390skdjuw|s :|NewFangledHeader:   newfangled value|" +
			" continued newfangled value|UnknownHeaderWithUnusualValue: ;;,,;;,;|Content-Type: application/sdp|" +
			"Route:| <sip:services.example.com;lr;unknownwith=value;unknown-no-value>|" +
			"v:  SIP  / 2.0  / TCP     spindle.example.com   ;|  branch  =   z9hG4bK9ikj8  ,|" +
			` SIP  /    2.0   / UDP  192.168.255.111   ; branch=| z9hG4bK30239|m:"Quoted string \"\"" ` +
			"<sip:jdrosen@example.com> ; newparam =|      newvalue ;|  secondparam ; q = 0.33",
		body: "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n" +
			"m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n",
		want: "SIP_CALLED_PARTY=sip:vivekg@chair-dnrc.example.com|SIP_TO_TAG=1918181833n|SIP_FROM_TAG=98asjd8|" +
			"SIP_CALLING_PARTY=sip:jdrosen@example.com|SIP_MAX_FORWARDS=68|SIP_CSEQ=9|SIP_VIAS=3|SIP_ROUTES=1|" +
			"SIP_BRANCH=390skdjuw|SIP_UAC_CONTACT=sip:jdrosen@example.com|SIP_RTP_L4_SRC_PORT=49217|" +
			"SIP_RTP_CODECS=PCMU;QCELP;LPC|SIP_UAC_MEDIA_LINES=2"},
	{name: "intmeth", start: "!interesting-Method0123456789_*+`.%indeed'~ " +
		"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com " +
		"SIP/2.0",
		lines: "To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" " +
			"<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>|" +
			"CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
		want: "SIP_CSEQ=139122385|SIP_CALLED_PARTY=sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com|" +
			"SIP_REQUEST_URI=sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com"},
	{name: "esc01", start: "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
		want: "SIP_REQUEST_URI=sip:sips%3Auser%40example.com@example.net"},
	{name: "escnull", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 14398234 REGISTER|To: sip:null-%00-null@example.com|L:0|Contact: <sip:%00@host5.example.com>",
		want:  "SIP_CALLED_PARTY=sip:null-%00-null@example.com|SIP_UAC_CONTACT=sip:%00@host5.example.com"},
	{name: "esc02", start: "RE%47IST%45R sip:registrar.example.com SIP/2.0", lines: "CSeq: 234902 RE%47IST%45R",
		want: "SIP_METHOD=RE%47IST%45R"},
	{name: "lwsdisp", start: "OPTIONS sip:user@example.com SIP/2.0",
		lines: "From: caller<sip:caller@example.com>;tag=323|CSeq: 60 OPTIONS",
		want:  "SIP_CALLING_PARTY=sip:caller@example.com|SIP_FROM_TAG=323"},
	{name: "longreq", start: "INVITE sip:user@example.com SIP/2.0",
		lines: "Call-ID: longreq.one" + strings.Repeat("really", 20) + "longcallid|" +
			"From: sip:" + strings.Repeat("long", 60) + "@example.net;tag=12" + strings.Repeat("9", 80),
		want: "SIP_CALL_ID=longreq.one" + strings.Repeat("really", 19)},
	{name: "dblreq", start: "REGISTER sip:example.com SIP/2.0", lines: "CSeq: 8 REGISTER|Content-Length: 0",
		body: "INVITE sip:joe@example.com SIP/2.0\r\nt: sip:joe@example.com\r\n\r\n", want: "SIP_METHOD=REGISTER"},
	{name: "semiuri", start: "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0",
		lines: "CSeq: 8 OPTIONS|To: sip:j_user@example.com",
		want:  "SIP_REQUEST_URI=sip:user;par=u%40example.net@example.com"},
	{name: "transports", start: "OPTIONS sip:user@example.com SIP/2.0",
		lines: "CSeq: 60 OPTIONS|Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw|" +
			"Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf|" +
			"Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj|" +
			"Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en", want: "SIP_VIAS=4|SIP_BRANCH=z9hG4bKkdjuw"},
	{name: "mpart01", start: "MESSAGE sip:kumiko@example.org SIP/2.0",
		lines: "CSeq: 1 MESSAGE|Content-Type: multipart/mixed;boundary=7a9cbec02ceef655|" +
			"P-Asserted-Identity: sip:fluffy@example.com",
		body: "--7a9cbec02ceef655\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n" +
			"--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n\x00\x01\x02\r\n--7a9cbec02ceef655--",
		want: "SIP_ASSERTED_IDENTITY=sip:fluffy@example.com|-SIP_UAC_MEDIA"},
	{name: "unreason", start: "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe",
		want: "SIP_RESPONSE_CODE=200|SIP_REASON_PHRASE== 2**3 * 5**2 но сто"},
	{name: "noreason", start: "SIP/2.0 100 ", want: "-SIP_RESPONSE_CODE"},

	{name: "badinv01", start: "INVITE sip:user@example.com SIP/2.0",
		lines: `Contact: "Joe" <sip:joe@example.org>;;;;|Via: SIP/2.0/UDP 192.0.2.15;;,;,,|CSeq: 8 INVITE`,
		want:  "SIP_CSEQ=8"},
	{name: "clerr", start: "INVITE sip:user@example.com SIP/2.0",
		lines: "Content-Length: 9999|Content-Type: application/sdp",
		body:  "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 49217 RTP/AVP 0\r\n", flaw: flawSIPShort,
		want: "SIP_RTP_L4_SRC_PORT=49217"},
	{name: "ncl", start: "INVITE sip:user@example.com SIP/2.0", lines: "Content-Length: -999", flaw: flawSIPLength},
	{name: "scalar02", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 36893488147419103232 REGISTER|Max-Forwards: 300|Expires: 10000000000000000000000000",
		flaw:  flawSIPCSeq, want: "-SIP_CSEQ|-SIP_MAX_FORWARDS|-SIP_EXPIRES"},
	{name: "scalarlg", start: "SIP/2.0 503 Service Unavailable",
		lines: "CSeq: 9292394834772304023312 OPTIONS|Retry-After: 949302838503028349304023988|Warning: 1812 overture x",
		flaw:  flawSIPCSeq, want: "SIP_RESPONSE_CODE=503"},
	{name: "quotbal", start: "INVITE sip:user@example.com SIP/2.0", lines: `To: "Mr. J. User <sip:j.user@example.com>`,
		flaw: flawSIPQuote},
	{name: "ltgtruri", start: "INVITE <sip:user@example.com> SIP/2.0", flaw: flawSIPURI},
	{name: "lwsruri", start: "INVITE sip:user@example.com; lr SIP/2.0", flaw: flawSIPLine},
	{name: "lwsstart", start: "INVITE  sip:user@example.com  SIP/2.0", flaw: flawSIPLine},
	{name: "trws", start: "OPTIONS sip:remote-target@example.com SIP/2.0  ", lines: "CSeq: 1 OPTIONS",
		flaw: flawSIPLine},
	{name: "escruri", start: "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0", flaw: flawSIPURI},
	{name: "baddate", start: "INVITE sip:user@example.com SIP/2.0", lines: "Date: Fri, 01 Jan 2010 16:00:00 EST"},
	{name: "regbadct", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 2345 REGISTER|Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E", flaw: flawSIPBare},
	{name: "badaspec", start: "OPTIONS sip:user@example.org SIP/2.0",
		lines: `CSeq: 2 OPTIONS|To: "Watson, Thomas" < sip:t.watson@example.org >`, flaw: flawSIPBracket,
		want: "SIP_CALLED_PARTY=sip:t.watson@example.org"},
	{name: "baddn", start: "OPTIONS sip:t.watson@example.org SIP/2.0",
		lines: "CSeq: 3 OPTIONS|From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43", flaw: flawSIPDisplay,
		want: "SIP_CALLING_PARTY=sip:a.g.bell@example.com|SIP_FROM_TAG=43"},
	{name: "badvers", start: "OPTIONS sip:t.watson@example.org SIP/7.0", lines: "CSeq: 1 OPTIONS",
		flaw: flawSIPVersion},
	{name: "mismatch01", start: "OPTIONS sip:user@example.com SIP/2.0", lines: "CSeq: 8 INVITE", flaw: flawSIPMethod},
	{name: "mismatch02", start: "NEWMETHOD sip:user@example.com SIP/2.0", lines: "CSeq: 8 INVITE",
		flaw: flawSIPMethod},
	{name: "bigcode", start: "SIP/2.0 4294967301 better not break the receiver", flaw: flawSIPStatus},

	{name: "badbranch", start: "OPTIONS sip:user@example.com SIP/2.0",
		lines: "CSeq: 8 OPTIONS|Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK", flaw: flawSIPBranch},
	{name: "insuf", start: "INVITE sip:user@example.com SIP/2.0", lines: "-Call-ID|-From|-To", flaw: flawSIPMissing},
	{name: "unkscm", start: "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", lines: "CSeq: 3 OPTIONS",
		want: "SIP_REQUEST_URI=nobodyKnowsThisScheme:totallyopaquecontent"},
	{name: "novelsc", start: "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", lines: "CSeq: 3 OPTIONS"},
	{name: "unksm2", start: "REGISTER sip:example.com SIP/2.0",
		lines: "To: isbn:2983792873|From: <http://www.example.com>;tag=3234233|CSeq: 234902 REGISTER|" +
			"Contact: <name:John_Smith>", want: "SIP_CALLED_PARTY=isbn:2983792873|SIP_CALLING_PARTY=http://www.example.com"},
	{name: "bext01", start: "OPTIONS sip:user@example.com SIP/2.0",
		lines: "CSeq: 8 OPTIONS|Require: nothingSupportsThis, nothingSupportsThisEither"},
	{name: "invut", start: "INVITE sip:user@example.com SIP/2.0", lines: "Content-Type: application/unknownformat",
		body: "<audio>", want: "-SIP_UAC_MEDIA_LINES"},
	{name: "regaut01", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 9338 REGISTER|Authorization: NoOneKnowsThisScheme opaque-data=here", want: "-SIP_AUTH_USER"},
	{name: "multi01", start: "INVITE sip:user@company.com SIP/2.0",
		lines: "CSeq: 8 INVITE|CSeq: 59 INVITE|Call-ID: 1|Call-ID: 2|Max-Forwards: 70|Max-Forwards: 5",
		flaw:  flawSIPTwice,
		want:  "SIP_CSEQ=8|SIP_CALL_ID=1|SIP_MAX_FORWARDS=70"},
	{name: "mcl01", start: "OPTIONS sip:user@example.com SIP/2.0", lines: "CSeq: 5 OPTIONS|L: 13|Content-Length: 5",
		body: "There's no way to know.", flaw: flawSIPTwice},
	{name: "bcast", start: "SIP/2.0 200 OK", lines: "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923|" +
		"Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23", want: "SIP_VIAS="},
	{name: "zeromf", start: "OPTIONS sip:user@example.com SIP/2.0", lines: "CSeq: 39234321 OPTIONS|Max-Forwards: 0",
		want: "SIP_MAX_FORWARDS=0"},
	{name: "cparam01", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 79 REGISTER|Contact: sip:+19725552222@gw1.example.net;unknownparam",
		want:  "SIP_UAC_CONTACT=sip:+19725552222@gw1.example.net"},
	{name: "cparam02", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 79 REGISTER|Contact: <sip:+19725552222@gw1.example.net;unknownparam>",
		want:  "SIP_UAC_CONTACT=sip:+19725552222@gw1.example.net"},
	{name: "regescrt", start: "REGISTER sip:example.com SIP/2.0",
		lines: "CSeq: 14398234 REGISTER|Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
		want:  "SIP_UAC_CONTACT=sip:user@example.com"},
	{name: "sdp01", start: "INVITE sip:user@example.com SIP/2.0",
		lines: "Content-Type: application/sdp|Accept: text/nobodyKnowsThis",
		body:  "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 49217 RTP/AVP 0 12\r\n", want: "SIP_RTP_IPV4_SRC_ADDR=192.0.2.1"},
	{name: "inv2543", start: "INVITE sip:UserB@example.com SIP/2.0",
		lines: "Via: SIP/2.0/UDP iftgw.example.com|From: <sip:+13035551111@ift.client.example.net;user=phone>|" +
			"Call-ID: inv2543.1717@ift.client.example.com|CSeq: 56 INVITE",
		want: "-SIP_FROM_TAG|-SIP_BRANCH"},
}

// tortures5118 are those of RFC 5118, which are about IPv6.
var tortures5118 = []torture{
	{name: "ipv6-good", start: "REGISTER sip:[2001:db8::10] SIP/2.0",
		lines: "CSeq: 98176 REGISTER|Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111|" +
			"Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
		want: "SIP_REQUEST_URI=sip:[2001:db8::10]|SIP_UAC_CONTACT=sip:caller@[2001:db8::1]"},
	{name: "ipv6-bad", start: "REGISTER sip:2001:db8::10 SIP/2.0", lines: "CSeq: 98176 REGISTER",
		want: "SIP_REQUEST_URI=sip:2001:db8::10"},
	{name: "port-ambiguous", start: "REGISTER sip:[2001:db8::10:5070] SIP/2.0", lines: "CSeq: 98176 REGISTER"},
	{name: "port-unambiguous", start: "REGISTER sip:[2001:db8::10]:5070 SIP/2.0", lines: "CSeq: 98176 REGISTER",
		want: "SIP_REQUEST_URI=sip:[2001:db8::10]:5070"},
	{name: "via-received-param-with-delim", start: "BYE sip:[2001:db8::10] SIP/2.0",
		lines: "CSeq: 321 BYE|Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111",
		want:  "SIP_BRANCH=z9hG4bKas3-111"},
	{name: "via-received-param-no-delim", start: "OPTIONS sip:[2001:db8::10] SIP/2.0",
		lines: "CSeq: 921 OPTIONS|Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3",
		want:  "SIP_BRANCH=z9hG4bKas3"},
	{name: "ipv6-in-sdp", start: "INVITE sip:user@[2001:db8::10] SIP/2.0", lines: "Content-Type: application/sdp",
		body: "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=Live\r\nc=IN IP6 2001:db8::20\r\n" +
			"t=0 0\r\n" +
			"m=audio 6000 RTP/AVP 97\r\na=rtpmap:97 G726-32/8000\r\nm=video 6024 RTP/AVP 107\r\n",
		want: "SIP_RTP_IPV6_SRC_ADDR=2001:db8::20|SIP_RTP_CODECS=G726-32|SIP_UAC_MEDIA_LINES=2"},
	{name: "mult-ip-in-header", start: "BYE sip:user@host.example.net SIP/2.0",
		lines: "CSeq: 4 BYE|Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111|" +
			"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
		want: "SIP_VIAS=2"},
	{name: "mult-ip-in-sdp", start: "INVITE sip:user@[2001:db8::10] SIP/2.0", lines: "Content-Type: application/sdp",
		body: "v=0\r\nm=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\n" +
			"c=IN IP6 2001:db8::1\r\n",
		want: "SIP_C_IP=192.0.2.1;2001:db8::1|SIP_RTP_IPV4_SRC_ADDR=192.0.2.1|SIP_RTP_L4_SRC_PORT=22334"},
	{name: "ipv4-mapped-ipv6", start: "INVITE sip:user@example.com SIP/2.0", lines: "Content-Type: application/sdp",
		body: "v=0\r\nc=IN IP6 ::ffff:192.0.2.10\r\nm=audio 49170 RTP/AVP 0\r\n",
		want: "SIP_RTP_IPV4_SRC_ADDR=192.0.2.10|SIP_C_IP=::ffff:192.0.2.10"},
	{name: "ipv6-bug-abnf-3-colons", start: "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0",
		lines: "CSeq: 689 OPTIONS"},
	{name: "an address that is none", start: "INVITE sip:user@example.com SIP/2.0",
		lines: "Content-Type: application/sdp",
		body:  "v=0\r\nc=IN IP6 2001:db8:::1\r\nm=audio 49170 RTP/AVP 0\r\n", flaw: flawSDPAddress,
		want: "-SIP_RTP_IPV6_SRC_ADDR"},
}

// tortureRest are those that are not SIP.
var tortureRest = []torture{
	{name: "no version", start: "INVITE sip:user@example.com", no: true},
	{name: "HTTP", start: "OPTIONS * HTTP/1.1", no: true},
	{name: "RTSP", start: "OPTIONS rtsp://a.example/ RTSP/1.0", no: true},
	{name: "no status", start: "SIP/2.0 abc OK", no: true},
	{name: "binary", start: "\x80\x00\x12\x34", no: true},
}

// octets returns the message.
func (x *torture) octets() []byte {
	lines := strings.Split(x.lines, "|")
	has := func(names ...string) bool {
		for _, line := range lines {
			for _, name := range names {
				l := strings.ToLower(line)
				if l == "-"+name || strings.HasPrefix(l, name+":") || strings.HasPrefix(l, name+" ") {
					return true
				}
			}
		}
		return false
	}
	head := []string{x.start}
	for _, line := range [][3]string{
		{"via", "v", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw"}, {"from", "f", "From: <sip:a@example.com>;tag=9"},
		{"to", "t", "To: <sip:user@example.com>"}, {"call-id", "i", "Call-ID: " + x.name + "@example.com"},
		{"cseq", "cseq", "CSeq: 8 INVITE"}, {"content-length", "l", fmt.Sprint("Content-Length: ", len(x.body))},
	} {
		if !has(line[0], line[1]) {
			head = append(head, line[2])
		}
	}
	for _, line := range lines {
		if line != "" && line[0] != '-' {
			head = append(head, line)
		}
	}
	return []byte(strings.Join(head, "\r\n") + "\r\n\r\n" + x.body)
}

// TestSIPTorture shows them to a flow on the port of SIP.
func TestSIPTorture(t *testing.T) {
	for _, set := range [][]torture{tortures4475, tortures5118, tortureRest} {
		for i := range set {
			x := &set[i]
			t.Run(x.name, func(t *testing.T) { x.run(t) })
		}
	}
}

func (x *torture) run(t *testing.T) {
	c := says(x.name, 17, flow.Forward, x.octets())
	c.dstPort = 5060
	o := drive(&c, &SIP)
	if len(o.faults) > 0 || x.no != (len(o.messages) == 0) {
		t.Fatalf("%d messages, faults %v", len(o.messages), o.faults)
	}
	if x.no {
		return
	}
	m := o.messages[0]
	if m.Flaw != x.flaw {
		t.Errorf("flaw %q, want %q", m.Flaw, x.flaw)
	}
	for _, want := range strings.Split(x.want, "|") {
		name, value, _ := strings.Cut(want, "=")
		got, ok := m.Fields[strings.TrimPrefix(name, "-")]
		if strings.HasPrefix(name, "-") && ok || !strings.HasPrefix(name, "-") && !strings.HasPrefix(got, value) {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

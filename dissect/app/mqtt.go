package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// MQTT is version 3.1, 3.1.1 and 5 of MQTT (OASIS). A message is a control packet. What a packet asks for and
// the packet that acknowledges it are a transaction; a message published without acknowledgement is a notice.
var MQTT = Dissector{
	Name: "mqtt", Number: 222,
	Doc:    "MQTT: clients, logins, topics that are published or subscribed to, and reasons.",
	TCP:    on(1883),
	First:  "\x10",
	Fields: mqttFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(mqttState{}),
	Parse:  parseMQTT,
}

// Fields of MQTT.
var (
	MQTTVersion = dbWords(800, "MQTT_VERSION", 8, "Version of MQTT that the client speaks: 3.1, 3.1.1 or 5.")
	MQTTPacket  = dbWords(801, "MQTT_PACKET", 12, "Kind of the control packet of MQTT that begins a transaction.")
	MQTTClient  = dbWords(802, "MQTT_CLIENT_ID", 32, "Identifier by which the client of MQTT calls itself.")
	MQTTTopic   = dbWords(803, "MQTT_TOPIC", 64, "Topic of MQTT that is published, or the first of those subscribed to.")
	MQTTTopics  = dbNumber(804, "MQTT_TOPIC_COUNT", flow.Unsigned16, "Topics of MQTT that are subscribed to at once.")
	MQTTQoS     = dbNumber(805, "MQTT_QOS", flow.Unsigned8, "Quality of service of MQTT: 0, 1 or 2.")
	MQTTReason  = dbNumber(806, "MQTT_REASON", flow.Unsigned8,
		"Return code or reason code of MQTT that answers, below 128 for success but for logins before version 5.")
	MQTTOctets = dbNumber(807, "MQTT_PAYLOAD_BYTES", flow.Unsigned32, "Octets that are published by a packet of MQTT.")
	MQTTWill   = dbWords(808, "MQTT_WILL_TOPIC", 64, "Topic of MQTT where the loss of the client is to be published.")
)

var mqttFields = []*flow.Field{
	MQTTVersion, MQTTPacket, MQTTClient, MQTTTopic, MQTTTopics, MQTTQoS, MQTTReason, MQTTOctets, MQTTWill, FlowUser,
}

// Kinds of control packets.
const (
	mqttConnect     = 1
	mqttConnack     = 2
	mqttPublish     = 3
	mqttPuback      = 4
	mqttPubrec      = 5
	mqttPubcomp     = 7
	mqttSubscribe   = 8
	mqttSuback      = 9
	mqttUnsubscribe = 10
	mqttUnsuback    = 11
	mqttDisconnect  = 14
)

var mqttKinds = [...]string{
	mqttConnect: "CONNECT", mqttPublish: "PUBLISH", mqttSubscribe: "SUBSCRIBE", mqttUnsubscribe: "UNSUBSCRIBE",
	mqttDisconnect: "DISCONNECT", 15: "AUTH",
}

const (
	mqttLooked  = 1024 // octets of a packet that are looked at
	mqttVersion = 5
)

// Flaws of MQTT.
const (
	mqttFlawLength = "MQTT: a length of more than four octets"
	mqttFlawKind   = "MQTT: a control packet of a kind that does not exist"
	mqttFlawShort  = "MQTT: a control packet that is shorter than what it should have"
)

type mqttState struct {
	begun  bool
	level  uint8 // of the protocol: 3, 4 or 5
	client dbShort
	user   dbShort
}

// mqttTurn is a control packet.
type mqttTurn struct {
	*Message
	s     *mqttState
	kind  byte
	flags byte
	size  int // octets behind the length
	head  int // octets up to there
}

func parseMQTT(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	t := mqttTurn{Message: m, s: Memory[mqttState](m)}
	b := m.Peek()
	if !t.s.begun && (m.Lost || !mqttMayBegin(b)) || m.Lost && !t.resumes() {
		return Reject
	}
	if !t.length() {
		if len(b) >= 5 {
			return t.broken(mqttFlawLength)
		}
		m.Skip(len(b) + 1)
		return More
	}
	if t.kind == 0 {
		return t.broken(mqttFlawKind)
	}
	look := min(t.head+t.size, mqttLooked)
	if m.Len() < look {
		m.Skip(look)
		return More
	}
	r := m.Block(look)
	r.Skip(t.head)
	if !t.tell(&mqttReader{b: r.Rest()}) {
		return Reject
	}
	m.Ahead(uint64(t.head + t.size - look))
	return Accept
}

// length reads the kind and the length, seven bits of which are in each octet.
func (t *mqttTurn) length() bool {
	b := t.Peek()
	for i := 1; i < min(len(b), 5); i++ {
		t.size |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			t.kind, t.flags, t.head = b[0]>>4, b[0]&0xf, i+1
			return true
		}
	}
	return false
}

// mqttMayBegin reports whether octets may begin a CONNECT: a length of one or two octets, the name of the
// protocol and its level, whose first bit brokers set that are a bridge.
func mqttMayBegin(b []byte) bool {
	if len(b) == 0 || b[0] != mqttConnect<<4 {
		return false
	}
	for head := 2; head <= 3; head++ {
		rest := b[min(len(b), head):]
		for _, x := range [...]string{"\x00\x04MQTT\x04", "\x00\x04MQTT\x05", "\x00\x06MQIsdp\x03"} {
			n := min(len(rest), len(x))
			if level := len(x) - 1; string(rest[:min(n, level)]) == x[:min(n, level)] &&
				(n <= level || rest[level]&0x7f == x[level]) {
				return true
			}
		}
	}
	return false
}

// resumes reports whether packets are understood again behind a hole: if one makes a segment of its own.
func (t *mqttTurn) resumes() bool {
	x := *t
	return x.length() && x.kind != 0 && x.head+x.size == t.Len()
}

// broken gives a side up.
func (t *mqttTurn) broken(flaw string) Verdict {
	if !t.s.begun {
		return Reject
	}
	t.Malformed(flaw)
	t.Ahead(ToEnd)
	return Accept
}

// tell says what the packet is. Not ok is what cannot begin a connection.
func (t *mqttTurn) tell(r *mqttReader) bool {
	switch t.kind {
	case mqttConnect:
		return t.connect(r)
	case mqttConnack:
		r.bytes(1)
		t.answer(mqttConnect, 0, r)
	case mqttPublish:
		t.publish(r)
	case mqttPuback, mqttPubcomp:
		t.answer(mqttPublish, r.number(), r)
	case mqttPubrec:
		t.received(r)
	case mqttSubscribe, mqttUnsubscribe:
		t.subscribe(r)
	case mqttSuback, mqttUnsuback:
		id := r.number()
		if t.s.level >= mqttVersion {
			r.properties()
		}
		t.answer(t.kind-1, id, r)
	case mqttDisconnect:
		t.who()
		t.Attrs.Text(MQTTPacket, mqttKinds[t.kind])
		if len(r.b) > 0 {
			t.Attrs.Uint(MQTTReason, uint64(r.b[0]))
		}
		t.Notice()
	}
	if r.short && t.kind != mqttConnack && t.size < mqttLooked {
		t.Malformed(mqttFlawShort)
	}
	return true
}

// mqttKey identifies a transaction. Both sides number what they publish.
func mqttKey(kind byte, id uint16) uint64 { return uint64(kind)<<16 | uint64(id) }

// answer reads an acknowledgement. One that succeeds need not say so, but for logins and subscriptions.
func (t *mqttTurn) answer(kind byte, id uint16, r *mqttReader) {
	t.Response(mqttKey(kind, id))
	t.Finish()
	switch {
	case len(r.b) > 0:
		t.Attrs.Uint(MQTTReason, uint64(r.b[0]))
	case kind == mqttPublish || kind == mqttUnsubscribe:
		t.Attrs.Uint(MQTTReason, 0)
	}
}

// received reads the first of two acknowledgements, which is the last one if it refuses.
func (t *mqttTurn) received(r *mqttReader) {
	id := r.number()
	if len(r.b) > 0 && r.b[0] >= 0x80 {
		t.answer(mqttPublish, id, r)
		return
	}
	t.Interim(mqttKey(mqttPublish, id))
}

func (t *mqttTurn) who() {
	dbSayShort(t.Message, &t.s.client, MQTTClient)
	dbSayShort(t.Message, &t.s.user, FlowUser)
}

// connect reads who the client says it is.
func (t *mqttTurn) connect(r *mqttReader) bool {
	const hasUser, hasWill, reserved = 0x80, 0x04, 0x01
	s := t.s
	r.text()
	level, flags := r.octet()&0x7f, r.octet()
	r.bytes(2)
	if r.short || flags&reserved != 0 || flags>>3&3 == 3 || level < 3 || level > mqttVersion {
		return s.begun
	}
	*s = mqttState{begun: true, level: level}
	if level >= mqttVersion {
		r.properties()
	}
	s.client.set(r.text())
	if flags&hasWill != 0 {
		if level >= mqttVersion {
			r.properties()
		}
		t.Attrs.Bytes(MQTTWill, mqttCut(r.text()))
		r.text()
	}
	if flags&hasUser != 0 {
		s.user.set(r.text())
	}
	t.who()
	t.Attrs.Text(MQTTVersion, [...]string{"3.1", "3.1.1", "5"}[level-3])
	t.Attrs.Text(MQTTPacket, mqttKinds[mqttConnect])
	t.Request(mqttKey(mqttConnect, 0))
	return true
}

// publish reads the topic of what is published, but not what it is.
func (t *mqttTurn) publish(r *mqttReader) {
	qos := t.flags >> 1 & 3
	before := len(r.b)
	topic := r.text()
	id := uint16(0)
	if qos > 0 {
		id = r.number()
	}
	if t.s.level >= mqttVersion {
		r.properties()
	}
	t.who()
	t.Attrs.Text(MQTTPacket, mqttKinds[mqttPublish])
	if len(topic) > 0 {
		t.Attrs.Bytes(MQTTTopic, mqttCut(topic))
	}
	t.Attrs.Uint(MQTTQoS, uint64(qos))
	if !r.short {
		t.Attrs.Uint(MQTTOctets, uint64(t.size-(before-len(r.b))))
	}
	if qos == 0 {
		t.Notice()
		return
	}
	t.Request(mqttKey(mqttPublish, id))
}

// subscribe reads the topics.
func (t *mqttTurn) subscribe(r *mqttReader) {
	id := r.number()
	if t.s.level >= mqttVersion {
		r.properties()
	}
	t.who()
	t.Attrs.Text(MQTTPacket, mqttKinds[t.kind])
	n := uint64(0)
	for len(r.b) > 0 {
		topic := r.text()
		qos := byte(0)
		if t.kind == mqttSubscribe {
			qos = r.octet()
		}
		if r.short {
			break
		}
		if n++; n == 1 {
			t.Attrs.Bytes(MQTTTopic, mqttCut(topic))
			t.Attrs.Uint(MQTTQoS, uint64(qos&3))
		}
	}
	if t.head+t.size <= mqttLooked {
		t.Attrs.Uint(MQTTTopics, n)
	}
	t.Request(mqttKey(t.kind, id))
}

// mqttCut returns as much of a text as may be said.
func mqttCut(b []byte) []byte { return b[:min(len(b), dbMaxText)] }

// mqttReader reads the forms of MQTT; what is not there reads as nothing.
type mqttReader struct {
	b     []byte
	short bool
}

func (r *mqttReader) bytes(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *mqttReader) octet() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *mqttReader) number() uint16 { return uint16(r.octet())<<8 | uint16(r.octet()) }
func (r *mqttReader) text() []byte   { return r.bytes(int(r.number())) }

// properties passes over those of version 5.
func (r *mqttReader) properties() {
	n := 0
	for i := range 4 {
		c := r.octet()
		n |= int(c&0x7f) << (7 * i)
		if c < 0x80 {
			break
		}
	}
	r.bytes(n)
}

package app

import (
	"strings"
	"testing"
)

func FuzzMQTT(f *testing.F) { fuzzPieces(f, &MQTT) }

// mqttPacket is a control packet of less than 16384 octets.
func mqttPacket(first byte, content string) string {
	if n := len(content); n >= 128 {
		return string([]byte{first, byte(n) | 0x80, byte(n >> 7)}) + content
	}
	return string([]byte{first, byte(len(content))}) + content
}

func mqttText(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }

// mqttIn is a login with a password, and that it has gone well.
var mqttIn = []string{
	mqttPacket(0x10, mqttText("MQIsdp")+"\x03\xc2\x00\x3c"+mqttText("c1")+mqttText("ann")+mqttText("hunter2")),
	mqttPacket(0x20, "\x00\x00"),
}

func mqttSaid() []dialogue {
	in := func(says ...string) *conversation { return tcpTalk(1883, append(mqttIn[:2:2], says...)...) }
	const connects = "transaction CONNECT 3.1 c1 ann 0"
	return []dialogue{
		{"published in turn", in(mqttPacket(0x32, mqttText("t")+"\x00\x07hunter2")+mqttPacket(0x34, mqttText("u")+"\x00\x08x"),
			mqttPacket(0x50, "\x00\x08")+mqttPacket(0x40, "\x00\x07"), mqttPacket(0x62, "\x00\x08"),
			mqttPacket(0x70, "\x00\x08")), connects + ", transaction PUBLISH t 7 c1 ann 0, transaction PUBLISH u 1 c1 ann 0", ""},
		{"a long text", in(mqttPacket(0x30, mqttText("t")+strings.Repeat("x", 9000))+mqttPacket(0xc0, ""), mqttPacket(0xd0, "")),
			connects + ", notice PUBLISH t 9000 c1 ann", ""},
		{"topics", in(mqttPacket(0x82, "\x00\x01"+mqttText("a")+"\x00"+mqttText("b")+"\x01"), mqttPacket(0x90, "\x00\x01\x80\x01")),
			connects + ", transaction SUBSCRIBE a 2 c1 ann 128", ""},
		{"the server publishes", in("", mqttPacket(0x32, mqttText("t")+"\x00\x01x"), mqttPacket(0x40, "\x00\x01")),
			connects + ", transaction PUBLISH t 1 c1 ann 0", ""},
		{"a length without end", in("\x30\xff\xff\xff\xff"), connects, mqttFlawLength},
		{"a kind that does not exist", in("\x00\x00"), connects, mqttFlawKind},
		{"too short", in(mqttPacket(0x32, "\x00")), connects + ", unanswered PUBLISH c1 ann", mqttFlawShort},
	}
}

func mqttSamples() (all []conversation) {
	for _, c := range mqttSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestMQTTSays holds what is made of conversations.
func TestMQTTSays(t *testing.T) {
	heardAs(t, &MQTT, []string{"MQTT_PACKET", "MQTT_VERSION", "MQTT_TOPIC", "MQTT_TOPIC_COUNT", "MQTT_PAYLOAD_BYTES",
		"MQTT_CLIENT_ID", "FLOW_USER_NAME", "MQTT_REASON"}, mqttSaid())
}

// TestMQTTRefuses holds what is not MQTT.
func TestMQTTRefuses(t *testing.T) {
	refuses(t, &MQTT, cornered(1883, mqttIn[1], "\x10\x10\x00\x04MQTX\x04\x02\x00\x3c\x00\x02c1",
		"\x10\x10\x00\x04MQTT\x06\x02\x00\x3c\x00\x02c1xx", "\x10\x0e\x00\x04MQTT\x04\x03\x00\x3c\x00\x02c1", "\x10", "GET / ")...)
}

// mqttExplained are differences from what tshark says.
var mqttExplained = map[string]string{
	"mosquitto.pcap mqtt.topic secret": "the second topic of a subscription, of which the first is said",
}

// TestMQTTOracle compares clients, users and topics with what tshark says.
func TestMQTTOracle(t *testing.T) {
	connects := func(field string) func(m *heard) (string, bool) {
		return func(m *heard) (string, bool) {
			v, ok := m.Fields[field]
			return v, ok && m.Fields["MQTT_PACKET"] == "CONNECT"
		}
	}
	dbCompare(t, &MQTT, dbCaptures(t, "mqtt", ""), []dbJudge{
		{"mqtt.clientid", connects("MQTT_CLIENT_ID"), nil},
		{"mqtt.username", connects("FLOW_USER_NAME"), nil},
		{"mqtt.willtopic", connects("MQTT_WILL_TOPIC"), nil},
		{"mqtt.topic", dbSays("MQTT_TOPIC", ""), nil},
	}, mqttExplained)
}

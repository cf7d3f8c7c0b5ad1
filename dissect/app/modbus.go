package app

import "github.com/weir-probe/weir/dataplane/flow"

// Modbus is Modbus over TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b). A message is an
// application data unit; requests and responses meet by transaction and unit.
var Modbus = Dissector{
	Name: "modbus", Number: 44,
	Doc:   "Modbus over TCP: units, functions, addresses, quantities and exceptions.",
	TCP:   on(502),
	First: "\x00", At: 2, // the protocol
	Fields: modbusFields,
	Pair:   ByKey,
	State:  1,
	Parse:  parseModbus,
}

// Fields of Modbus.
var (
	ModbusUnit     = dbNumber(830, "MODBUS_UNIT", flow.Unsigned8, "Unit of Modbus that is asked.")
	ModbusFunction = dbNumber(831, "MODBUS_FUNCTION", flow.Unsigned8, "Function of Modbus that is asked for.")
	ModbusAddress  = dbNumber(832, "MODBUS_ADDRESS", flow.Unsigned16,
		"First register or coil of Modbus that is asked for.")
	ModbusQuantity  = dbNumber(833, "MODBUS_QUANTITY", flow.Unsigned16, "Registers or coils of Modbus that are asked for.")
	ModbusException = dbNumber(834, "MODBUS_EXCEPTION", flow.Unsigned8, "Exception with which Modbus answers.")
)

var modbusFields = []*flow.Field{ModbusUnit, ModbusFunction, ModbusAddress, ModbusQuantity, ModbusException}

const (
	modbusHeader = 7
	modbusMost   = 254 // octets that a header may announce: the unit, the function and 252 others
)

const modbusFlaw = "Modbus: a message that is no application data unit"

func parseModbus(m *Message) Verdict {
	s := Memory[[1]byte](m)
	known := s[0] != 0
	b := m.Peek()
	if !m.Stream || m.Lost && !known {
		return Reject
	}
	if v := modbusBegins(b); v == Reject {
		if !known {
			return Reject
		}
		m.Malformed(modbusFlaw)
		m.Ahead(ToEnd)
		return Accept
	}
	n := 6
	if len(b) >= n {
		n += int(b[4])<<8 | int(b[5])
	}
	if m.Len() < max(n, modbusHeader+1) {
		m.Skip(max(n, modbusHeader+1))
		return More
	}
	b = b[:n]
	if !known && (m.Dir != flow.Forward || !modbusAsks(b)) {
		return Reject
	}
	s[0] = 1
	modbusTell(m, b)
	m.Skip(n)
	return Accept
}

// modbusBegins reports whether octets may begin a message, which has a protocol of 0 and a length.
func modbusBegins(b []byte) Verdict {
	for i, c := range b[:min(len(b), 6)] {
		if i >= 2 && i <= 4 && c != 0 || i == 5 && (c < 2 || c > modbusMost) {
			return Reject
		}
	}
	return Accept
}

// modbusAsks reports whether a message is a request of a function that everybody knows, whose length is known.
func modbusAsks(b []byte) bool {
	pdu := b[modbusHeader:]
	if len(pdu) == 0 {
		return false
	}
	quantity := 0
	if len(pdu) >= 5 {
		quantity = int(pdu[3])<<8 | int(pdu[4])
	}
	switch pdu[0] {
	case 1, 2:
		return len(pdu) == 5 && quantity >= 1 && quantity <= 2000
	case 3, 4:
		return len(pdu) == 5 && quantity >= 1 && quantity <= 125
	case 5:
		return len(pdu) == 5 && pdu[4] == 0 && (pdu[3] == 0 || pdu[3] == 0xff)
	case 6:
		return len(pdu) == 5
	case 7, 11, 12, 17:
		return len(pdu) == 1
	case 8:
		return len(pdu) >= 5 && pdu[1] == 0
	case 15:
		return len(pdu) > 6 && len(pdu) == 6+int(pdu[5]) && int(pdu[5]) == (quantity+7)/8
	case 16:
		return len(pdu) > 6 && len(pdu) == 6+int(pdu[5]) && int(pdu[5]) == 2*quantity
	case 22:
		return len(pdu) == 7
	case 23:
		return len(pdu) > 10 && len(pdu) == 10+int(pdu[9])
	case 43:
		return len(pdu) == 4 && pdu[1] == 14
	}
	return false
}

// modbusTell says what a message is.
func modbusTell(m *Message, b []byte) {
	const exception = 0x80
	key := uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[6]) | 1<<32
	pdu := b[modbusHeader:]
	if len(pdu) == 0 {
		m.Malformed(modbusFlaw)
		return
	}
	if m.Dir == flow.Reverse {
		m.Response(key)
		m.Finish()
		m.Attrs.Uint(ModbusFunction, uint64(pdu[0]&^exception))
		if pdu[0] >= exception && len(pdu) > 1 {
			m.Attrs.Uint(ModbusException, uint64(pdu[1]))
		}
		return
	}
	m.Request(key)
	m.Attrs.Uint(ModbusUnit, uint64(b[6]))
	m.Attrs.Uint(ModbusFunction, uint64(pdu[0]))
	switch f := pdu[0]; {
	case (f < 1 || f > 6) && f != 15 && f != 16 && f != 22 && f != 23 || len(pdu) < 5:
		return
	case f == 5 || f == 6 || f == 22:
		m.Attrs.Uint(ModbusQuantity, 1)
	default:
		m.Attrs.Uint(ModbusQuantity, uint64(pdu[3])<<8|uint64(pdu[4]))
	}
	m.Attrs.Uint(ModbusAddress, uint64(pdu[1])<<8|uint64(pdu[2]))
}

package flow

// timeFields say when a flow was seen and for how long.
var timeFields = []*Field{
	{
		Element: Element{Name: "flowStartSysUpTime", Label: "FIRST_SWITCHED", ID: 22},
		Type:    SysUpTimeMilliseconds, slot: of(&rec.First),
		Doc: "Time of the first packet, milliseconds since the exporter started; in JSON seconds since the epoch.",
	},
	{
		Element: Element{Name: "flowEndSysUpTime", Label: "LAST_SWITCHED", ID: 21},
		Type:    SysUpTimeMilliseconds, slot: of(&rec.Last),
		Doc: "Time of the last packet, milliseconds since the exporter started; in JSON seconds since the epoch.",
	},
	{
		Element: Element{Name: "flowStartSeconds", Label: "FLOW_START_SEC", ID: 150},
		Type:    DateTimeSeconds, slot: of(&rec.First),
		Doc: "Time of the first packet, seconds since the epoch.",
	},
	{
		Element: Element{Name: "flowEndSeconds", Label: "FLOW_END_SEC", ID: 151},
		Type:    DateTimeSeconds, slot: of(&rec.Last),
		Doc: "Time of the last packet, seconds since the epoch.",
	},
	{
		Element: Element{Name: "flowStartMilliseconds", Label: "FLOW_START_MILLISECONDS", ID: 152,
			ECS: "event.start"},
		Type: DateTimeMilliseconds, slot: of(&rec.First),
		Doc: "Time of the first packet, milliseconds since the epoch.",
	},
	{
		Element: Element{Name: "flowEndMilliseconds", Label: "FLOW_END_MILLISECONDS", ID: 153,
			ECS: "event.end"},
		Type: DateTimeMilliseconds, slot: of(&rec.Last),
		Doc: "Time of the last packet, milliseconds since the epoch.",
	},
	{
		Element: Element{Name: "flowStartMicroseconds", Label: "FLOW_START_MICROSECONDS", ID: 154},
		Type:    DateTimeMicroseconds, slot: of(&rec.First),
		Doc: "Time of the first packet, microseconds since the epoch.",
	},
	{
		Element: Element{Name: "flowEndMicroseconds", Label: "FLOW_END_MICROSECONDS", ID: 155},
		Type:    DateTimeMicroseconds, slot: of(&rec.Last),
		Doc: "Time of the last packet, microseconds since the epoch.",
	},
	{
		Element: Element{Name: "flowStartNanoseconds", Label: "FLOW_START_NANOSECONDS", ID: 156},
		Type:    DateTimeNanoseconds, slot: of(&rec.First),
		Doc: "Time of the first packet, nanoseconds since the epoch.",
	},
	{
		Element: Element{Name: "flowEndNanoseconds", Label: "FLOW_END_NANOSECONDS", ID: 157},
		Type:    DateTimeNanoseconds, slot: of(&rec.Last),
		Doc: "Time of the last packet, nanoseconds since the epoch.",
	},
	{
		Element: Element{Name: "flowDurationMilliseconds", Label: "FLOW_DURATION_MILLISECONDS", ID: 161},
		Type:    Unsigned32, Scale: 1e6, calc: duration, from: of(&rec.First),
		Doc: "Time from the first packet to the last, milliseconds.",
	},
	{
		Element: Element{Name: "flowDurationMicroseconds", Label: "FLOW_DURATION_MICROSECONDS", ID: 162},
		Type:    Unsigned32, Scale: 1e3, calc: duration, from: of(&rec.First),
		Doc: "Time from the first packet to the last, microseconds; 4294967295 is that or more.",
	},
}

// duration is in nanoseconds. Packets of one flow can come with times out of order.
func duration(v *View, _ Dir, _ []byte) (Value, bool) {
	return Value{U: max(v.Last, v.First) - v.First}, true
}

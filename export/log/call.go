package log

// Call has a line for each call and registration: its endpoints and times, and then what is known of
// it, nProbe's elements in the order of their numbers and ours behind them.
var Call = &Layout{[]string{"call"}, callColumns()}

// callElements are the columns behind those of the signalling's flow. Those without a form are the
// value of the field that they are called after.
var callElements = []Column{
	{Name: "SIP_CALL_ID", Type: ASCII, Width: 128},
	{Name: "SIP_CALLING_PARTY", Type: ASCII, Width: 96},
	{Name: "SIP_CALLED_PARTY", Type: ASCII, Width: 96},
	{Name: "SIP_RTP_CODECS", Type: ASCII, Width: 255},
	{Name: "SIP_INVITE_TIME", Type: Epoch},
	{Name: "SIP_TRYING_TIME", Type: Epoch},
	{Name: "SIP_RINGING_TIME", Type: Epoch},
	{Name: "SIP_INVITE_OK_TIME", Type: Epoch},
	{Name: "SIP_INVITE_FAILURE_TIME", Type: Epoch},
	{Name: "SIP_BYE_TIME", Type: Epoch},
	{Name: "SIP_BYE_OK_TIME", Type: Epoch},
	{Name: "SIP_CANCEL_TIME", Type: Epoch},
	{Name: "SIP_CANCEL_OK_TIME", Type: Epoch},
	{Name: "SIP_RTP_SRC_ADDR", Type: ASCII, Width: 46, Fields: "SIP_RTP_IPV4_SRC_ADDR SIP_RTP_IPV6_SRC_ADDR"},
	{Name: "SIP_RTP_L4_SRC_PORT", Type: Uint},
	{Name: "SIP_RTP_DST_ADDR", Type: ASCII, Width: 46, Fields: "SIP_RTP_IPV4_DST_ADDR SIP_RTP_IPV6_DST_ADDR"},
	{Name: "SIP_RTP_L4_DST_PORT", Type: Uint},
	{Name: "SIP_RESPONSE_CODE", Type: Uint},
	{Name: "SIP_REASON_CAUSE", Type: Uint},
	{Name: "RTP_IN_JITTER", Type: Float},
	{Name: "RTP_OUT_JITTER", Type: Float},
	{Name: "RTP_IN_PKT_LOST", Type: Float},
	{Name: "RTP_OUT_PKT_LOST", Type: Float},
	{Name: "RTP_OUT_PAYLOAD_TYPE", Type: Uint},
	{Name: "RTP_IN_MAX_DELTA", Type: Float},
	{Name: "RTP_OUT_MAX_DELTA", Type: Float},
	{Name: "RTP_IN_PAYLOAD_TYPE", Type: Uint},
	{Name: "SIP_UAC", Type: ASCII, Width: 96},
	{Name: "SIP_UAS", Type: ASCII, Width: 96},
	{Name: "RTP_SIP_CALL_ID", Type: ASCII, Width: 128},
	{Name: "SIP_C_IP", Type: ASCII, Width: 128},
	{Name: "SIP_CALL_STATE", Type: ASCII, Width: 16},
	{Name: "RTP_IN_MOS", Type: Uint},
	{Name: "RTP_IN_R_FACTOR", Type: Uint},
	{Name: "RTP_RTT", Type: Float},
	{Name: "RTP_IN_TRANSIT", Type: Float},
	{Name: "RTP_OUT_TRANSIT", Type: Float},
	{Name: "RTP_DTMF_TONES", Type: ASCII, Width: 16},
	{Name: "RTP_IN_PKT_DROP", Type: Uint},
	{Name: "RTP_OUT_PKT_DROP", Type: Uint},
	{Name: "RTP_OUT_MOS", Type: Uint},
	{Name: "RTP_OUT_R_FACTOR", Type: Uint},
	{Name: "RTP_MOS", Type: Uint},
	{Name: "RTP_R_FACTOR", Type: Uint},
	{Name: "SIP_REGISTER_MAX_RRD", Type: Float},
	{Name: "SIP_REGISTER_NUM_OK", Type: Uint},
	{Name: "SIP_REGISTER_NUM_OTHER", Type: Uint},
	{Name: "SIP_REASON_PHRASE", Type: ASCII, Width: 48},
	{Name: "SIP_REFER_TO", Type: ASCII, Width: 96},
	{Name: "RTP_IN_PKTS", Type: Uint},
	{Name: "RTP_OUT_PKTS", Type: Uint},
	{Name: "RTP_IN_LOST_PKTS", Type: Uint},
	{Name: "RTP_OUT_LOST_PKTS", Type: Uint},
	{Name: "RTP_IN_CODEC", Type: ASCII, Width: 16},
	{Name: "RTP_OUT_CODEC", Type: ASCII, Width: 16},
	{Name: "RTP_IN_R_WORST", Type: Float},
	{Name: "RTP_OUT_R_WORST", Type: Float},
	{Name: "CALL_OUTCOME", Type: ASCII, Width: 16},
	{Name: "CALL_POST_DIAL_DELAY_USEC", Type: Float},
	{Name: "CALL_RING_TIME_USEC", Type: Float},
	{Name: "CALL_DURATION_USEC", Type: Float},
	{Name: "CALL_HANGUP", Type: ASCII, Width: 8},
	{Name: "CALL_DIALOGS", Type: Uint},
	{Name: "CALL_ATTEMPTS", Type: Uint},
	{Name: "CALL_REINVITES", Type: Uint},
	{Name: "CALL_UPDATES", Type: Uint},
	{Name: "CALL_HOLDS", Type: Uint},
	{Name: "CALL_HOLD_TIME_USEC", Type: Float},
	{Name: "CALL_REFERRALS", Type: Uint},
	{Name: "CALL_RETRANSMISSIONS", Type: Uint},
	{Name: "CALL_LINK_ID", Type: ASCII, Width: 96},
	{Name: "CALL_LINKED_CALL_ID", Type: ASCII, Width: 128},
	{Name: "CALL_HOPS", Type: Uint},
	{Name: "CALL_MEDIA_FLOWS", Type: Uint},
	{Name: "CALL_RECORD_REASON", Type: ASCII, Width: 12},
	{Name: "CALL_CALLER_MEDIA", Type: ASCII, Width: 255},
	{Name: "CALL_CALLEE_MEDIA", Type: ASCII, Width: 255},
	{Name: "CALL_MEDIA_TRANSLATED", Type: Uint},
	{Name: "CALL_INFO_DTMF", Type: ASCII, Width: 16},
}

func callColumns() []Column {
	all := []Column{
		{"Caller", ASCII, 46, "IPV4_SRC_ADDR", first},
		{"CallerPort", Uint, 0, "L4_SRC_PORT", first},
		{"Callee", ASCII, 46, "IPV4_DST_ADDR", first},
		{"CalleePort", Uint, 0, "L4_DST_PORT", first},
		{"Protocol", Uint, 0, "PROTOCOL", first},
		{"Begin", Epoch, 0, "FLOW_START_MILLISECONDS", seconds},
		{"End", Epoch, 0, "FLOW_END_MILLISECONDS", seconds},
	}
	for _, c := range callElements {
		if c.Fields == "" {
			c.Fields = c.Name
		}
		c.Form = first
		if c.Type == Epoch {
			c.Form = seconds
		}
		all = append(all, c)
	}
	return all
}

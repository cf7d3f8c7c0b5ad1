package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a transaction of RADIUS. Passwords and keys are never said.
var (
	RADIUSRequest = ntop(240, "RADIUS_REQ_MSG_TYPE", flow.Unsigned8,
		"Code of the RADIUS request: 1 Access, 4 Accounting, 12 Status-Server, 40 Disconnect, 43 CoA.")
	RADIUSResponse = ntop(241, "RADIUS_RSP_MSG_TYPE", flow.Unsigned8,
		"Code of the RADIUS response: 2 Access-Accept, 3 Access-Reject, 5 Accounting, 11 Access-Challenge, "+
			"41, 42, 44 and 45 acknowledge or refuse a Disconnect or CoA.")
	RADIUSUser    = ntop(242, "RADIUS_USER_NAME", flow.String, "User-Name of RADIUS.")
	RADIUSCalling = ntop(243, "RADIUS_CALLING_STATION_ID", flow.String,
		"Calling-Station-Id of RADIUS: MAC address or MSISDN of the user.")
	RADIUSCalled = ntop(244, "RADIUS_CALLED_STATION_ID", flow.String,
		"Called-Station-Id of RADIUS: access point or APN.")
	RADIUSNAS     = ntop(245, "RADIUS_NAS_IP_ADDR", flow.IPv4Address, "NAS-IP-Address of RADIUS.")
	RADIUSNASName = ntop(246, "RADIUS_NAS_IDENTIFIER", flow.String, "NAS-Identifier of RADIUS.")
	RADIUSIMSI    = ntop(247, "RADIUS_USER_IMSI", flow.String,
		"IMSI of the user (3GPP-IMSI of RADIUS, 3GPP TS 29.061).")
	RADIUSIMEI = ntop(248, "RADIUS_USER_IMEI", flow.String,
		"IMEI of the user's equipment, with its software version if it is known (3GPP-IMEISV of RADIUS).")
	RADIUSFramed = ntop(249, "RADIUS_FRAMED_IP_ADDR", flow.IPv4Address,
		"Framed-IP-Address of RADIUS, the user's.")
	RADIUSSession = ntop(250, "RADIUS_ACCT_SESSION_ID", flow.String, "Acct-Session-Id of RADIUS.")
	RADIUSStatus  = ntop(251, "RADIUS_ACCT_STATUS_TYPE", flow.String,
		"Acct-Status-Type of RADIUS, in digits: 1 Start, 2 Stop, 3 Interim-Update, 7 Accounting-On, "+
			"8 Accounting-Off.")
	RADIUSInOctets = ntop(252, "RADIUS_ACCT_IN_OCTETS", flow.Unsigned64,
		"Octets from the user in the session so far, as the NAS counts them, gigawords included.")
	RADIUSOutOctets = ntop(253, "RADIUS_ACCT_OUT_OCTETS", flow.Unsigned64,
		"Octets to the user in the session so far, as the NAS counts them, gigawords included.")
	RADIUSInPackets = ntop(254, "RADIUS_ACCT_IN_PKTS", flow.Unsigned64,
		"Packets from the user in the session so far, as the NAS counts them.")
	RADIUSOutPackets = ntop(255, "RADIUS_ACCT_OUT_PKTS", flow.Unsigned64,
		"Packets to the user in the session so far, as the NAS counts them.")

	RADIUSNAS6 = ours(700, "RADIUS_NAS_IPV6_ADDR", flow.IPv6Address,
		"NAS-IPv6-Address of RADIUS (RFC 3162).")
	RADIUSPort     = ours(701, "RADIUS_NAS_PORT", flow.Unsigned32, "NAS-Port of RADIUS.")
	RADIUSPortType = ours(702, "RADIUS_NAS_PORT_TYPE", flow.Unsigned32,
		"NAS-Port-Type of RADIUS: 15 Ethernet, 18 and 19 wireless, 5 virtual.")
	RADIUSPortName = ours(703, "RADIUS_NAS_PORT_ID", flow.String, "NAS-Port-Id of RADIUS.")
	RADIUSPrefix   = ours(704, "RADIUS_FRAMED_IPV6_PREFIX", flow.String,
		"Framed-IPv6-Prefix of RADIUS, the user's (RFC 3162).")
	RADIUSFramed6 = ours(705, "RADIUS_FRAMED_IPV6_ADDR", flow.IPv6Address,
		"Framed-IPv6-Address of RADIUS, the user's (RFC 6911).")
	RADIUSDelegated = ours(706, "RADIUS_DELEGATED_IPV6_PREFIX", flow.String,
		"Delegated-IPv6-Prefix of RADIUS, the user's (RFC 4818).")
	RADIUSService = ours(707, "RADIUS_SERVICE_TYPE", flow.Unsigned32,
		"Service-Type of RADIUS: 1 Login, 2 Framed, 10 Call Check.")
	RADIUSReply = ours(708, "RADIUS_REPLY_MESSAGE", flow.String, "Reply-Message of RADIUS, its parts joined.")
	RADIUSCause = ours(709, "RADIUS_TERMINATE_CAUSE", flow.Unsigned32,
		"Acct-Terminate-Cause of RADIUS: 1 user request, 4 idle timeout, 5 session timeout, 6 admin reset.")
	RADIUSTime  = ours(710, "RADIUS_ACCT_SESSION_TIME", flow.Unsigned32, "Acct-Session-Time of RADIUS, seconds.")
	RADIUSDelay = ours(711, "RADIUS_ACCT_DELAY_TIME", flow.Unsigned32,
		"Acct-Delay-Time of RADIUS: for how long the NAS has tried to send the request, seconds.")
	RADIUSMulti  = ours(712, "RADIUS_ACCT_MULTI_SESSION_ID", flow.String, "Acct-Multi-Session-Id of RADIUS.")
	RADIUSMoment = ours(713, "RADIUS_EVENT_TIME", flow.DateTimeSeconds,
		"Event-Timestamp of RADIUS, seconds (RFC 2869).")
	RADIUSAuth = ours(714, "RADIUS_AUTH_METHOD", flow.String,
		"How the user proves who he is: pap, chap, mschap, mschapv2 or eap.")
	RADIUSEAPSaid = ours(715, "RADIUS_REQ_EAP_TYPE", flow.Unsigned8,
		"EAP type in the RADIUS request: 1 Identity, 4 MD5, 13 TLS, 18 SIM, 21 TTLS, 23 AKA, 25 PEAP.")
	RADIUSEAPAsked = ours(716, "RADIUS_RSP_EAP_TYPE", flow.Unsigned8, "EAP type in the RADIUS response.")
	RADIUSError    = ours(717, "RADIUS_ERROR_CAUSE", flow.Unsigned32, "Error-Cause of RADIUS (RFC 5176).")
	RADIUSTimeout  = ours(718, "RADIUS_SESSION_TIMEOUT", flow.Unsigned32,
		"Session-Timeout of RADIUS: for how long the user may use the service, seconds.")
	RADIUSInterval = ours(719, "RADIUS_ACCT_INTERIM_INTERVAL", flow.Unsigned32,
		"Acct-Interim-Interval of RADIUS: time between the reports of the NAS, seconds.")
	RADIUSVLAN = ours(720, "RADIUS_TUNNEL_GROUP_ID", flow.String,
		"Tunnel-Private-Group-ID of RADIUS, without its tag: the VLAN that the user is put into.")
	RADIUSFilter   = ours(721, "RADIUS_FILTER_ID", flow.String, "Filter-Id of RADIUS.")
	RADIUSCharging = ours(722, "RADIUS_3GPP_CHARGING_ID", flow.Unsigned32, "3GPP-Charging-ID of RADIUS.")
	RADIUSSGSN     = ours(723, "RADIUS_3GPP_SGSN_ADDR", flow.IPv4Address,
		"3GPP-SGSN-Address of RADIUS: SGSN, S-GW or AMF.")
	RADIUSGGSN = ours(724, "RADIUS_3GPP_GGSN_ADDR", flow.IPv4Address,
		"3GPP-GGSN-Address of RADIUS: GGSN, P-GW or SMF.")
	RADIUSNetwork = ours(725, "RADIUS_3GPP_SGSN_MCC_MNC", flow.String,
		"3GPP-SGSN-MCC-MNC of RADIUS: country and network that the user is in, in digits.")
	RADIUSRAT = ours(726, "RADIUS_3GPP_RAT_TYPE", flow.Unsigned8,
		"3GPP-RAT-Type of RADIUS: 1 UTRAN, 2 GERAN, 3 WLAN, 6 E-UTRAN, 8 NB-IoT, 51 NR.")
	RADIUSCell = ours(727, "RADIUS_3GPP_CELL", flow.String,
		"Cell that the user is in (3GPP-User-Location-Info of RADIUS), as kind, country, network, area and cell.")
	RADIUSPairs = ours(728, "RADIUS_CISCO_AVPAIR", flow.String,
		"Cisco-AVPair of RADIUS, with semicolons between, but for those that may have a password or key.")
	RADIUSPlace     = ours(729, "RADIUS_WISPR_LOCATION_ID", flow.String, "WISPr-Location-ID of RADIUS.")
	RADIUSPlaceName = ours(730, "RADIUS_WISPR_LOCATION_NAME", flow.String, "WISPr-Location-Name of RADIUS.")
	RADIUSUpRate    = ours(731, "RADIUS_WISPR_MAX_UP", flow.Unsigned32,
		"WISPr-Bandwidth-Max-Up of RADIUS, bits a second.")
	RADIUSDownRate = ours(732, "RADIUS_WISPR_MAX_DOWN", flow.Unsigned32,
		"WISPr-Bandwidth-Max-Down of RADIUS, bits a second.")
)

var radiusFields = []*flow.Field{
	RADIUSRequest, RADIUSResponse, RADIUSUser, RADIUSCalling, RADIUSCalled, RADIUSNAS, RADIUSNASName, RADIUSIMSI,
	RADIUSIMEI, RADIUSFramed, RADIUSSession, RADIUSStatus, RADIUSInOctets, RADIUSOutOctets, RADIUSInPackets,
	RADIUSOutPackets, RADIUSNAS6, RADIUSPort, RADIUSPortType, RADIUSPortName, RADIUSPrefix, RADIUSFramed6,
	RADIUSDelegated, RADIUSService, RADIUSReply, RADIUSCause, RADIUSTime, RADIUSDelay, RADIUSMulti, RADIUSMoment,
	RADIUSAuth, RADIUSEAPSaid, RADIUSEAPAsked, RADIUSError, RADIUSTimeout, RADIUSInterval, RADIUSVLAN, RADIUSFilter,
	RADIUSCharging, RADIUSSGSN, RADIUSGGSN, RADIUSNetwork, RADIUSRAT, RADIUSCell, RADIUSPairs, RADIUSPlace,
	RADIUSPlaceName, RADIUSUpRate, RADIUSDownRate,
}

// radiusForm is how the value of an attribute is read.
type radiusForm uint8

const (
	radiusUnread radiusForm = iota // the attribute is of no interest, or a secret
	radiusText
	radiusJoined // text that may come in several attributes
	radiusTagged // text that may begin with a tag (RFC 2868, section 3.6)
	radiusNumber // of four octets
	radiusOctet
	radiusIPv4
	radiusIPv6
	radiusNet // an IPv6 prefix (RFC 3162, section 2.3)
)

// radiusSaid is how an attribute is said.
type radiusSaid struct {
	form  radiusForm
	field *flow.Field
}

// radiusAttrs are the attributes that are said, by type (IANA's registry of RADIUS types).
var radiusAttrs = [256]radiusSaid{
	1: {radiusText, RADIUSUser}, 4: {radiusIPv4, RADIUSNAS}, 5: {radiusNumber, RADIUSPort},
	6: {radiusNumber, RADIUSService}, 8: {radiusIPv4, RADIUSFramed}, 11: {radiusText, RADIUSFilter},
	18: {radiusJoined, RADIUSReply}, 27: {radiusNumber, RADIUSTimeout}, 30: {radiusText, RADIUSCalled},
	31: {radiusText, RADIUSCalling}, 32: {radiusText, RADIUSNASName}, 41: {radiusNumber, RADIUSDelay},
	44: {radiusText, RADIUSSession}, 46: {radiusNumber, RADIUSTime}, 47: {radiusNumber, RADIUSInPackets},
	48: {radiusNumber, RADIUSOutPackets}, 49: {radiusNumber, RADIUSCause}, 50: {radiusText, RADIUSMulti},
	61: {radiusNumber, RADIUSPortType}, 81: {radiusTagged, RADIUSVLAN}, 85: {radiusNumber, RADIUSInterval},
	87: {radiusText, RADIUSPortName}, 95: {radiusIPv6, RADIUSNAS6}, 97: {radiusNet, RADIUSPrefix},
	101: {radiusNumber, RADIUSError}, 123: {radiusNet, RADIUSDelegated}, 168: {radiusIPv6, RADIUSFramed6},
}

// radius3GPP are the attributes of 3GPP (TS 29.061, section 16.4.7), radiusWISPr those of Wi-Fi Alliance's
// WISPr, by type.
var (
	radius3GPP = [...]radiusSaid{
		1: {radiusText, RADIUSIMSI}, 2: {radiusNumber, RADIUSCharging}, 6: {radiusIPv4, RADIUSSGSN},
		7: {radiusIPv4, RADIUSGGSN}, 18: {radiusText, RADIUSNetwork}, 20: {radiusText, RADIUSIMEI},
		21: {radiusOctet, RADIUSRAT},
	}
	radiusWISPr = [...]radiusSaid{
		1: {radiusText, RADIUSPlace}, 2: {radiusText, RADIUSPlaceName},
		7: {radiusNumber, RADIUSUpRate}, 8: {radiusNumber, RADIUSDownRate},
	}
)

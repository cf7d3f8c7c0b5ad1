package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a transaction of Diameter. Keys and challenges of authentication are never said.
var (
	DiameterRequest = ntop(399, "DIAMETER_REQ_MSG_TYPE", flow.Unsigned32,
		"Command code of the Diameter request.")
	DiameterResponse = ntop(400, "DIAMETER_RSP_MSG_TYPE", flow.Unsigned32,
		"Command code of the Diameter response.")
	DiameterOrigin = ntop(401, "DIAMETER_REQ_ORIGIN_HOST", flow.String, "Origin-Host of the Diameter request.")
	DiameterPeer   = ntop(402, "DIAMETER_RSP_ORIGIN_HOST", flow.String,
		"Origin-Host of the Diameter response.")
	DiameterUser = ntop(403, "DIAMETER_REQ_USER_NAME", flow.String,
		"User-Name of the Diameter request, of S6a the IMSI.")
	DiameterResult = ntop(404, "DIAMETER_RSP_RESULT_CODE", flow.Unsigned32,
		"Result-Code of Diameter: 2001 is success.")
	DiameterVendor = ntop(405, "DIAMETER_EXP_RES_VENDOR_ID", flow.Unsigned32,
		"Vendor whose experimental result of Diameter it is.")
	DiameterOdd = ntop(406, "DIAMETER_EXP_RES_RESULT_CODE", flow.Unsigned32,
		"Experimental-Result-Code of Diameter.")
	DiameterHop = ntop(445, "DIAMETER_HOP_BY_HOP_ID", flow.Unsigned32,
		"Hop-by-hop identifier of the Diameter transaction.")
	DiameterCancel = ntop(452, "DIAMETER_CLR_CANCEL_TYPE", flow.Unsigned32, "Cancellation-Type of S6a.")
	DiameterFlags  = ntop(453, "DIAMETER_CLR_FLAGS", flow.Unsigned32, "CLR-Flags of S6a.")

	DiameterCommand = ours(1200, "DIAMETER_COMMAND", flow.String,
		"Name of the command of Diameter, as Credit-Control.")
	DiameterAppID = ours(1201, "DIAMETER_APPLICATION_ID", flow.Unsigned32, "Application of Diameter.")
	DiameterApp   = ours(1202, "DIAMETER_APPLICATION", flow.String,
		"Name of the interface of Diameter, as Gx, Gy, Rx or S6a.")
	DiameterSession = ours(1203, "DIAMETER_SESSION_ID", flow.String, "Session-Id of Diameter.")
	DiameterRealm   = ours(1204, "DIAMETER_REQ_ORIGIN_REALM", flow.String,
		"Origin-Realm of the Diameter request.")
	DiameterOther = ours(1205, "DIAMETER_RSP_ORIGIN_REALM", flow.String,
		"Origin-Realm of the Diameter response.")
	DiameterTo = ours(1206, "DIAMETER_DESTINATION_HOST", flow.String,
		"Destination-Host of the Diameter request.")
	DiameterToRealm = ours(1207, "DIAMETER_DESTINATION_REALM", flow.String,
		"Destination-Realm of the Diameter request.")
	DiameterFramed  = ours(1208, "DIAMETER_FRAMED_IP_ADDR", flow.IPv4Address, "IPv4 address of the user.")
	DiameterPrefix  = ours(1209, "DIAMETER_FRAMED_IPV6_PREFIX", flow.String, "IPv6 prefix of the user.")
	DiameterServed  = ours(1210, "DIAMETER_SERVED_IP_ADDR", flow.String, "Served-Party-IP-Address of Diameter.")
	DiameterCalling = ours(1211, "DIAMETER_CALLING_STATION_ID", flow.String, "Calling-Station-Id of Diameter.")
	DiameterCalled  = ours(1212, "DIAMETER_CALLED_STATION_ID", flow.String,
		"Called-Station-Id of Diameter: the access point name.")
	DiameterNames = ours(1213, "DIAMETER_SUBSCRIPTION_ID", flow.String,
		"Who subscribes (Subscription-Id of Diameter), with semicolons between.")
	DiameterFrom = ours(1214, "DIAMETER_CALLING_PARTY_ADDRESS", flow.String,
		"Calling-Party-Address of Diameter.")
	DiameterCallee = ours(1215, "DIAMETER_CALLED_PARTY_ADDRESS", flow.String,
		"Called-Party-Address of Diameter.")
	DiameterIMSI   = ours(1216, "DIAMETER_USER_IMSI", flow.String, "IMSI of the user.")
	DiameterMSISDN = ours(1217, "DIAMETER_USER_MSISDN", flow.String, "Telephone number of the user.")
	DiameterIMEI   = ours(1218, "DIAMETER_USER_IMEI", flow.String, "IMEI of the user's equipment.")
	DiameterKind   = ours(1219, "DIAMETER_CC_REQUEST_TYPE", flow.Unsigned32,
		"CC-Request-Type of Diameter: 1 initial, 2 update, 3 termination, 4 event.")
	DiameterNumber = ours(1220, "DIAMETER_CC_REQUEST_NUMBER", flow.Unsigned32, "CC-Request-Number of Diameter.")
	DiameterRAT    = ours(1221, "DIAMETER_RAT_TYPE", flow.Unsigned32,
		"RAT-Type of Diameter: 1000 UTRAN, 1001 GERAN, 1004 E-UTRAN.")
	DiameterCell = ours(1222, "DIAMETER_CELL", flow.String,
		"Where the user is, as kind, country, network, area and cell.")
	DiameterAPN = ours(1223, "DIAMETER_SERVICE_SELECTION", flow.String,
		"Access point name that the user may use.")
	DiameterWhy = ours(1224, "DIAMETER_ERROR_MESSAGE", flow.String, "Error-Message of the Diameter response.")
	DiameterUp  = ours(1225, "DIAMETER_USED_IN_OCTETS", flow.Unsigned64,
		"Octets from the user that are charged with the request.")
	DiameterDown = ours(1226, "DIAMETER_USED_OUT_OCTETS", flow.Unsigned64,
		"Octets to the user that are charged with the request.")
	DiameterBye = ours(1227, "DIAMETER_DISCONNECT_CAUSE", flow.Unsigned32,
		"Disconnect-Cause of Diameter: 0 rebooting, 1 busy.")
	DiameterRecord = ours(1228, "DIAMETER_ACCT_RECORD_TYPE", flow.Unsigned32,
		"Accounting-Record-Type of Diameter: 1 event, 2 start, 3 interim, 4 stop.")
	DiameterPublic = ours(1229, "DIAMETER_PUBLIC_IDENTITY", flow.String,
		"Public-Identity of Cx and Sh: the SIP URI of the user.")
	DiameterPLMN = ours(1230, "DIAMETER_VISITED_PLMN", flow.String,
		"Network that the user is in (Visited-PLMN-Id), as country and network.")
	DiameterEnd = ours(1231, "DIAMETER_END_TO_END_ID", flow.Unsigned32,
		"End-to-end identifier of the Diameter transaction.")
)

var diameterFields = []*flow.Field{
	DiameterRequest, DiameterResponse, DiameterOrigin, DiameterPeer, DiameterUser, DiameterResult, DiameterVendor,
	DiameterOdd, DiameterHop, DiameterCancel, DiameterFlags, DiameterCommand, DiameterAppID, DiameterApp,
	DiameterSession, DiameterRealm, DiameterOther, DiameterTo, DiameterToRealm, DiameterFramed, DiameterPrefix,
	DiameterServed, DiameterCalling, DiameterCalled, DiameterNames, DiameterFrom, DiameterCallee, DiameterIMSI,
	DiameterMSISDN, DiameterIMEI, DiameterKind, DiameterNumber, DiameterRAT, DiameterCell, DiameterAPN, DiameterWhy,
	DiameterUp, DiameterDown, DiameterBye, DiameterRecord, DiameterPublic, DiameterPLMN, DiameterEnd,
}

// diameterForm is how the value of an AVP is read.
type diameterForm uint8

const (
	diameterUnread diameterForm = iota // the AVP is of no interest, or a secret
	diameterText
	diameterNumber
	diameterIPv4
	diameterNet
	diameterAddress
	diameterGroup // others are in it
	diameterOwn   // it needs more than a form: see diameterMessage.own
)

// diameterAVP is how an AVP is said: in requests, and in responses if that is another field.
type diameterAVP struct {
	code, vendor    uint32
	form            diameterForm
	field, answered *flow.Field
}

// diameterAVPs are the AVPs that are read (RFC 6733, 8506, 7155; 3GPP TS 29.061, 29.212, 29.229, 29.272, 32.299).
var diameterAVPs = [...]diameterAVP{
	{code: 1, form: diameterText, field: DiameterUser},
	{code: 8, form: diameterIPv4, field: DiameterFramed},
	{code: 30, form: diameterText, field: DiameterCalled},
	{code: 31, form: diameterText, field: DiameterCalling},
	{code: 97, form: diameterNet, field: DiameterPrefix},
	{code: 263, form: diameterText, field: DiameterSession},
	{code: 264, form: diameterText, field: DiameterOrigin, answered: DiameterPeer},
	{code: 266, form: diameterOwn},
	{code: 268, form: diameterNumber, field: DiameterResult},
	{code: 273, form: diameterNumber, field: DiameterBye},
	{code: 281, form: diameterText, field: DiameterWhy},
	{code: 283, form: diameterText, field: DiameterToRealm},
	{code: 293, form: diameterText, field: DiameterTo},
	{code: 296, form: diameterText, field: DiameterRealm, answered: DiameterOther},
	{code: 297, form: diameterGroup},
	{code: 298, form: diameterNumber, field: DiameterOdd},
	{code: 412, form: diameterOwn},
	{code: 414, form: diameterOwn},
	{code: 415, form: diameterNumber, field: DiameterNumber},
	{code: 416, form: diameterNumber, field: DiameterKind},
	{code: 443, form: diameterGroup},
	{code: 444, form: diameterOwn},
	{code: 446, form: diameterGroup},
	{code: 450, form: diameterOwn},
	{code: 456, form: diameterGroup},
	{code: 458, form: diameterGroup},
	{code: 459, form: diameterOwn},
	{code: 460, form: diameterOwn},
	{code: 480, form: diameterNumber, field: DiameterRecord},
	{code: 493, form: diameterText, field: DiameterAPN},
	{code: 1, vendor: vendor3GPP, form: diameterText, field: DiameterIMSI},
	{code: 20, vendor: vendor3GPP, form: diameterText, field: DiameterIMEI},
	{code: 22, vendor: vendor3GPP, form: diameterOwn},
	{code: 601, vendor: vendor3GPP, form: diameterText, field: DiameterPublic},
	{code: 701, vendor: vendor3GPP, form: diameterOwn},
	{code: 831, vendor: vendor3GPP, form: diameterText, field: DiameterFrom},
	{code: 832, vendor: vendor3GPP, form: diameterText, field: DiameterCallee},
	{code: 848, vendor: vendor3GPP, form: diameterAddress, field: DiameterServed},
	{code: 873, vendor: vendor3GPP, form: diameterGroup},
	{code: 874, vendor: vendor3GPP, form: diameterGroup},
	{code: 876, vendor: vendor3GPP, form: diameterGroup},
	{code: 1032, vendor: vendor3GPP, form: diameterNumber, field: DiameterRAT},
	{code: 1400, vendor: vendor3GPP, form: diameterGroup},
	{code: 1401, vendor: vendor3GPP, form: diameterGroup},
	{code: 1402, vendor: vendor3GPP, form: diameterText, field: DiameterIMEI},
	{code: 1407, vendor: vendor3GPP, form: diameterOwn},
	{code: 1420, vendor: vendor3GPP, form: diameterNumber, field: DiameterCancel},
	{code: 1638, vendor: vendor3GPP, form: diameterNumber, field: DiameterFlags},
}

// diameterName names a number.
type diameterName struct {
	number uint32
	name   string
}

// diameterCommands are IANA's registry of command codes, as far as they are met.
var diameterCommands = [...]diameterName{
	{257, "Capabilities-Exchange"}, {258, "Re-Auth"}, {265, "AA"}, {268, "Diameter-EAP"}, {271, "Accounting"},
	{272, "Credit-Control"}, {274, "Abort-Session"}, {275, "Session-Termination"}, {280, "Device-Watchdog"},
	{282, "Disconnect-Peer"}, {300, "User-Authorization"}, {301, "Server-Assignment"}, {302, "Location-Info"},
	{303, "Multimedia-Auth"}, {304, "Registration-Termination"}, {305, "Push-Profile"}, {306, "User-Data"},
	{307, "Profile-Update"}, {308, "Subscribe-Notifications"}, {309, "Push-Notification"}, {316, "Update-Location"},
	{317, "Cancel-Location"}, {318, "Authentication-Information"}, {319, "Insert-Subscriber-Data"},
	{320, "Delete-Subscriber-Data"}, {321, "Purge-UE"}, {322, "Reset"}, {323, "Notify"}, {324, "ME-Identity-Check"},
	{8388620, "Provide-Location"}, {8388621, "Location-Report"}, {8388622, "LCS-Routing-Info"},
	{8388635, "Spending-Limit"}, {8388636, "Spending-Status-Notification"}, {8388637, "AA-Sd"}, {8388638, "TDF-Session"},
	{8388645, "MO-Forward-Short-Message"}, {8388646, "MT-Forward-Short-Message"},
	{8388647, "Send-Routing-Info-for-SM"}, {8388648, "Alert-Service-Centre"}, {8388649, "Report-SM-Delivery-Status"},
}

// diameterApps are IANA's registry of applications, by the interfaces that they are used on.
var diameterApps = [...]diameterName{
	{0, "base"}, {1, "NASREQ"}, {3, "Rf"}, {4, "Gy"}, {5, "EAP"}, {6, "SIP"}, {16777216, "Cx"}, {16777217, "Sh"},
	{16777236, "Rx"}, {16777238, "Gx"}, {16777251, "S6a"}, {16777252, "S13"}, {16777255, "SLg"}, {16777264, "SWm"},
	{16777265, "SWx"}, {16777267, "S9"}, {16777272, "S6b"}, {16777291, "SLh"}, {16777302, "Sy"}, {16777303, "Sd"},
	{16777312, "S6c"}, {16777313, "SGd"}, {4294967295, "relay"},
}

// named returns the name of a number, empty if it has none.
func named32(all []diameterName, number uint32) string {
	for i := range all {
		if all[i].number == number {
			return all[i].name
		}
	}
	return ""
}
